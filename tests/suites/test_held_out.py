"""Which questions a held-out file asks, and which conversations are chosen."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.errors import DataRefused, UsageError
from hive_mind.files import write_jsonl
from hive_mind.suites.held_out import ask, items, load_suite, read_conversations, sample

TOOL = Tool("get_weather", "Weather", {"type": "object", "properties": {"place": {"type": "string"}}})
CALL = (ToolCall("call_0", "get_weather", {"place": "Bern"}),)


def user(text):
    return Message("user", text)


def says(text, calls=()):
    return Message("assistant", text, calls)


RESULT = Message("tool", "rain", (), "call_0", "get_weather")


def conversation(*messages, tools=(TOOL,), source="glaive_tools"):
    return Conversation.build(source, messages, tools)


def rows(count, source, start=0):
    return [conversation(user(f"{source} {start + n}"), says("Fine."), source=source) for n in range(count)]


def asked(*messages, tools=(TOOL,)):
    return [(item.kind, len(item.messages)) for item in ask(conversation(*messages, tools=tools), "tier")]


def test_kinds():
    assert asked(user("Weather?"), says("", CALL)) == [("call", 1)]
    assert asked(user("Hello"), says("Hello!")) == [("no_tool", 1)]
    assert asked(user("Hello"), says("Hello!"), tools=()) == [("plain", 1)]
    assert asked(Message("system", "Be brief."), user("Hello"), says("Hi"), tools=()) == [("plain", 2)]


def test_an_answer_after_a_result_is_not_asked():
    turns = (user("Weather?"), says("", CALL), RESULT, says("It rains."))
    assert asked(*turns) == [("call", 1)]
    assert asked(*turns, user("Thanks"), says("Welcome.")) == [("call", 1), ("no_tool", 5)]


def test_turns_without_content_or_question_are_not_asked():
    assert asked(user("Weather?"), says("")) == []
    assert asked(says("How can I help?"), user("Not at all")) == []


def test_at_most_one_question_of_each_sort_a_conversation():
    turns = [turn for n in range(4) for turn in (user(f"a{n}"), says("b"), user(f"c{n}"), says("", CALL), RESULT)]
    found = ask(conversation(*turns), "tier")
    assert sorted(item.kind for item in found) == ["call", "no_tool"]
    assert {item.kind: item.expected.tool_calls for item in found}["call"] == CALL
    for item in found:
        assert item.messages == tuple(turns[: len(item.messages)])
        assert turns[len(item.messages)] == item.expected


def test_the_question_chosen_depends_on_the_seed():
    turns = [turn for n in range(6) for turn in (user(f"a{n}"), says("b"))]
    chosen = {len(ask(conversation(*turns), "tier", seed)[0].messages) for seed in range(20)}
    assert len(chosen) > 2


@given(
    sizes=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 30), min_size=1),
    limit=st.integers(1, 40),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_sample_is_stratified_stable_and_exact(sizes, limit, seed):
    every = [row for source, size in sizes.items() for row in rows(size, source)]
    chosen = sample(every, limit, seed)
    assert len(chosen) == min(limit, len(every))
    assert [row for row in every if row in chosen] == chosen == sample(every, limit, seed)
    if limit >= len(sizes):
        assert {row.source for row in chosen} == set(sizes)
    for source, size in sizes.items():
        share = sum(row.source == source for row in chosen)
        assert share <= size
        if limit < len(every):
            assert abs(share - limit * size / len(every)) < max(1, len(sizes))


def test_a_row_added_moves_no_other():
    before = rows(50, "usage")
    after = [*before[:20], *rows(1, "usage", start=100), *before[20:]]
    kept = {row.id for row in sample(after, 20, 1)} & {row.id for row in before}
    assert len(kept - {row.id for row in sample(before, 20, 1)}) == 0
    assert len(kept) >= 19


def test_tiers_of_a_suite(tmp_path):
    test, mine = tmp_path / "test.jsonl", tmp_path / "mine.jsonl"
    write_jsonl(test, (row.to_dict() for row in [*rows(5, "usage"), *rows(3, "xlam")]))
    write_jsonl(mine, (row.to_dict() for row in rows(4, "messages")))
    suite = load_suite(test, {"your_tools": mine}, limit=4, seed=1)
    counts = {tier: sum(row.tier == tier for row in suite.rows) for tier in ("usage", "xlam", "your_tools")}
    assert counts == {"usage": 4, "xlam": 3, "your_tools": 4}
    assert [file["tier"] for file in suite.files] == ["", "your_tools"]
    assert [item.tier for item in suite.items] == [row.tier for row in suite.rows]
    assert len({item.id for item in suite.items}) == len(suite.items)


def test_the_digest_names_questions_not_files(tmp_path):
    def digest(name, conversations, tier="t", limit=None, seed=1):
        file = tmp_path / name
        write_jsonl(file, (row.to_dict() for row in conversations))
        return load_suite(None, {tier: file}, limit, seed).digest

    first = digest("a.jsonl", rows(5, "usage"))
    assert digest("b.jsonl", rows(5, "usage")) == first
    assert digest("c.jsonl", rows(6, "usage")) != first
    assert digest("d.jsonl", rows(5, "usage"), tier="u") != first
    assert digest("e.jsonl", rows(5, "usage"), limit=4) != first


def test_openai_rows_are_read(tmp_path):
    file = tmp_path / "tasks.jsonl"
    call = {"id": "x", "type": "function", "function": {"name": "get_weather", "arguments": '{"place": "Bern"}'}}
    messages = [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    write_jsonl(file, [{"messages": messages, "tools": [TOOL.to_dict()]}])
    (item,) = items(file, "mine")
    assert (item.kind, item.tools) == ("call", (TOOL,))
    assert item.expected.tool_calls[0].arguments == {"place": "Bern"}


def test_a_conversation_that_stands_twice_is_asked_once(tmp_path):
    file = tmp_path / "t.jsonl"
    write_jsonl(file, (row.to_dict() for row in [*rows(3, "usage"), *rows(3, "usage")]))
    assert len(read_conversations(file)) == 3


@pytest.mark.parametrize(
    ("line", "said"), [("{broken", "not valid JSON"), ('{"messages": []}', "no messages"), ("[1]", "not a JSON object")]
)
def test_an_unusable_line_is_named(tmp_path, line, said):
    file = tmp_path / "t.jsonl"
    write_jsonl(file, (row.to_dict() for row in rows(2, "usage")))
    with open(file, "a") as out:
        out.write(f"{line}\n")
    with pytest.raises(DataRefused, match=f"t.jsonl, line 3: .*{said}"):
        read_conversations(file)


def test_missing_files_and_names_taken_twice(tmp_path):
    with pytest.raises(UsageError, match="nothing to evaluate on"):
        load_suite(None, {}, None, 1)
    with pytest.raises(UsageError, match="does not exist"):
        load_suite(tmp_path / "gone.jsonl", {}, None, 1)
    file = tmp_path / "t.jsonl"
    write_jsonl(file, (row.to_dict() for row in rows(2, "usage")))
    with pytest.raises(UsageError, match="has the name of a source"):
        load_suite(file, {"usage": file}, None, 1)

"""Windows of long interactions: what they hold, that they fit, and that every turn is learnt once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.catalogue import K
from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.curation.accept import accept
from hive_mind.curation.counting import estimate, token_counter
from hive_mind.curation.windows import MARKER, RESULT_TOO_LONG, TURN_TOO_LONG, Windows, cut, offered
from hive_mind.sources import usage
from hive_mind.sources.transcripts import with_servers

TOOLS = [
    Tool(f"tool_{n}", f"Tool number {n}", {"type": "object", "properties": {"x": {"type": "string"}}}) for n in range(8)
]
WORDS = st.integers(1, 60).map(lambda size: "words " * (size // 6) + "w")


def letters(conversation: Conversation) -> int:
    """Count characters, so that the tests need no tokenizer."""
    return len(json.dumps(conversation.to_dict()))


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """One or more requests, each followed by calls with results (some not to be learnt) and an answer."""
    messages = [Message("system", draw(WORDS))] if draw(st.booleans()) else []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message("user", draw(WORDS)))
        for _ in range(draw(st.integers(0, 4))):
            calls = []
            for _ in range(draw(st.integers(1, 2))):
                calls.append(ToolCall(f"c{number}", f"tool_{draw(st.integers(0, 5))}", {"x": draw(WORDS)}))
                number += 1
            messages.append(Message("assistant", draw(WORDS), tuple(calls), learn=draw(st.booleans())))
            for call in calls:
                result = draw(WORDS) * draw(st.sampled_from([1, 1, 4, 40]))
                messages.append(Message("tool", result, (), call.id, call.name))
        messages.append(Message("assistant", draw(WORDS)))
    return Conversation.build("usage", messages, TOOLS)


def turns_to_learn(conversation: Conversation) -> list[tuple[int, Message]]:
    answers = [message for message in conversation.messages if message.role == "assistant"]
    return [(turn, message) for turn, message in enumerate(answers, 1) if message.learn]


def check(conversation: Conversation, made: Windows, budget: int) -> None:
    """Everything that windows promise."""
    wanted = turns_to_learn(conversation)
    targets = [(window.turn, window.conversation.messages[-1]) for window in made.windows]
    assert len(targets) + made.left_out.total() == len(wanted), "each turn has one window or is counted as left out"
    assert [pair for pair in wanted if pair in targets] == targets, "the same bytes, in order, each once"
    learnt_in = [
        sum(m.role == "assistant" and m.learn for m in window.conversation.messages) for window in made.windows
    ]
    assert set(learnt_in) <= {1}
    assert len({window.conversation.id for window in made.windows}) == len(made.windows)
    for window in made.windows:
        row = window.conversation
        assert letters(row) <= budget
        assert accept(row) == row, "a window is a usable row as it stands"
        assert Conversation.from_dict(json.loads(json.dumps(row.to_dict()))) == row
        check_context(conversation, row)


def check_context(whole: Conversation, row: Conversation) -> None:
    place = -1
    for message in row.messages:
        same = [
            i for i, original in enumerate(whole.messages) if i > place
            and original == replace(message, content=original.content, learn=original.learn)
            and message.content in (original.content, MARKER)
        ]  # fmt: skip
        assert same, "messages stand in the order of the conversation, each as it was or marked"
        place = same[0]
        shortened = message.content != whole.messages[place].content
        assert not shortened or message.role == "tool", "a marker stands for a result, nothing else is shortened"
    assert [m for m in row.messages if m.role == "system"] == [m for m in whole.messages if m.role == "system"]
    results = [message.content for message in row.messages if message.role == "tool"]
    # one of the marker's own length stays: a marker in its place would save nothing
    marked = [result == MARKER for result in results if result == MARKER or len(result) > len(MARKER)]
    assert marked == sorted(marked, reverse=True), "marked results stand before whole ones"
    if row.messages[-2].role == "tool":
        assert row.messages[-2].content != MARKER, "the result right before the turn is shown"
    called = {call.name for call in row.calls}
    assert called <= {tool.name for tool in row.tools}
    assert [tool for tool in whole.tools if tool in row.tools] == list(row.tools)


@settings(max_examples=200)
@given(conversations(), st.integers(600, 6000))
def test_every_turn_to_learn_is_the_target_of_one_window(conversation: Conversation, budget: int) -> None:
    made = cut(conversation, budget, letters)
    answers = sum(message.role == "assistant" for message in conversation.messages)
    if answers == 1 or letters(conversation) <= budget:
        assert [(window.conversation, window.turn) for window in made.windows] == [(conversation, None)]
        assert not made.left_out
    else:
        check(conversation, made, budget)
    assert cut(conversation, budget, letters) == made


def run(results: int = 6, size: int = 100, tools: int = 8) -> Conversation:
    messages = [Message("system", "Be brief."), Message("user", "Do it.")]
    for n in range(results):
        messages.append(Message("assistant", f"Step {n}.", (ToolCall(f"c{n}", "tool_0", {"x": str(n)}),)))
        messages.append(Message("tool", f"result {n}: " + "x" * size, (), f"c{n}", "tool_0"))
    messages.append(Message("assistant", "Done."))
    return Conversation.build("usage", messages, TOOLS[:tools])


def test_the_last_messages_stay_whole_and_older_results_are_marked() -> None:
    whole = run(results=8, size=400, tools=1)
    made = cut(whole, 3400, letters)
    last = made.windows[-1].conversation
    contents = [message.content for message in last.messages]
    assert contents[:2] == ["Be brief.", "Do it."] and contents[-1] == "Done."
    results = [message.content for message in last.messages if message.role == "tool"]
    assert results[0] == MARKER and results[-1].startswith("result 7: xxx")
    assert last.id == f"{whole.id}-turn9" and made.windows[-1].turn == 9


def test_a_few_other_tools_are_declared_always_the_same() -> None:
    many = [Tool(f"tool_{n}", f"Tool number {n}", TOOLS[0].parameters) for n in range(40)]
    whole = replace(run(size=3000), tools=tuple(many))
    made = cut(whole, 12_000, letters)
    sets = {tuple(tool.name for tool in window.conversation.tools) for window in made.windows}
    assert {len(names) for names in sets} == {1 + K}
    assert len(sets) > 1, "where nothing speaks for a tool, no tool is favoured"
    assert made == cut(whole, 12_000, letters)


def asking(request: str, **options: int) -> Conversation:
    whole = run(**options)
    return replace(whole, messages=(whole.messages[0], Message("user", request), *whole.messages[2:]))


WEATHER = [Tool(f"weather_{place}", "Tell the weather", {}) for place in "abcdefgh"]
PAINTING = [Tool(f"paint_{thing}", "Paint it", {}) for thing in "abcdefgh"]


def test_the_other_tools_are_those_that_a_served_request_would_be_offered() -> None:
    made = cut(
        replace(asking("Please tell me the weather.", size=3000), tools=(*PAINTING, TOOLS[0], *WEATHER)),
        12_000,
        letters,
    )
    for window in made.windows:
        assert [tool.name for tool in window.conversation.tools] == ["tool_0", *(tool.name for tool in WEATHER)]


def test_a_row_that_declares_many_tools_keeps_those_it_calls_and_the_best() -> None:
    assert offered(run()) == run(), "no more than K are left as they are"
    whole = asking("Please tell me the weather.")
    made = offered(Conversation.build("usage", whole.messages, [*PAINTING, TOOLS[0], *WEATHER]))
    assert [tool.name for tool in made.tools] == ["tool_0", *(tool.name for tool in WEATHER)]
    assert made == Conversation.build("usage", made.messages, made.tools), "its id tells its content"


def test_turns_without_room_are_counted_by_reason() -> None:
    assert cut(run(results=1, size=5000, tools=1), 1000, letters).left_out == {RESULT_TOO_LONG: 1}
    long = Message("assistant", "y" * 2000)
    whole = run(results=1, size=10, tools=1)
    grown = replace(whole, messages=(*whole.messages[:-1], long))
    assert cut(grown, 1000, letters).left_out == {TURN_TOO_LONG: 1}


@pytest.mark.real
def test_windows_of_the_real_runs(real_data: Path, qwen_tokenizer) -> None:
    """How many windows the real runs give at 2,048 tokens, estimated and counted; none has more tokens than that."""
    file = real_data / "usage" / "livemcpbench_runs_60.jsonl"
    rows = []
    for line in file.read_bytes().splitlines():
        made = usage.convert(with_servers(json.loads(line), file))
        if isinstance(made, Conversation):
            accepted = accept(made)
            assert isinstance(accepted, Conversation)
            rows.append(accepted)
    exact = token_counter(real_data / "qwen2.5-0.5b")
    figures = {}
    for name, count in (("estimated", estimate), ("counted", exact)):
        made = [cut(row, 2048, count) for row in rows]
        windows = [window for part in made for window in part.windows]
        assert max(exact(window.conversation) for window in windows) <= 2048
        left_out: Counter[str] = sum((part.left_out for part in made), Counter())
        whole = sum(window.turn is None for window in windows)
        figures[name] = (whole, len(windows) - whole, left_out[RESULT_TOO_LONG], left_out[TURN_TOO_LONG])
        print(f"{name}: {len(rows)} runs, {whole} whole, {len(windows) - whole} windows, left out {dict(left_out)}")
    assert figures == {"estimated": (0, 145, 48, 30), "counted": (2, 169, 36, 11)}

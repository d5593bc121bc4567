"""A person's interactions as tasks."""

import json

import pytest

from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.files import index_name, read_jsonl, write_jsonl
from hive_mind.sources.transcripts import convert, with_servers
from hive_mind.suites.outcome import Outcome
from hive_mind.suites.unavailable import SuiteUnavailable
from hive_mind.suites.usage import NO_TOOL, ToolScore, check, load, per_tool

TOOLS = tuple(Tool(name, "", {"type": "object"}) for name in ("read", "write"))


def turn(name=None, arguments=None, words="", learn=True):
    calls = (ToolCall("call_0", name, arguments or {}),) if name else ()
    return Message("assistant", words, calls, learn=learn)


RESULT = Message("tool", "done", (), "call_0", "read")


def run(number, *turns, source="usage"):
    return Conversation.build(source, (Message("user", f"Do {number}"), *turns), TOOLS)


def reply(name, **arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


@pytest.fixture
def file(tmp_path):
    rows = [
        run(1, turn("read", {"n": 1}), RESULT, turn("write", {"n": 2}), RESULT, turn(words="Done.")),
        run(2, turn("read", {"n": 3}, learn=False), RESULT, turn("read", {"n": 4})),
        run(3, turn("read", {"n": 5}), source="xlam"),
    ]
    path = tmp_path / "test.jsonl"
    write_jsonl(path, (row.to_dict() for row in rows))
    return path


def test_every_turn_to_learn_of_ones_own_is_asked(file):
    tasks = load(file)
    assert [task.category for task in tasks] == ["read", "write", NO_TOOL, "read"]
    assert [len(task.messages) for task in tasks] == [1, 3, 5, 3]
    assert [task.cluster for task in tasks] == [tasks[0].cluster] * 3 + [tasks[3].cluster]
    assert tasks[0].cluster != tasks[3].cluster and len({task.id for task in tasks}) == 4
    assert len(load(file, limit=2)) == 2


def test_the_index_says_which_are_one_session(file):
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    write_jsonl(file.with_name(index_name(file.name)), ({"id": row["id"], "session": "monday"} for row in rows))
    assert {task.cluster for task in load(file)} == {"monday"}


def test_check(file):
    first, _, words, _ = load(file)
    assert check(first, reply("read", n=1.0)) == Outcome(True)
    assert check(first, reply("read", n=True)) == Outcome(False, "wrong_arguments")
    assert check(first, reply("write", n=1)) == Outcome(False, "wrong_tool")
    assert check(first, reply("read", n=1) * 2) == Outcome(False, "wrong_count")
    assert check(first, "I will read it.") == Outcome(False, "no_call")
    assert check(words, "All done.") == Outcome(True)
    assert check(words, " ") == Outcome(False, "empty")
    assert check(words, reply("read")) == check(words, "<tool_call>x") == Outcome(False, "called")


def test_per_tool(file):
    tasks = load(file)
    replies = [reply("read", n=9), reply("write", n=2), "Done.", reply("write", n=4)]
    outcomes = [check(task, text) for task, text in zip(tasks, replies, strict=True)]
    assert per_tool(tasks, outcomes) == [
        ToolScore("read", 2, 1, 0), ToolScore(NO_TOOL, 1, 1, 1), ToolScore("write", 1, 1, 1),
    ]  # fmt: skip


def test_files_without_interactions(tmp_path, file):
    with pytest.raises(SuiteUnavailable, match="does not exist"):
        load(tmp_path / "absent.jsonl")
    write_jsonl(file, [run(3, turn("read"), source="xlam").to_dict()])
    with pytest.raises(SuiteUnavailable, match="holds no turn of your own interactions"):
        load(file)
    file.write_text("{")
    with pytest.raises(SuiteUnavailable, match="line 1"):
        load(file)


def test_real_interactions(real_data, tmp_path):
    runs = real_data / "usage" / "livemcpbench_runs_60.jsonl"
    made = [convert(with_servers(row, runs)) for _, row in read_jsonl(runs)]
    file = tmp_path / "usage.jsonl"
    write_jsonl(file, (one.to_dict() for one in made if isinstance(one, Conversation)))
    tasks = load(file)
    said = ["\n".join(reply(call.name, **call.arguments) for call in task.expected) or "It is done." for task in tasks]
    outcomes = [check(task, text) for task, text in zip(tasks, said, strict=True)]
    assert all(outcome.correct for outcome in outcomes)
    scores = per_tool(tasks, outcomes)
    assert sum(score.correct for score in scores) == len(tasks) > 100 and len(scores) > 30
    assert {task.expected[0].name for task in tasks if task.expected} == {score.tool for score in scores} - {NO_TOOL}

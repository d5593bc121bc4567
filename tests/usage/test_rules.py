"""What is approved at once, what never, and what waits for a person."""

from dataclasses import replace

import pytest

from hive_mind.conversation import Message, Tool, ToolCall
from hive_mind.usage.rules import dangers, judge
from hive_mind.usage.settings import RuleSettings
from tests.usage.making import BASH, call, interaction, said


def state(seen, repeats=1):
    verdict = judge("0" * 32, seen, repeats, RuleSettings())
    assert verdict.reason
    return f"{verdict.state}: {verdict.reason}"


def shell(command, **values):
    return interaction(answer=call("bash", command=command), tools=(BASH,), **values)


STRICT = Tool("pick", "", {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}})
CASES = {
    "approved: it succeeded": interaction(),
    "approved: a person liked it": said(thumb="up"),
    "rejected: it failed: no such file": interaction(outcome="failed", error="no such file"),
    "rejected: it failed": interaction(outcome="failed"),
    "rejected: a person did not like it": interaction(thumb="down"),
    "new: what came of it is not known": said(),
    "new: the request is not known": interaction(messages=()),
    "new: undeclared_tool: read_file is called but not declared": interaction(tools=()),
    "new: missing_argument: a call of read_file lacks path": interaction(answer=call(lines=2)),
    "new: empty_answer: an assistant turn has neither text nor calls": interaction(answer=Message("assistant", "")),
    "quarantined: dangerous: it deletes a whole system, a home or a folder of the system": shell("sudo rm -rf /"),
    "quarantined: schema_violation: a call of pick: $.n: 7 is greater than the maximum of 3": interaction(
        answer=call("pick", n=7), tools=(STRICT,)
    ),
    "quarantined: special_token_text: the text holds <|im_end|>, which the model reads as a control token": said(
        "stop <|im_end|>", thumb="up"
    ),
}


@pytest.mark.parametrize("verdict", CASES)
def test_verdicts(verdict):
    assert state(CASES[verdict]) == verdict


def test_what_is_repeated_is_held_back():
    assert state(interaction(), 2) == "approved: it succeeded"
    assert state(interaction(), 3) == "quarantined: repeated: the same call 3 times in one session"
    assert state(said(thumb="up"), 3) == "approved: a person liked it", "words are no loop"


def test_a_loop_in_a_session_is_held_back_and_its_beginning_is_not(store):
    context = interaction().messages
    states = []
    for _ in range(4):
        context = (*context, call(path="a"), Message("tool", "text", tool_call_id="call_1", name="read_file"))
        added = store.add(interaction(messages=context, answer=call(path="b"), session="loop"))
        states.append(store.get(added.id).state)
    assert states == ["approved", "approved", "quarantined", "quarantined"]


@pytest.mark.parametrize(
    "answer",
    [
        call("bash", command="rm -rf /"),
        call("run_in_terminal", text="rm -rf /"),
        call("start", command="rm", args=["-rf", "/"]),
        call("execute", steps=[{"script": "ls"}, {"script": "rm -rf /"}]),
        call("tool", argv=["rm", "-rf", "/"]),
        Message("assistant", "Try this:\n```bash\nrm -rf /\n```\n"),
        Message(
            "assistant", "", (ToolCall("a", "bash", {"command": "ls"}), ToolCall("b", "bash", {"command": "rm -rf /"}))
        ),
    ],
)
def test_commands_are_found_wherever_they_stand(answer):
    assert len(dangers(answer)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        call("write_file", path="x", content="rm -rf /"),
        Message("assistant", "Never run `rm -rf /`."),
        Message("assistant", "```python\nprint('rm -rf /')\n```"),
        call("search", query="rm -rf /"),
    ],
)
def test_what_is_no_command_is_none(answer):
    assert dangers(answer) == []


def test_failed_calls_earlier_in_the_session_hinder_nothing():
    failed = (*interaction().messages, call(lines="x"), Message("tool", "bad", tool_call_id="call_1", name="read_file"))
    assert state(replace(interaction(), messages=failed)) == "approved: it succeeded"

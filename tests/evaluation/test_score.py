"""When a reply is right."""

import pytest

from hive_mind.conversation import Message, Tool, ToolCall
from hive_mind.evaluation.score import judge
from hive_mind.suites.held_out import Item

TOOL = Tool("f", "", {"type": "object"})
CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'


def item(kind, calls=()):
    return Item("t/1#1", "t", "s", kind, (Message("user", "go"),), (TOOL,), Message("assistant", "words", calls))


@pytest.mark.parametrize(
    ("kind", "reply", "correct", "called", "repairs"),
    [
        ("call", CALL, True, True, ()),
        ("call", f"Let me look.\n{CALL}", True, True, ()),
        ("call", CALL.removesuffix("</tool_call>"), True, True, ("unclosed_tag",)),
        ("call", '{"name": "f", "arguments": {"a": 1}}', True, True, ("bare_json",)),
        ("call", f"{CALL}\n{CALL}", False, True, ()),
        ("call", CALL.replace("1", "2"), False, True, ()),
        ("call", CALL.replace('"f"', '"g"'), False, True, ()),
        ("call", "I can not do that.", False, False, ()),
        ("no_tool", "I can not do that.", True, False, ()),
        ("no_tool", CALL, False, True, ()),
        ("no_tool", "<tool_call>\nnonsense", False, True, ("unparsable_call",)),
        ("no_tool", "", False, False, ()),
        ("plain", "print(1)", True, False, ()),
        ("plain", CALL, False, True, ()),
    ],
)
def test_judge(kind, reply, correct, called, repairs):
    judged = judge(item(kind, (ToolCall("call_0", "f", {"a": 1}),) if kind == "call" else ()), reply)
    assert (judged.correct, judged.called, judged.repairs) == (correct, called, repairs)

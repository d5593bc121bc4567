"""The row format is exactly to_dict / from_dict, and equal content has an equal id."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.conversation import Conversation, MalformedConversation, Message, Tool, ToolCall, content_digest

ROW = {
    "id": "glaive_tools-3f9c",
    "messages": [
        {"role": "user", "content": "Weather in Bern?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call_0", "type": "function", "function": {"name": "get", "arguments": {"z": 1, "a": [None]}}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_0", "name": "get", "content": "sun"},
        {"role": "assistant", "content": "Sun."},
    ],
    "tools": [{"type": "function", "function": {"name": "get", "description": "d", "parameters": {"type": "object"}}}],
    "timestamp": "2026-02-05T22:19:35Z",
    "metadata": {"source": "glaive_tools"},
}


def test_the_designs_row_survives_byte_for_byte():
    assert json.dumps(Conversation.from_dict(ROW).to_dict()) == json.dumps(ROW)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(ToolCall, st.just("call_0"), st.text(min_size=1), st.dictionaries(st.text(), VALUES, max_size=3))
MESSAGES = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user"]), st.text()),
    st.builds(Message, st.just("assistant"), st.text(), st.lists(CALLS, max_size=2).map(tuple)),
    st.builds(Message, st.just("tool"), st.text(), st.just(()), st.just("call_0"), st.just("f")),
)
TOOLS = st.builds(Tool, st.text(min_size=1), st.text(), st.dictionaries(st.text(), VALUES, min_size=1, max_size=3))


@given(st.lists(MESSAGES, min_size=1, max_size=5), st.lists(TOOLS, max_size=2))
def test_any_conversation_survives_the_round_trip(messages, tools):
    made = Conversation.build("test", messages, tools, "2026-01-01T00:00:00Z")
    back = Conversation.from_dict(json.loads(json.dumps(made.to_dict())))
    assert back == made


def test_the_id_is_of_the_content_alone():
    one = Conversation.build("a", [Message("user", "x")], timestamp="2026-01-01T00:00:00Z")
    two = Conversation.build("b", [Message("user", "x")])
    assert one.id.removeprefix("a-") == two.id.removeprefix("b-")
    assert content_digest(one) == content_digest(two)
    assert content_digest(one) != content_digest(Conversation.build("a", [Message("user", "y")]))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messages": []}, "no_messages"),
        ({"messages": [{"role": "robot", "content": ""}]}, "unknown_role"),
        ({"messages": [{"role": "user", "content": 3}]}, "content_not_text"),
        ({"messages": [{"role": "user", "content": "", "tool_calls": [{"name": "f"}]}]}, "calls_outside_assistant"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}, "call_without_name"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{"}]}]},
            "call_arguments_not_json",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"name": "f", "arguments": [1]}]}]},
            "call_arguments_not_object",
        ),
        ({"tools": [{"function": {"description": "no name"}}]}, "tool_without_name"),
    ],
)
def test_what_is_no_conversation_has_a_code(change, code):
    with pytest.raises(MalformedConversation) as raised:
        Conversation.from_dict(ROW | change)
    assert raised.value.code == code


def test_openai_variants_are_read():
    row = {
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief"}]},
            {"role": "user", "content": "go"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": '{"a": 1}'}}],
            },
        ]
    }
    read = Conversation.from_dict(row)
    assert read.messages[0] == Message("system", "Be brief")
    assert read.messages[2].tool_calls == (ToolCall("x", "f", {"a": 1}),)


def test_a_turn_that_is_not_learnt_is_written_with_weight_zero_and_no_other_has_one() -> None:
    row = {"role": "assistant", "content": "No.", "weight": 0}
    message = Message.from_dict(row)
    assert not message.learn and message.to_dict() == row
    assert Message.from_dict({**row, "weight": 1}).to_dict() == {"role": "assistant", "content": "No."}
    assert Message.from_dict({"role": "user", "content": "?", "weight": 0}).learn, "only assistant turns are learnt"
    with pytest.raises(MalformedConversation, match=r"weight 0\.5"):
        Message.from_dict({**row, "weight": 0.5})

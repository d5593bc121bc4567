"""OpenAI and ShareGPT rows, and our own schema, all become the same Conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hive_mind.conversation import Conversation, Message, Reject, Tool, ToolCall
from hive_mind.sources.messages import convert, understands

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "Tell the weather", "parameters": SCHEMA}
EXPECTED = (
    Message("user", "How is Rome?"),
    Message("assistant", "", (ToolCall("call_0", "weather", {"city": "Rome"}),)),
    Message("tool", "sunny", tool_call_id="call_0", name="weather"),
    Message("assistant", "Sunny."),
)

OPENAI = {
    "messages": [
        {"role": "user", "content": "How is Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "sunny"},
        {"role": "assistant", "content": "Sunny."},
    ],
    "tools": [{"type": "function", "function": WEATHER}],
}  # fmt: skip
OLD_OPENAI = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "How is Rome?"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": '{"city": "Rome"}'}},
        {"role": "function", "name": "weather", "content": "sunny"},
        {"role": "assistant", "content": "Sunny."},
    ],
    "functions": [WEATHER],
}
SHAREGPT = {
    "conversations": [
        {"from": "human", "value": "How is Rome?"},
        {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Rome"}}'},
        {"from": "observation", "value": "sunny"},
        {"from": "gpt", "value": "Sunny."},
    ],
    "tools": json.dumps([WEATHER]),
}
GLAIVE_SHAREGPT = {
    "conversations": [
        {"from": "human", "value": "How is Rome?"},
        {"from": "function-call", "value": '{"name": "weather", "arguments": \'{"city": "Rome"}\'}'},
        {"from": "function-response", "value": "sunny"},
        {"from": "gpt", "value": "Sunny."},
    ],
    "tools": [{"name": "weather", "description": "Tell the weather", "inputSchema": SCHEMA}],
}
HERMES = {
    "conversations": [
        {
            "from": "system",
            "value": f"You may call functions. <tools>\n[{json.dumps(WEATHER)}]\n</tools> Use <tool_call>.",
        },
        {"from": "human", "value": "How is Rome?"},
        {"from": "gpt", "value": '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>'},
        {"from": "tool", "value": "<tool_response>\nsunny\n</tool_response>"},
        {"from": "gpt", "value": "Sunny."},
    ]
}
QWEN_TOOLS = {**HERMES, "conversations": [
    {"role": "system", "content": f"<tools>\n{json.dumps({'type': 'function', 'function': WEATHER})}\n</tools>"},
    *HERMES["conversations"][1:]]}  # fmt: skip
LAYOUTS = {
    "OpenAI": OPENAI, "OpenAI functions": OLD_OPENAI, "ShareGPT": SHAREGPT, "Glaive as ShareGPT": GLAIVE_SHAREGPT,
    "Hermes": HERMES, "tools line by line": QWEN_TOOLS,
}  # fmt: skip


@pytest.mark.parametrize("row", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_gives_the_same_conversation(row: dict[str, Any]) -> None:
    assert understands(row)
    made = convert(row)
    assert isinstance(made, Conversation), made
    assert made.messages == EXPECTED
    assert made.tools == (Tool("weather", "Tell the weather", SCHEMA),)
    assert (made.source, made.timestamp) == ("messages", None)


def test_our_own_schema_comes_back_unchanged() -> None:
    tools = (Tool("weather", "Tell the weather", SCHEMA),)
    ours = Conversation("glaive_tools-17", EXPECTED, tools, "glaive_tools", "2026-02-05T22:19:35Z")
    assert convert(ours.to_dict()) == ours


def test_a_field_called_system_is_the_first_message() -> None:
    made = convert({**SHAREGPT, "system": "Be brief."})
    assert isinstance(made, Conversation) and made.messages[0] == Message("system", "Be brief.")


def test_parallel_calls_are_answered_in_order_or_by_id() -> None:
    calls = [{"function": {"name": "weather", "arguments": {"city": city}}} for city in ("Rome", "Oslo")]
    in_order = convert({"messages": [
        {"role": "user", "content": "Rome and Oslo?"}, {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "content": "sunny"}, {"role": "tool", "content": {"sky": "grey"}},
        {"role": "assistant", "content": "Well."}], "tools": [WEATHER]})  # fmt: skip
    assert isinstance(in_order, Conversation), in_order
    results = [message for message in in_order.messages if message.role == "tool"]
    assert [(r.tool_call_id, r.content) for r in results] == [("call_0", "sunny"), ("call_1", '{"sky":"grey"}')]
    ids = [{**call, "id": name} for call, name in zip(calls, "ab", strict=True)]
    by_id = convert({"messages": [
        {"role": "user", "content": "Rome and Oslo?"}, {"role": "assistant", "tool_calls": ids},
        {"role": "tool", "tool_call_id": "b", "content": "grey"},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "assistant", "content": "Well."}], "tools": [WEATHER]})  # fmt: skip
    assert isinstance(by_id, Conversation), by_id
    assert [message.tool_call_id for message in by_id.messages if message.role == "tool"] == ["b", "a"]


def turns(*more: object, **fields: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": "How is Rome?"}, *more], "tools": [WEATHER], **fields}


def calls(call: object) -> dict[str, object]:
    return {"role": "assistant", "content": "", "tool_calls": [call]}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"messages": []}, "no_messages"),
        ({"messages": ["hello"]}, "message_not_object"),
        (turns({"role": "narrator", "content": "Once"}), "unknown_role"),
        (turns({"role": "assistant", "content": [{"type": "image", "url": "x"}]}), "content_not_text"),
        (turns(calls({"function": {"arguments": {}}})), "call_without_name"),
        (turns(calls({"function": {"name": "weather", "arguments": "{"}})), "call_arguments_not_json"),
        (turns(calls({"function": {"name": "weather", "arguments": [1]}})), "call_arguments_not_object"),
        (turns(calls("weather")), "call_not_readable"),
        (turns(calls({"function": "weather"})), "call_not_readable"),
        (turns({"role": "assistant", "tool_calls": {"name": "weather"}}), "call_not_readable"),
        (turns({"from": "function_call", "value": "weather(Rome)"}), "call_not_readable"),
        (turns({"role": "tool", "content": "sunny"}), "result_without_call"),
        (turns({"role": "assistant", "content": "a"}, tools="[{"), "tools_not_readable"),
        (turns({"role": "assistant", "content": "a"}, tools=["{"]), "tools_not_readable"),
        (turns({"role": "assistant", "content": "a"}, tools=[5]), "tools_not_readable"),
        (turns({"role": "assistant", "content": "a"}, tools={"weather": 1}), "tools_not_list"),
        (turns({"role": "assistant", "content": "a"}, tools=[{"name": "x", "parameters": [1]}]),
         "tool_parameters_not_object"),
        (turns({"role": "assistant", "content": "a"}, timestamp="yesterday"), "unreadable_timestamp"),
    ],
)  # fmt: skip
def test_unreadable_rows_are_rejected_with_a_reason(row: dict[str, object], code: str) -> None:
    result = convert(row)
    assert isinstance(result, Reject) and (result.source, result.code) == ("messages", code)


def test_a_call_as_text_that_is_not_closed_stays_text_for_the_check_of_control_tokens() -> None:
    made = convert(turns({"role": "assistant", "content": "<tool_call>{"}))
    assert isinstance(made, Conversation) and made.calls == ()

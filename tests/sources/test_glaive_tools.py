"""Glaive's raw text becomes messages, tools and calls; what cannot be read is rejected with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hive_mind.conversation import Conversation, Message, Reject, ToolCall
from hive_mind.sources.glaive_tools import convert, understands
from hive_mind.sources.raw import RawRow, read_raw

WITH_TOOLS = "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
WITHOUT = "SYSTEM: You are a helpful assistant, with no access to external functions.\n"
SEARCH = {
    "name": "search",
    "description": "Search for things",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
}
TIME = {"name": "time", "description": "Tell the time", "parameters": {"type": "object", "properties": {}}}
CALL = '<functioncall> {"name": "search", "arguments": \'{"q": "what\'s new"}\'}'
END = " <|endoftext|>\n\n\n"


def declared(*tools: dict[str, object], between: str = "\n\n") -> str:
    return WITH_TOOLS + between.join(json.dumps(tool, indent=4) for tool in tools) + "\n"


def converted(system: str, chat: str) -> Conversation:
    made = convert({"system": system, "chat": chat})
    assert isinstance(made, Conversation), made
    return made


def test_a_call_its_result_and_the_answer() -> None:
    made = converted(
        declared(SEARCH),
        f'USER: Anything new?\n\n\nASSISTANT: {CALL}{END}FUNCTION RESPONSE: {{"hits": 3}}\n\n\nASSISTANT: Three.{END}',
    )
    assert made.messages == (
        Message("user", "Anything new?"),
        Message("assistant", "", (ToolCall("call_0", "search", {"q": "what's new"}),)),
        Message("tool", '{"hits": 3}', tool_call_id="call_0", name="search"),
        Message("assistant", "Three."),
    )
    (tool,) = made.tools
    assert tool.to_dict()["function"] == SEARCH


@pytest.mark.parametrize("between", ["\n\n", "\n", "", " , "])
def test_several_tools_however_they_are_separated(between: str) -> None:
    made = converted(declared(SEARCH, TIME, between=between), f"USER: Hi\n\n\nASSISTANT: Hello!{END}")
    assert [tool.name for tool in made.tools] == ["search", "time"]


def test_without_tools_the_sets_own_system_sentence_is_left_out() -> None:
    made = converted(WITHOUT, f"USER: Hi\n\n\nASSISTANT: Hello!{END}")
    assert made.tools == ()
    assert [message.role for message in made.messages] == ["user", "assistant"]


def test_any_other_system_text_is_kept() -> None:
    made = converted("SYSTEM: Answer like a pirate.", f"USER: Hi\n\n\nASSISTANT: Arr!{END}")
    assert made.messages[0] == Message("system", "Answer like a pirate.")


def test_text_before_a_call_stays_the_turns_text_and_calls_are_numbered_through() -> None:
    chat = (
        f"USER: a\n\n\nASSISTANT: Let me look. {CALL}{END}FUNCTION RESPONSE: 1\n\n\nASSISTANT: {CALL}{END}"
        f"FUNCTION RESPONSE: 2\n\n\nASSISTANT: Done.{END}"
    )
    made = converted(declared(SEARCH), chat)
    assert made.messages[1].content == "Let me look."
    assert [call.id for call in made.calls] == ["call_0", "call_1"]
    assert [message.tool_call_id for message in made.messages if message.role == "tool"] == ["call_0", "call_1"]


def test_several_calls_in_one_turn() -> None:
    made = converted(declared(SEARCH), f"USER: a\n\n\nASSISTANT: {CALL} {CALL}{END}")
    assert [call.id for call in made.calls] == ["call_0", "call_1"]


def test_marks_inside_texts_are_text() -> None:
    text = "Write a play.\nUSER: Hello\n\nASSISTANT: Good day. A: yes"
    made = converted(WITHOUT, f"USER: {text}\n\n\nASSISTANT: I see: USER: wrote A: and B.{END}")
    assert [message.content for message in made.messages] == [text, "I see: USER: wrote A: and B."]


def test_what_comes_after_the_last_answer_is_dropped() -> None:
    cut_off = f'USER: a\n\n\nASSISTANT: {CALL}{END}FUNCTION RESPONSE: {{"lyrics": "The'
    assert converted(declared(SEARCH), cut_off).messages[-1].role == "assistant"
    asked_again = f"USER: a\n\n\nASSISTANT: b{END}USER: and then?"
    assert len(converted(WITHOUT, asked_again).messages) == 2


@pytest.mark.parametrize(
    ("system", "chat", "code"),
    [
        (WITHOUT, "Hello there", "no_role_marks"),
        (WITHOUT, "Hello\n\n\nUSER: Hi\n\n\nASSISTANT: Hello", "no_role_marks"),
        (WITH_TOOLS + '{"name": "search", ', f"USER: a\n\n\nASSISTANT: b{END}", "tools_not_readable"),
        (WITH_TOOLS + '{"name": "search"} and more', f"USER: a\n\n\nASSISTANT: b{END}", "tools_not_readable"),
        (WITH_TOOLS + '{"description": "nameless"}', f"USER: a\n\n\nASSISTANT: b{END}", "tool_without_name"),
        (declared(SEARCH), f"USER: a\n\n\nASSISTANT: <functioncall> search('x'){END}", "call_not_readable"),
        (declared(SEARCH), f"USER: a\n\n\nASSISTANT: {CALL} I did it.{END}", "text_after_call"),
        (WITHOUT, f"USER: a\n\n\nFUNCTION RESPONSE: 1\n\n\nASSISTANT: b{END}", "result_without_call"),
        (WITHOUT, 5, "not_text"),
        (None, [], "not_text"),
    ],
)  # fmt: skip
def test_unreadable_rows_are_rejected_with_a_reason(system: object, chat: object, code: str) -> None:
    result = convert({"system": system, "chat": chat})
    assert isinstance(result, Reject) and (result.source, result.code) == ("glaive_tools", code)


def test_layouts_are_told_apart() -> None:
    assert understands({"system": "", "chat": ""})
    assert not understands({"chat": ""})


@pytest.mark.real
@pytest.mark.parametrize("name", ["glaive_conversations_220.jsonl", "glaive_first_turns_40.jsonl"])
def test_every_real_conversation_is_read_and_nothing_is_added(real_data: Path, name: str) -> None:
    for item in read_raw(real_data / "glaive" / name):
        assert isinstance(item, RawRow)
        made = convert(item.row)
        assert isinstance(made, Conversation), made
        assert item.row["chat"].count("<functioncall>") == len(made.calls)
        assert item.row["system"].count('"parameters": {\n        "type": "object"') == len(made.tools)
        for message in made.messages:
            assert message.content in item.row["chat"]
            assert "<|endoftext|>" not in message.content

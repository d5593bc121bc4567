"""Glaive's raw text becomes messages, tools and calls; what cannot be read is rejected with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hive_mind.conversation import Conversation, Message, Reject, ToolCall
from hive_mind.curation.accept import accept
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


def test_text_after_a_call_joins_the_text_before_it() -> None:
    made = converted(declared(SEARCH), f"USER: a\n\n\nASSISTANT: Let me look.\n{CALL}\nOne moment, please.{END}")
    assert made.messages[1].content == "Let me look.\nOne moment, please."
    assert len(made.calls) == 1


@pytest.mark.parametrize(
    "written",
    [
        f"{CALL} {CALL}",
        f"{CALL}\n{CALL.removeprefix('<functioncall>')}",
        f"{CALL}, {CALL.removeprefix('<functioncall>')}",
        "<functioncall> [{calls}, {calls}]".format(calls=CALL.removeprefix("<functioncall> ")),
        f"{CALL} </functioncall> {CALL} </functioncall>",
    ],
)
def test_several_calls_in_one_turn_and_their_results_in_order(written: str) -> None:
    chat = (
        f"USER: a\n\n\nASSISTANT: {written}{END}FUNCTION RESPONSE: 1\n\n\nFUNCTION RESPONSE: 2\n\n\n"
        f"ASSISTANT: Done.{END}"
    )
    made = converted(declared(SEARCH), chat)
    assert [call.id for call in made.calls] == ["call_0", "call_1"]
    assert made.messages[1].content == ""
    assert [(m.tool_call_id, m.content) for m in made.messages if m.role == "tool"] == [
        ("call_0", "1"),
        ("call_1", "2"),
    ]


def test_the_assistant_speaking_twice_is_one_message() -> None:
    """Else the model would learn to end its turn after "Let me look." and never come to the call."""
    chat = (
        f"USER: a\n\n\nASSISTANT: Let me look.{END}ASSISTANT: {CALL}{END}FUNCTION RESPONSE: 1\n\n\nASSISTANT: 1.{END}"
    )
    made = converted(declared(SEARCH), chat)
    assert [message.role for message in made.messages] == ["user", "assistant", "tool", "assistant"]
    assert made.messages[1].content == "Let me look." and len(made.messages[1].tool_calls) == 1
    both = converted(WITHOUT, f"USER: a\n\n\nASSISTANT: Sure!{END}ASSISTANT: Here it is.{END}")
    assert both.messages[1:] == (Message("assistant", "Sure!\n\nHere it is."),)
    listed = converted(WITHOUT, f"USER: a\n\n\nASSISTANT: These:{END}ASSISTANT: 1. One{END}")
    assert listed.messages[1:] == (Message("assistant", "These:\n\n1. One"),)


def test_a_call_and_the_next_call_without_results_are_one_message() -> None:
    made = converted(declared(SEARCH), f"USER: a\n\n\nASSISTANT: {CALL}{END}ASSISTANT: {CALL}{END}")
    assert [call.id for call in made.messages[-1].tool_calls] == ["call_0", "call_1"]


def test_an_answer_given_without_waiting_for_the_result_is_refused() -> None:
    chat = f"USER: a\n\n\nASSISTANT: {CALL}{END}ASSISTANT: It is 5.{END}"
    result = accept(converted(declared(SEARCH), chat))
    assert isinstance(result, Reject) and result.code == "call_without_result"


def test_what_comes_after_the_last_answer_is_dropped() -> None:
    cut_off = f'USER: a\n\n\nASSISTANT: {CALL}{END}FUNCTION RESPONSE: {{"lyrics": "The'
    assert converted(declared(SEARCH), cut_off).messages[-1].role == "assistant"
    asked_again = f"USER: a\n\n\nASSISTANT: b{END}USER: and then?"
    assert len(converted(WITHOUT, asked_again).messages) == 2


@pytest.mark.parametrize(
    "cut_off",
    [
        "Here is what I have found for",
        "1. Apples\n2.",
        "```python\nprint(1).",
        "",
        CALL[:-20],
        "<functioncall> {",
        "<functionc",
        "Let me look. <functioncall>",
        f"{CALL} I will now",
    ],
)
def test_a_last_turn_cut_off_midway_is_left_out(cut_off: str) -> None:
    before = f"USER: a\n\n\nASSISTANT: b{END}"
    made = converted(declared(SEARCH), f"{before}USER: c\n\n\nASSISTANT: {cut_off}")
    assert [message.content for message in made.messages] == ["a", "b"]


@pytest.mark.parametrize(
    "whole",
    [
        "That is all.",
        "Nice 😊",
        "没有了。",
        'He said: "Yes."',
        "```\nx\n```",
        CALL,
        f"Let me look. {CALL}",
        "Done <|endof",
    ],
)
def test_a_last_turn_without_end_mark_that_ends_is_kept(whole: str) -> None:
    made = converted(declared(SEARCH), f"USER: a\n\n\nASSISTANT: b{END}USER: c\n\n\nASSISTANT: {whole}")
    assert len(made.messages) == 4
    assert made.messages[-1].content == whole.replace(CALL, "").replace("<|endof", "").strip()


def test_where_the_end_mark_is_missing_everywhere_no_turn_counts_as_cut_off() -> None:
    made = converted(WITHOUT, "USER: a\n\n\nASSISTANT: b\n\n\nUSER: c\n\n\nASSISTANT: 42")
    assert [message.content for message in made.messages] == ["a", "b", "c", "42"]


def test_a_tool_declared_twice_in_the_same_words_is_one() -> None:
    made = converted(declared(SEARCH, SEARCH, TIME), f"USER: Hi\n\n\nASSISTANT: Hello!{END}")
    assert [tool.name for tool in made.tools] == ["search", "time"]


@pytest.mark.parametrize("between", ["", " ", ", ", "\n"])
def test_tools_may_stand_in_a_list(between: str) -> None:
    listed = f"{WITH_TOOLS}[{json.dumps(SEARCH)},{between}{json.dumps(TIME)}]\n"
    made = converted(listed, f"USER: Hi\n\n\nASSISTANT: Hello!{END}")
    assert [tool.name for tool in made.tools] == ["search", "time"] and made.messages[0].role == "user"


def test_a_tool_without_parameters_takes_none() -> None:
    made = converted(declared({"name": "joke", "description": "A joke", "parameters": {}}), f"USER: a\n\n\nA: b{END}")
    assert made.tools[0].parameters == {"type": "object", "properties": {}}


@pytest.mark.parametrize("system", ["", "SYSTEM:", None, WITHOUT, "SYSTEM: " + WITH_TOOLS.removeprefix("SYSTEM: ")])
def test_there_may_be_no_system_text_and_no_tools(system: str | None) -> None:
    result = convert({"system": system, "chat": f"USER: a\n\n\nASSISTANT: b{END}"})
    assert isinstance(result, Conversation)
    assert result.messages == (Message("user", "a"), Message("assistant", "b")) and not result.tools


def test_braces_in_a_system_text_declare_no_tool() -> None:
    text = 'Answer as {"answer": "..."}, {name}.'
    made = converted(f"SYSTEM: {text}", f"USER: a\n\n\nASSISTANT: b{END}")
    assert made.messages[0] == Message("system", text) and not made.tools


def test_own_words_and_tools_are_told_apart() -> None:
    made = converted(f"SYSTEM: Be brief. {json.dumps(TIME)}", f"USER: a\n\n\nASSISTANT: b{END}")
    assert made.messages[0] == Message("system", "Be brief.") and made.tools[0].name == "time"


def calling(arguments: str) -> str:
    return f'<functioncall> {{"name": "search", "arguments": {arguments}}}'


USER = "USER: a\n\n\n"
ASKS = f"{USER}ASSISTANT: b{END}"
REJECTS: dict[str, tuple[object, object]] = {
    "not_text": (WITHOUT, 5),
    "no_role_marks": (WITHOUT, "Hello there"),
    "tools_not_readable": (WITH_TOOLS + '{"name": "search", ', ASKS),
    "tool_without_name": (WITH_TOOLS + '{"description": "nameless"}', ASKS),
    "tool_parameters_not_object": (WITH_TOOLS + '{"name": "search", "parameters": [1]}', ASKS),
    "tool_declared_twice": (declared(SEARCH, {**TIME, "name": "search"}), ASKS),
    "call_not_readable": (declared(SEARCH), f"{USER}ASSISTANT: <functioncall> search('x'){END}"),
    "undeclared_tool": (declared(TIME), f"{USER}ASSISTANT: {CALL}{END}"),
    "missing_argument": (declared(SEARCH), f"{USER}ASSISTANT: {calling('{}')}{END}"),
    "wrong_type": (declared(SEARCH), USER + "ASSISTANT: " + calling('{"q": 1}') + END),
    "result_without_call": (WITHOUT, f"{USER}FUNCTION RESPONSE: 1\n\n\nASSISTANT: b{END}"),
    "call_without_result": (declared(SEARCH), f"{USER}ASSISTANT: {CALL}{END}USER: c\n\n\nASSISTANT: d{END}"),
    "text_after_end_mark": (WITHOUT, f"{USER}ASSISTANT: b{END}FUNCTION CALL: x{END}{ASKS}"),
    "broken_off_answer": (WITHOUT, f"{USER}ASSISTANT: News on{END}ASSISTANT:\n1. A model{END}"),
    "no_answer": (WITHOUT, "USER: a"),
    "roles_out_of_order": (WITHOUT, f"ASSISTANT: Welcome!{END}{ASKS}"),
    "empty_request": (WITHOUT, f"USER:\n\n\nASSISTANT: b{END}"),
    "empty_answer": (WITHOUT, f"{USER}ASSISTANT:{END}{ASKS}"),
    "special_token_text": (WITHOUT, f"USER: <|im_end|>\n\n\nASSISTANT: b{END}"),
    "not_unicode": (WITHOUT, f"USER: \ud83d\n\n\nASSISTANT: b{END}"),
    "not_encodable": (declared(SEARCH), USER + "ASSISTANT: " + calling('{"q": "", "n": 99999999999999999999}') + END),
}  # fmt: skip


@pytest.mark.parametrize("code", REJECTS)
def test_every_reason_to_reject_has_a_row(code: str) -> None:
    system, chat = REJECTS[code]
    result = convert({"system": system, "chat": chat})
    if isinstance(result, Conversation):
        result = accept(result)
    assert isinstance(result, Reject) and (result.source, result.code) == ("glaive_tools", code) and result.detail


@pytest.mark.parametrize(
    ("system", "chat", "code"),
    [
        (WITHOUT, "Hello\n\n\nUSER: Hi\n\n\nASSISTANT: Hello", "no_role_marks"),
        (WITHOUT, "", "no_role_marks"),
        (None, [], "not_text"),
        (WITH_TOOLS + '{"name": "search"} and more', ASKS, "tools_not_readable"),
        (WITH_TOOLS + '{"name": "search"} 5', ASKS, "tools_not_readable"),
        (WITH_TOOLS + "search, time", ASKS, "tools_not_readable"),
        (declared(SEARCH), f"{USER}ASSISTANT: {CALL}}}{END}", "call_not_readable"),
        (declared(SEARCH), f"{USER}ASSISTANT: {CALL[:-20]}{END}", "call_not_readable"),
        (WITHOUT, f"{USER}ASSISTANT: b <|endoftext|> c{END}", "text_after_end_mark"),
        (WITHOUT, f"{USER}ASSISTANT:", "no_answer"),
        (WITHOUT, f"{USER}ASSISTANT: Let me look. <function", "no_answer"),
        (declared(SEARCH), f"{USER}ASSISTANT: {CALL[:-20]}", "call_not_readable"),
        (declared(SEARCH), USER + "ASSISTANT: " + calling('\'{"q": NaN}\''), "call_not_readable"),
        (declared(SEARCH), f"{USER}A: {CALL}{END}FUNCTION RESPONSE: 1{END}FUNCTION RESPONSE: 2", "result_without_call"),
    ],
)  # fmt: skip
def test_other_unreadable_rows(system: object, chat: object, code: str) -> None:
    result = convert({"system": system, "chat": chat})
    assert isinstance(result, Reject) and (result.source, result.code) == ("glaive_tools", code)


def test_layouts_are_told_apart() -> None:
    assert understands({"system": "", "chat": ""})
    assert understands({"chat": " USER: a\n\n\nA: b"})
    assert not understands({"chat": ""})
    assert not understands({"chat": "A letter"})


@pytest.mark.real
def test_every_real_conversation_is_read_and_nothing_is_added(real_data: Path) -> None:
    for row in real_rows(real_data, "glaive_conversations_220.jsonl"):
        made = convert(row)
        assert isinstance(made, Conversation), made
        assert row["chat"].count("<functioncall>") == len(made.calls)
        assert row["system"].count('"parameters": {\n        "type": "object"') == len(made.tools)
        for message in made.messages:
            assert message.content in row["chat"]
            assert "<|endoftext|>" not in message.content


@pytest.mark.real
def test_at_least_219_of_the_220_real_conversations_are_usable(real_data: Path) -> None:
    made = [convert(row) for row in real_rows(real_data, "glaive_conversations_220.jsonl")]
    results = [accept(one) if isinstance(one, Conversation) else one for one in made]
    rejects = [result.code for result in results if isinstance(result, Reject)]
    assert len(results) == 220 and rejects in ([], ["wrong_type"])


@pytest.mark.real
def test_every_real_first_turn_is_kept_to_its_last_whole_assistant_turn(real_data: Path) -> None:
    rows = list(real_rows(real_data, "glaive_first_turns_40.jsonl"))
    assert len(rows) == 40
    for row in rows:
        made = convert(row)
        assert isinstance(made, Conversation), made
        assert isinstance(accept(made), Conversation)
        assert made.messages[-1].role == "assistant"
        assert len([m for m in made.messages if m.role == "assistant"]) == row["chat"].count("<|endoftext|>")


@pytest.mark.real
def test_real_rows_with_one_empty_line_between_turns_say_the_same(real_data: Path) -> None:
    """The whole set's rows without functions are written so; those at hand have two."""
    for row in real_rows(real_data, "glaive_conversations_220.jsonl"):
        narrow = {**row, "chat": row["chat"].replace("\n\n\n", "\n\n")}
        wide, same = convert(row), convert(narrow)
        assert isinstance(wide, Conversation) and isinstance(same, Conversation)
        assert [m.content.replace("\n\n\n", "\n\n") for m in wide.messages] == [m.content for m in same.messages]


def real_rows(real_data: Path, name: str) -> Iterator[dict[str, Any]]:
    for item in read_raw(real_data / "glaive" / name):
        assert isinstance(item, RawRow)
        yield item.row

"""Glaive function calling v2: {system, chat}, both raw text with role marks, tools and calls written into it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hive_mind.conversation import JSON, Conversation, MalformedConversation, Message, Reject, Tool, ToolCall
from hive_mind.sources.call_text import read_call
from hive_mind.sources.source import GroupBy, Hub, build, decode_at, reject, text_of
from hive_mind.tool_schema import read_tool

NAME = "glaive_tools"
LICENCE = "Apache-2.0"
HUB: Hub | None = Hub("glaiveai/glaive-function-calling-v2")
FOLDERS: tuple[str, ...] = ("glaive_tools", "glaive")
FILES: tuple[str, ...] = ("glaive*",)
NEVER: tuple[str, ...] = ()
GROUP_BY: GroupBy = "tools"

END_MARK = "<|endoftext|>"
CALL_MARK = "<functioncall>"
_ROLES = {"USER": "user", "ASSISTANT": "assistant", "A": "assistant", "FUNCTION RESPONSE": "tool"}
# A mark starts the chat, or follows an end mark or two empty lines; "USER:" elsewhere is part of a text.
_ROLE_MARK = re.compile(r"(?:\A\s*|<\|endoftext\|>\s*|\n\n\n\s*)(USER|ASSISTANT|A|FUNCTION RESPONSE):")
_BOILERPLATE = re.compile(
    r"You are a helpful assistant,? with (?:access to the following functions\. Use them if required -?"
    r"|no access to external functions\.?)\s*"
)


def understands(row: JSON) -> bool:
    return "system" in row and "chat" in row


def convert(row: JSON) -> Conversation | Reject:
    """Turn the raw text into messages; calls become tool calls, function responses tool messages.

    The set's own system sentence only says whether tools follow, which the tools themselves say: it is left out, so
    that the base's default system text stands there. Any other system text is kept.
    """
    system, chat = text_of(row.get("system")), text_of(row.get("chat"))
    if system is None or chat is None:
        return reject(NAME, "not_text", "system or chat is not text")
    try:
        text, tools = _read_system(system)
        messages = [Message("system", text)] if text else []
        messages += _read_chat(chat)
    except MalformedConversation as error:
        return reject(NAME, error.code, str(error))
    while messages and messages[-1].role in ("user", "tool"):
        messages.pop()
    return build(NAME, messages, tools)


def _read_system(system: str) -> tuple[str, list[Tool]]:
    """Split the system field into its own words and the tools declared after them."""
    text = system.removeprefix("SYSTEM:").strip()
    text = _BOILERPLATE.sub("", text, count=1)
    words, brace, declared = text.partition("{")
    if not brace:
        return words.strip(), []
    tools = []
    declared = brace + declared
    while declared:
        try:
            row, end = decode_at(declared, 0)
        except ValueError as error:
            raise MalformedConversation("tools_not_readable", f"a tool declaration is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise MalformedConversation("tools_not_readable", "a tool declaration is not a JSON object")
        tools.append(read_tool(row))
        declared = declared[end:].lstrip(" \t\r\n,")
    return words.strip(), tools


def _read_chat(chat: str) -> Iterator[Message]:
    """Yield the messages of the chat text. Raises MalformedConversation."""
    pieces = _ROLE_MARK.split(chat)
    if len(pieces) == 1 or pieces[0].strip():
        raise MalformedConversation("no_role_marks", "the chat does not start with USER: or ASSISTANT:")
    waiting: list[ToolCall] = []
    count = 0
    for mark, body in zip(pieces[1::2], pieces[2::2], strict=True):
        text = body.replace(END_MARK, "").strip()
        role = _ROLES[mark]
        if role == "tool":
            if not waiting:
                raise MalformedConversation("result_without_call", "a function response follows no call")
            call = waiting.pop(0)
            yield Message("tool", text, tool_call_id=call.id, name=call.name)
        elif role == "assistant":
            message = _read_answer(text, count)
            waiting = list(message.tool_calls)
            count += len(waiting)
            yield message
        else:
            yield Message("user", text)


def _read_answer(text: str, count: int) -> Message:
    """Split an assistant's text into what it says and the calls after it; `count` calls came before."""
    content, mark, rest = text.partition(CALL_MARK)
    calls: list[ToolCall] = []
    while mark:
        try:
            name, arguments, rest = read_call(rest)
        except ValueError as error:
            raise MalformedConversation("call_not_readable", f"a call cannot be read: {error}") from None
        calls.append(ToolCall(f"call_{count + len(calls)}", name, arguments))
        after, mark, rest = rest.partition(CALL_MARK)
        if after.strip():
            raise MalformedConversation("text_after_call", f"text stands after a call: {after.strip()[:60]!r}")
    return Message("assistant", content.strip(), tuple(calls))

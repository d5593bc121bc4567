"""Glaive function calling v2: {system, chat}, both raw text with role marks, tools and calls written into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count, groupby

from hive_mind.conversation import JSON, Conversation, MalformedConversation, Message, Reject, Tool, ToolCall
from hive_mind.sources.call_text import CALL_MARK, split_calls
from hive_mind.sources.glaive_turns import ROLES, Turn, ends_sentence, split_turns
from hive_mind.sources.source import GroupBy, Hub, build, decode_at, reject, text_of
from hive_mind.tool_schema import read_tool

NAME = "glaive_tools"
LICENCE = "Apache-2.0"
HUB: Hub | None = Hub("glaiveai/glaive-function-calling-v2")
FOLDERS: tuple[str, ...] = ("glaive_tools", "glaive")
FILES: tuple[str, ...] = ("glaive*",)
NEVER: tuple[str, ...] = ()
GROUP_BY: GroupBy = "tools"

_ANNOUNCES_TOOLS = re.compile(
    r"You are a helpful assistant,? with access to the following functions\. Use them if required -?"
)
_HAS_NO_TOOLS = re.compile(r"You are a helpful assistant,? with no access to external functions\.?")
_DECLARATION = re.compile(r'\{\s*"(?:name|function|type"\s*:\s*"function)"')
_BETWEEN_TOOLS = re.compile(r"[\s,]*")
_MARKS = tuple(f"{word}:" for word in ROLES)


def understands(row: JSON) -> bool:
    """Tell whether a row is in this source's layout; a row without tools may have no system field."""
    chat = row.get("chat")
    return "chat" in row and ("system" in row or (isinstance(chat, str) and chat.lstrip().startswith(_MARKS)))


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
        messages = _read_turns(_whole_turns(split_turns(chat)))
    except MalformedConversation as error:
        return reject(NAME, error.code, str(error))
    while messages and messages[-1].role != "assistant":
        messages.pop()
    if not messages:
        return reject(NAME, "no_answer", "no whole assistant turn: there is nothing to learn")
    return build(NAME, [Message("system", text), *messages] if text else messages, tools)


def _read_system(system: str) -> tuple[str, list[Tool]]:
    """Split the system field into its own words and the tools declared after them."""
    text = _HAS_NO_TOOLS.sub("", system.strip().removeprefix("SYSTEM:"), count=1)
    text, announced = _ANNOUNCES_TOOLS.subn("", text, count=1)
    found = _DECLARATION.search(text)
    start = text.find("{") if announced else found.start() if found else -1
    if start < 0:
        if announced and text.strip():
            raise MalformedConversation("tools_not_readable", "functions are announced, but none can be read")
        return text.strip(), []
    words, declared = text[:start].strip(), text[start:].strip()
    if words.endswith("[") and declared.endswith("]"):
        words, declared = words[:-1].rstrip(), declared[:-1]
    return words, _read_tools(declared)


def _read_tools(declared: str) -> list[Tool]:
    """Read the function objects that follow each other in the text; one declared twice in the same words is one."""
    tools: list[Tool] = []
    first: dict[str, Tool] = {}
    position = 0
    while position < len(declared):
        try:
            row, position = decode_at(declared, position)
        except ValueError as error:
            raise MalformedConversation("tools_not_readable", f"a tool declaration is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise MalformedConversation("tools_not_readable", "a tool declaration is not a JSON object")
        tool = read_tool(row)
        if tool.name not in first or tool != first[tool.name]:
            tools.append(tool)
            first.setdefault(tool.name, tool)
        between = _BETWEEN_TOOLS.match(declared, position)
        position = between.end() if between else position
    return tools


def _whole_turns(turns: list[Turn]) -> list[Turn]:
    """Leave out a last assistant turn that is empty or was cut off mid-way."""
    last = turns[-1]
    if last.role != "assistant" or (last.text and (last.ended or _is_whole(last.text, turns))):
        return turns
    return turns[:-1]


def _is_whole(text: str, turns: list[Turn]) -> bool:
    """Judge a last turn without an end mark: where others have one, its calls must be readable and its text end."""
    others_ended = any(turn.ended for turn in turns if turn.role == "assistant")
    try:
        _, calls = split_calls(text)
    except ValueError:
        return not others_ended  # then it may be a broken call as well, which the reader says
    if calls and text.endswith(("}", "]", "</functioncall>")):
        return True
    if any(text.endswith(CALL_MARK[:size]) for size in range(5, len(CALL_MARK))):
        return False
    return not others_ended or ends_sentence(text)


def _read_turns(turns: list[Turn]) -> list[Message]:
    """Turn the turns into messages. Raises MalformedConversation."""
    messages: list[Message] = []
    waiting: list[ToolCall] = []
    numbers = count()
    for role, together in groupby(turns, key=lambda turn: turn.role):
        if role == "user":
            messages += [Message("user", turn.text) for turn in together]
        elif role == "assistant":
            messages += _read_answers(together, numbers)
            waiting = list(messages[-1].tool_calls)
        else:
            for turn in together:
                if not waiting:
                    raise MalformedConversation("result_without_call", "a function response follows no call")
                call = waiting.pop(0)
                messages.append(Message("tool", turn.text, tool_call_id=call.id, name=call.name))
    return messages


def _read_answers(turns: Iterable[Turn], numbers: Iterator[int]) -> list[Message]:
    """Turn assistant turns that follow each other into messages, as a rule a single one; `numbers` count the calls.

    "Let me look." and then the call is one message: a model that ended its turn in between would never come to the
    call. A turn of text after a call stays apart: it was written without the call's result.
    """
    messages: list[Message] = []
    said: list[str] = []
    calls: list[ToolCall] = []
    for turn in turns:
        try:
            text, written = split_calls(turn.text)
        except ValueError as error:
            raise MalformedConversation("call_not_readable", f"a call cannot be read: {error}") from None
        if text and not written:
            if calls:
                messages.append(_answer(said, calls))
                said, calls = [], []
            elif said and not ends_sentence(said[-1]) and not said[-1].endswith(":"):
                # the set's makers took "AI:" inside texts for a mark, and put an end mark and ASSISTANT: in its place
                raise MalformedConversation("broken_off_answer", f"an answer breaks off: {said[-1][-60:]!r}")
        if text:
            said.append(text)
        calls += [ToolCall(f"call_{next(numbers)}", name, arguments) for name, arguments in written]
    return [*messages, _answer(said, calls)]


def _answer(said: list[str], calls: list[ToolCall]) -> Message:
    return Message("assistant", "\n\n".join(said), tuple(calls))

"""Conversations with tools as others store them: OpenAI chat rows, ShareGPT turns, and our own schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from hive_mind.conversation import JSON, Conversation, MalformedConversation, Message, Reject, Tool
from hive_mind.sources.call_text import read_call
from hive_mind.sources.source import GroupBy, Hub, build, parse_json, reject
from hive_mind.sources.timestamps import utc
from hive_mind.tool_schema import read_tool

NAME = "messages"
LICENCE = "unknown"
HUB: Hub | None = None
FOLDERS: tuple[str, ...] = ("messages",)
FILES: tuple[str, ...] = ("messages*",)
NEVER: tuple[str, ...] = ()
GROUP_BY: GroupBy = "tools"

_ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
    "model": "assistant", "bot": "assistant", "system": "system", "developer": "system",
    "function_call": "call", "tool_call": "call", "tool": "tool", "function": "tool", "observation": "tool",
    "function_response": "tool", "tool_response": "tool", "tool_result": "tool",
}  # fmt: skip
_TOOL_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_TOOL_RESPONSE = re.compile(r"\s*<tool_response>\s*(.*?)\s*</tool_response>\s*", re.DOTALL)
_TOOLS = re.compile(r"<tools>\s*(.*?)\s*</tools>", re.DOTALL)


def understands(row: JSON) -> bool:
    """Tell whether a row is in this source's layout: a list of messages in OpenAI's or ShareGPT's key."""
    return any(isinstance(row.get(key), list) for key in ("messages", "conversations"))


def convert(row: JSON) -> Conversation | Reject:
    """Turn a row of messages into a Conversation; one of our own keeps its id and its source."""
    metadata = row.get("metadata")
    source = metadata.get("source") if isinstance(metadata, dict) else None
    name = source if isinstance(source, str) and source else NAME
    try:
        turns = row.get("messages") if isinstance(row.get("messages"), list) else row.get("conversations")
        if not isinstance(turns, list) or not turns:
            raise MalformedConversation("no_messages", "the row has no messages")
        declared = row.get("tools") or row.get("functions")
        if isinstance(row.get("system"), str) and row["system"].strip():
            turns = [{"role": "system", "content": row["system"]}, *turns]
        openai = [_openai_turn(turn) for turn in turns]
        if not declared:
            declared = _take_tools_from_system(openai)
        made = build(
            name,
            [Message.from_dict(turn) for turn in _link_results(openai)],
            _read_tools(declared),
            utc(row.get("timestamp")),
        )
    except MalformedConversation as error:
        return reject(name, error.code, str(error))
    except ValueError as error:
        return reject(name, "unreadable_timestamp", f"the timestamp cannot be read: {error}")
    if isinstance(made, Conversation) and name != NAME and row.get("id") and isinstance(row["id"], str):
        return replace(made, id=row["id"])
    return made


def _openai_turn(turn: Any) -> JSON:
    """Rewrite one turn of any of the layouts as an OpenAI message."""
    if not isinstance(turn, dict):
        raise MalformedConversation("message_not_object", "a message is not an object")
    label = turn.get("role", turn.get("from"))
    role = _ROLES.get(str(label).lower().replace("-", "_").replace(" ", "_"))
    if role is None:
        raise MalformedConversation("unknown_role", f"a message has the unknown role {label!r}")
    content = turn.get("content", turn.get("value"))
    if role == "call":
        return {"role": "assistant", "content": "", "tool_calls": _read_calls(content)}
    message = {**turn, "role": role, "content": content}
    if role == "assistant":
        if turn.get("function_call") and not turn.get("tool_calls"):
            message["tool_calls"] = [turn["function_call"]]
        elif isinstance(content, str) and "<tool_call>" in content and not turn.get("tool_calls"):
            calls = [call for text in _TOOL_CALL.findall(content) for call in _read_calls(text)]
            message.update(content=_TOOL_CALL.sub("", content).strip(), tool_calls=calls)
        if not isinstance(message.get("tool_calls") or [], list):
            raise MalformedConversation("call_not_readable", "tool_calls is not a list")
    if role == "tool":
        message["content"] = _result_text(content)
    return message


def _read_calls(value: Any) -> list[Any]:
    """Read the calls of a turn that is nothing but calls: an object, a list, or either as text."""
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            try:
                name, arguments, _ = read_call(value)
            except ValueError as error:
                raise MalformedConversation("call_not_readable", f"a call cannot be read: {error}") from None
            value = {"name": name, "arguments": arguments}
    return value if isinstance(value, list) else [value]


def _result_text(content: Any) -> Any:
    if isinstance(content, str) and (wrapped := _TOOL_RESPONSE.fullmatch(content)):
        return wrapped[1]
    if isinstance(content, dict):
        return orjson.dumps(content).decode()
    return content


def _link_results(turns: list[JSON]) -> Iterator[JSON]:
    """Give every call an id and every result the id and name of the call it answers, in order where none is said."""
    waiting: list[JSON] = []
    count = 0
    for turn in turns:
        if turn["role"] == "assistant" and turn.get("tool_calls"):
            calls = []
            for call in turn["tool_calls"]:
                if not isinstance(call, dict):
                    raise MalformedConversation("call_not_readable", "a tool call is not an object")
                function = call.get("function")
                if function is not None and not isinstance(function, dict):
                    raise MalformedConversation("call_not_readable", "a tool call's function is not an object")
                calls.append({**call, "id": call.get("id") or f"call_{count}"})
                count += 1
            waiting = list(calls)
            turn = {**turn, "tool_calls": calls}
        elif turn["role"] == "tool":
            said = turn.get("tool_call_id")
            call = next((call for call in waiting if call["id"] == said), None) if said else next(iter(waiting), None)
            if call is None:
                raise MalformedConversation("result_without_call", "a tool result answers no call")
            waiting.remove(call)
            turn = {**turn, "tool_call_id": call["id"], "name": call.get("function", call).get("name")}
        yield turn


def _take_tools_from_system(turns: list[JSON]) -> Any:
    """Read tools that the system text declares in <tools>, and drop that text: the chat template writes its own."""
    if not turns or turns[0]["role"] != "system" or not isinstance(turns[0]["content"], str):
        return None
    found = _TOOLS.search(turns[0]["content"])
    if found is None or not found[1]:
        return None
    turns.pop(0)
    if found[1].startswith("["):
        return found[1]
    return [line for line in found[1].splitlines() if line.strip()]


def _read_tools(declared: Any) -> list[Tool]:
    if isinstance(declared, str):
        declared = _parse_tools(declared)
    if declared is None:
        return []
    if not isinstance(declared, list):
        raise MalformedConversation("tools_not_list", "tools is not a list")
    return [read_tool(_parse_tools(tool) if isinstance(tool, str) else tool) for tool in declared]


def _parse_tools(text: str) -> Any:
    try:
        return parse_json(text) if text.strip() else []
    except ValueError as error:
        raise MalformedConversation("tools_not_readable", f"tools is not JSON: {error}") from None

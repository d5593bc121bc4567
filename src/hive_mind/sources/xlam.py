"""xLAM function calling 60k: {query, tools, answers}, the latter two as JSON in strings, with Python type names."""

from __future__ import annotations

from typing import Any

from hive_mind.conversation import JSON, Conversation, MalformedConversation, Message, Reject, Tool, ToolCall
from hive_mind.sources.source import GroupBy, Hub, build, parse_json, reject, text_of
from hive_mind.tool_schema import read_tool

NAME = "xlam"
LICENCE = "CC-BY-4.0"
HUB: Hub | None = Hub("Salesforce/xlam-function-calling-60k")
FOLDERS: tuple[str, ...] = ("xlam",)
FILES: tuple[str, ...] = ("xlam*",)
NEVER: tuple[str, ...] = ()
GROUP_BY: GroupBy = "tools"


def understands(row: JSON) -> bool:
    """Tell whether a row is in this source's layout: xLAM's three fields."""
    return "query" in row and "tools" in row and "answers" in row


def convert(row: JSON) -> Conversation | Reject:
    """Turn {query, tools, answers} into a request answered by one turn of calls."""
    query = text_of(row.get("query"))
    if query is None:
        return reject(NAME, "not_text", "the query is not text")
    if not query.strip():
        return reject(NAME, "empty_request", "the query is empty")
    try:
        tools = [read_tool(tool) for tool in _list(row.get("tools"), "tools_not_readable", "tools")]
        calls = [
            _call(answer, position)
            for position, answer in enumerate(_list(row.get("answers"), "call_not_readable", "answers"))
        ]
    except MalformedConversation as error:
        return reject(NAME, error.code, str(error))
    distinct = list({tool.name: tool for tool in tools}.values()) if _same_names_are_equal(tools) else tools
    messages = [Message("user", query.strip()), Message("assistant", "", tool_calls=tuple(calls))]
    return build(NAME, messages, distinct)


def _list(value: Any, code: str, field: str) -> list[Any]:
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise MalformedConversation(code, f"{field} is not JSON: {error}") from None
    if not isinstance(value, list):
        raise MalformedConversation(code, f"{field} is not a list")
    return value


def _call(answer: Any, position: int) -> ToolCall:
    if not isinstance(answer, dict):
        raise MalformedConversation("call_not_readable", "an answer is not an object")
    return ToolCall.from_dict({"name": answer.get("name"), "arguments": answer.get("arguments")}, position)


def _same_names_are_equal(tools: list[Tool]) -> bool:
    seen: dict[str, Tool] = {}
    return all(seen.setdefault(tool.name, tool) == tool for tool in tools)

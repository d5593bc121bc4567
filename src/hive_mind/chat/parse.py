"""Model text back to tool calls: Qwen2.5's `<tool_call>` blocks, and the near misses that small models write.

Every repair is named, because the share of replies that need none is itself a measure of a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hive_mind.conversation import ToolCall

OPEN, CLOSE = "<tool_call>", "</tool_call>"
_FENCE = re.compile(r"^```(?:json)?\s*\n(.*?)\n?```$", re.DOTALL)
_BLOCK = re.compile(r"<tool_call>(.*?)(</tool_call>|(?=<tool_call>)|\Z)", re.DOTALL)
_TOOLS_BLOCK = re.compile(r"^<tools>(.*?)(?:</tools>|\Z)", re.DOTALL)
_MISSING_BRACES = 3


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """What a reply says: its text, its tool calls in order, and which repairs were needed to read them.

    Repairs: unclosed_tag, missing_brace, string_arguments, tools_tag, fenced, bare_json; `unparsable_call` marks a
    block that could not be read at all and stays in the text.
    """

    text: str
    calls: tuple[ToolCall, ...]
    repairs: tuple[str, ...]


def parse_reply(text: str) -> ParsedReply:
    """Parse a reply, its stop token removed. Never raises: what is no call is text."""
    text = text.strip()
    if OPEN in text:
        return _parse_blocks(text)
    for repair, pattern in (("tools_tag", _TOOLS_BLOCK), ("fenced", _FENCE)):
        match = pattern.match(text)
        if match:
            return _parse_bare(text, match.group(1).strip(), repair)
    return _parse_bare(text, text, "bare_json")


def _parse_blocks(text: str) -> ParsedReply:
    calls: list[ToolCall] = []
    repairs: list[str] = []
    spoken: list[str] = []
    position = 0
    for match in _BLOCK.finditer(text):
        spoken.append(text[position : match.start()])
        position = match.end()
        read = _read_calls(match.group(1).strip(), len(calls))
        if read is None:
            repairs.append("unparsable_call")
            spoken.append(match.group())
            continue
        if match.group(2) != CLOSE:
            repairs.append("unclosed_tag")
        found, needed = read
        calls += found
        repairs += needed
    spoken.append(text[position:])
    return ParsedReply("".join(spoken).strip(), tuple(calls), tuple(dict.fromkeys(repairs)))


def _parse_bare(text: str, body: str, repair: str) -> ParsedReply:
    """Read a reply that is a call without its tags; anything else is plain text."""
    read = _read_calls(body, 0) if body[:1] in ("{", "[") else None
    if read is None or not read[0]:
        return ParsedReply(text, (), ())
    calls, repairs = read
    return ParsedReply("", tuple(calls), tuple(dict.fromkeys([repair, *repairs])))


def _read_calls(body: str, position: int) -> tuple[list[ToolCall], list[str]] | None:
    """Read one call, or a list of calls, as (calls, repairs); None if the body is neither."""
    value, repairs = _read_json(body)
    rows = value if isinstance(value, list) else [value]
    calls: list[ToolCall] = []
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("name"), str) or "arguments" not in row:
            return None
        arguments: Any = row["arguments"]
        if isinstance(arguments, str):
            arguments, _ = _read_json(arguments)
            repairs.append("string_arguments")
        if not isinstance(arguments, dict):
            return None
        calls.append(ToolCall(f"call_{position + len(calls)}", row["name"], arguments))
    return calls, repairs


def _read_json(body: str) -> tuple[Any, list[str]]:
    for missing in range(_MISSING_BRACES + 1):
        try:
            return json.loads(body + "}" * missing), ["missing_brace"] if missing else []
        except (ValueError, RecursionError):  # a model stuck on "[" nests deeper than any reader goes
            continue
    return None, []

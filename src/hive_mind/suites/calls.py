"""Calls of a reply against expected ones: exactly the same, whatever the suite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hive_mind.chat.parse import ParsedReply
from hive_mind.conversation import ToolCall


def calls_in_words(calls: Sequence[ToolCall]) -> str:
    """Return calls as a person reads them: `name(arguments)`, one after the other."""
    return " ".join(f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})" for call in calls)


def attempted_call(parsed: ParsedReply) -> bool:
    """Tell whether a reply calls, or tries to and cannot be read."""
    return bool(parsed.calls) or "unparsable_call" in parsed.repairs


def same_calls(found: Sequence[ToolCall], expected: Sequence[ToolCall]) -> bool:
    """Equal in number, order, names and arguments."""
    return len(found) == len(expected) and all(
        a.name == b.name and same_value(a.arguments, b.arguments) for a, b in zip(found, expected, strict=True)
    )


def same_value(a: Any, b: Any) -> bool:
    """Equal as JSON values: 1 is 1.0 but not true, key order is free, strings are compared to the letter."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same_value(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and bool(a == b)

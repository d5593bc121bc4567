"""When is a reply right? One rule for every model, after the same lenient parsing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hive_mind.chat.parse import ParsedReply, parse_reply
from hive_mind.conversation import ToolCall
from hive_mind.suites.held_out import Item


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reply came to. `called` counts an attempted call too; `repairs` are the parser's."""

    correct: bool
    called: bool
    repairs: tuple[str, ...]


def judge(item: Item, reply: str) -> Judged:
    """Judge a reply: the expected calls exactly, or an answer in words where no call is right."""
    parsed = parse_reply(reply)
    called = attempted_call(parsed)
    if item.kind == "call":
        correct = same_calls(parsed.calls, item.expected.tool_calls)
    else:
        correct = not called and bool(parsed.text.strip())
    return Judged(correct, called, parsed.repairs)


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

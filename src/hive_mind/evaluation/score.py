"""When is a reply right? One rule for every model, after the same lenient parsing."""

from __future__ import annotations

from dataclasses import dataclass

from hive_mind.chat.parse import parse_reply
from hive_mind.suites.calls import attempted_call, same_calls
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

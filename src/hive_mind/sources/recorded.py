"""What the readers of people's own records share: what they met, how much context a turn keeps, tools known by use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson

from hive_mind.conversation import JSON, Message, Tool
from hive_mind.interaction import Outcome

CONTEXT_CHARACTERS = 16_000
"""How much of what went before is kept with a turn: about 4,000 tokens, twice what a training window holds.

A session of 500 turns that kept everything would be written down 250 times over.
"""
ERROR_CHARACTERS = 300

Unit = tuple[Message, ...]
"""What stands or falls together: a user's message, or an assistant turn with the results of its calls."""


@dataclass
class Tally:
    """What a reader met besides the interactions it gave: calls by tool and fate, and what it passed over, by reason.

    `programs` counts what is started in a shell history, most of which is nobody's answer to anything.
    """

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)


def context(units: Iterable[Unit], system: Unit = ()) -> tuple[Message, ...]:
    """Return the messages before a turn, out of `units` with the newest first.

    Kept are the last unit whatever its size, for a model must not learn to tell what it was not shown, as many whole
    ones before it as fit, and the request that is being worked on. No more units are asked for than that takes.
    """
    kept: list[Unit] = []
    room, asked, full = CONTEXT_CHARACTERS, False, False
    for unit in units:
        request = unit[0].role == "user"
        size = sum(map(_characters, unit))
        full = full or (bool(kept) and size > room)
        if not full or (request and not asked):
            kept.append(unit)
            room -= size
        asked = asked or request
        if full and asked:
            break
    return (*system, *chain.from_iterable(reversed(kept)))


def units_of(messages: Sequence[Message]) -> list[Unit]:
    """Return a conversation's messages as units, in order."""
    units: list[list[Message]] = []
    for message in messages:
        if message.role == "tool" and units:
            units[-1].append(message)
        else:
            units.append([message])
    return [tuple(unit) for unit in units]


def tools_by_use(messages: Iterable[Message]) -> tuple[Tool, ...]:
    """Declare the tools that are called in messages by what they were called with, for want of their declarations."""
    seen: dict[str, dict[str, list[str]]] = {}
    for message in messages:
        for call in message.tool_calls:
            kinds = seen.setdefault(call.name, {})
            for name, value in call.arguments.items():
                if (kind := _json_type(value)) not in kinds.setdefault(name, []):
                    kinds[name].append(kind)
    return tuple(Tool(name, "", _schema(kinds)) for name, kinds in sorted(seen.items()))


def first_line(text: str) -> str:
    """Return the first line of what went wrong, shortened."""
    line = next(iter(text.strip().splitlines()), "")
    return line if len(line) <= ERROR_CHARACTERS else f"{line[:ERROR_CHARACTERS]}…"


def outcome_of(fates: Iterable[str]) -> Outcome:
    """Return what came of a turn from the fates of its calls: one that failed makes it fail."""
    known = set(fates)
    if known <= {"done"}:
        return "succeeded" if known else "unknown"
    return "unknown" if known <= {"done", "unanswered", "unknown"} else "failed"


def _schema(kinds: dict[str, list[str]]) -> JSON:
    properties = {name: {"type": found[0] if len(found) == 1 else found} for name, found in kinds.items()}
    return {"type": "object", "properties": properties}


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    named: Iterator[tuple[type, str]] = iter(
        [(bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")]
    )
    return next((name for kind, name in named if isinstance(value, kind)), "object")


def _characters(message: Message) -> int:
    return len(message.content) + sum(len(orjson.dumps(call.arguments, default=str)) for call in message.tool_calls)

"""Is a reply well-formed, whatever it says? Of free decoding only: a grammar would hide what a model does itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hive_mind.chat.parse import ParsedReply, parse_reply
from hive_mind.conversation import Tool
from hive_mind.suites.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Sample:
    """A reply with the tools that were offered. `stopped`: it ended by itself within the budget of tokens."""

    tools: tuple[Tool, ...]
    reply: str
    stopped: bool


@dataclass(frozen=True, slots=True)
class FormatCounts:
    """Of `replies`, `clean` were read without any repair, `stopped` ended by themselves, `undeclared` called no tool
    that was offered.

    `repairs` counts the replies that needed each kind of repair (see chat.parse); one reply may need several.
    """

    replies: int
    clean: int
    stopped: int
    undeclared: int
    repairs: dict[str, int]


def check(sample: Sample) -> Outcome:
    """Check one reply; `why` is its first repair, else `not_stopped`, else `undeclared_tool`."""
    parsed = parse_reply(sample.reply)
    faults = [*parsed.repairs, *["not_stopped"] * (not sample.stopped)]
    faults += ["undeclared_tool"] * _calls_undeclared(parsed, sample.tools)
    return Outcome(not faults, faults[0] if faults else "")


def count(samples: Iterable[Sample]) -> FormatCounts:
    """Count over replies."""
    replies = clean = stopped = undeclared = 0
    repairs: Counter[str] = Counter()
    for sample in samples:
        parsed = parse_reply(sample.reply)
        replies += 1
        clean += not parsed.repairs
        stopped += sample.stopped
        undeclared += _calls_undeclared(parsed, sample.tools)
        repairs.update(parsed.repairs)
    return FormatCounts(replies, clean, stopped, undeclared, dict(repairs.most_common()))


def _calls_undeclared(parsed: ParsedReply, tools: Sequence[Tool]) -> bool:
    declared = {tool.name for tool in tools}
    return any(call.name not in declared for call in parsed.calls)

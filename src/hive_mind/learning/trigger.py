"""Is there enough to learn from? So many new interactions, or a change in which tools are used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from hive_mind.conversation import JSON
from hive_mind.learning.pool import Pooled, tool_calls, tool_sessions
from hive_mind.learning.settings import TriggerSettings


@dataclass(frozen=True)
class Known:
    """What the last attempt had: ids of interactions, and how often each tool was called in them."""

    ids: frozenset[str] = frozenset()
    calls: Mapping[str, int] | None = None

    @classmethod
    def from_dict(cls, row: JSON) -> Known:
        return cls(frozenset(row["ids"]), row["calls"])


@dataclass(frozen=True)
class Trigger:
    """`enough` and why; `distance` between the tools of the new calls and the known ones, where both are known."""

    enough: bool
    reason: str
    new: int
    new_tools: tuple[str, ...]
    distance: float | None

    def to_dict(self) -> JSON:
        return asdict(self)


def look(rows: Sequence[Pooled], known: Known, settings: TriggerSettings, forgotten: int = 0) -> Trigger:
    """Decide whether to learn from `rows`, all that is approved. `forgotten` rows stand in what is served still."""
    new = [row for row in rows if row.id not in known.ids]
    calls = tool_calls(new)
    before = Counter(known.calls or {})
    sessions = tool_sessions(rows)
    new_tools = tuple(
        sorted(
            tool
            for tool in calls
            if before and tool not in before and len(sessions[tool]) >= settings.new_tool_sessions
        )
    )
    distance = jensen_shannon(calls, before) if calls and before else None
    if len(new) >= settings.min_new:
        reason, enough = f"{len(new):,} new approved interactions, {settings.min_new} are enough", True
    elif new_tools:
        reason, enough = f"new tools: {', '.join(new_tools)}", True
    elif distance is not None and distance > settings.drift_distance and calls.total() >= settings.drift_calls:
        reason = f"tools are used otherwise: distance {distance:.2f} over {calls.total()} new calls"
        enough = True
    elif forgotten:
        reason, enough = f"{forgotten} forgotten interactions stand in what is served", True
    else:
        reason, enough = f"{len(new):,} new approved interactions of {settings.min_new}, and no drift", False
    return Trigger(enough, reason, len(new), new_tools, distance)


def jensen_shannon(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    """Return the Jensen-Shannon distance of two tallies, 0 (the same shares) to 1 (nothing in common).

    The square root of the divergence in bits, which is a metric (Endres and Schindelin, 2003).
    """
    total_a, total_b = sum(a.values()), sum(b.values())
    divergence = 0.0
    for key in {*a, *b}:
        p, q = a.get(key, 0) / total_a, b.get(key, 0) / total_b
        for share in (p, q):
            if share:
                divergence += share / 2 * math.log2(2 * share / (p + q))
    return math.sqrt(max(0.0, divergence))

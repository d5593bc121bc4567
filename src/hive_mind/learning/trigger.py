"""Is there enough to learn from? So many new interactions, or a change in which tools are used.

Use is counted in sessions that call a tool, for the thirty calls of one session are no thirty signs of anything.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import numpy as np

from hive_mind.conversation import JSON
from hive_mind.learning.pool import Pooled, tool_sessions
from hive_mind.learning.settings import TriggerSettings
from hive_mind.progress import stamp

RECENT = timedelta(days=30)
"""Drift is a change from how tools were used lately; a change of last year would go on firing."""
DRAWS = 2000


@dataclass(frozen=True)
class Known:
    """What the last attempt had: ids of interactions."""

    ids: frozenset[str] = frozenset()

    @classmethod
    def from_dict(cls, row: JSON) -> Known:
        return cls(frozenset(row["ids"]))


@dataclass(frozen=True)
class Trigger:
    """`enough` and why; `distance` between the tools of the new sessions and the known ones, where both are known."""

    enough: bool
    reason: str
    new: int
    new_tools: tuple[str, ...]
    distance: float | None

    def to_dict(self) -> JSON:
        return asdict(self)


def look(
    rows: Sequence[Pooled], known: Known, settings: TriggerSettings, now: datetime, forgotten: int = 0,
    waiting: Sequence[Pooled] = (),
) -> Trigger:  # fmt: skip
    """Decide whether to learn from `rows`, all that is approved.

    `waiting` rows are held back because too few sessions knew their tool; `forgotten` ones stand in what is served.
    """
    new = [row for row in rows if row.id not in known.ids]
    used = _sessions(new)
    old = [row for row in rows if row.id in known.ids]
    before = _sessions([row for row in old if row.time >= stamp(now - RECENT)])
    sessions, ever = _sessions([*rows, *waiting]), _sessions(old)
    new_tools = tuple(
        sorted(tool for tool in used if ever and tool not in ever and sessions[tool] >= settings.new_tool_sessions)
    )
    distance = jensen_shannon(used, before) if used and before else None
    if len(new) >= settings.min_new:
        reason, enough = f"{len(new):,} new approved interactions, {settings.min_new} are enough", True
    elif new_tools:
        reason, enough = f"new tools: {', '.join(new_tools)}", True
    elif (
        distance is not None
        and distance > settings.drift_distance
        and used.total() >= settings.drift_sessions
        and (p := chance_of(distance, used, before)) <= settings.drift_p
    ):
        reason = f"tools are used otherwise: distance {distance:.2f} over {used.total()} new sessions (p {p:.3f})"
        enough = True
    elif forgotten:
        reason, enough = f"{forgotten} forgotten interactions stand in what is served", True
    else:
        reason, enough = f"{len(new):,} new approved interactions of {settings.min_new}, and no drift", False
    return Trigger(enough, reason, len(new), new_tools, distance)


def _sessions(rows: Sequence[Pooled]) -> Counter[str]:
    return Counter({tool: len(sessions) for tool, sessions in tool_sessions(rows).items()})


def chance_of(distance: float, a: Mapping[str, int], b: Mapping[str, int]) -> float:
    """Return how likely two tallies of these sizes lie so far apart if both are dealt from what they hold together.

    Seeded: the same tallies have the same p.
    """
    tools = sorted({*a, *b})
    both = [a.get(tool, 0) + b.get(tool, 0) for tool in tools]
    dealt = np.random.default_rng(42).multivariate_hypergeometric(both, sum(a.values()), size=DRAWS)
    far = sum(
        jensen_shannon(dict(zip(tools, hand, strict=True)), dict(zip(tools, np.subtract(both, hand), strict=True)))
        >= distance - 1e-12
        for hand in dealt
    )
    return (1 + int(far)) / (1 + DRAWS)


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

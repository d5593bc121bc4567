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
    recent = [row for row in old if row.time >= stamp(now - RECENT)]
    before = _sessions(recent)
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
        and len(sets := _used_in(new)) >= settings.drift_sessions
        and (p := chance_of(distance, sets, _used_in(recent))) <= settings.drift_p
    ):
        reason = f"tools are used otherwise: distance {distance:.2f} over {len(sets)} new sessions (p {p:.3f})"
        enough = True
    elif forgotten:
        reason, enough = f"{forgotten} forgotten interactions stand in what is served", True
    else:
        reason, enough = f"{len(new):,} new approved interactions of {settings.min_new}, and no drift", False
    return Trigger(enough, reason, len(new), new_tools, distance)


def _sessions(rows: Sequence[Pooled]) -> Counter[str]:
    return Counter({tool: len(sessions) for tool, sessions in tool_sessions(rows).items()})


def _used_in(rows: Sequence[Pooled]) -> list[frozenset[str]]:
    """Return the tools of each session that calls any."""
    used: dict[str, set[str]] = {}
    for tool, sessions in tool_sessions(rows).items():
        for session in sessions:
            used.setdefault(session, set()).add(tool)
    return [frozenset(tools) for tools in used.values()]


def chance_of(distance: float, new: Sequence[frozenset[str]], old: Sequence[frozenset[str]]) -> float:
    """Return how often sessions, dealt to new and old by chance, have tools that lie so far apart.

    A session is the set of its tools, and is dealt as a whole. Seeded: the same sessions have the same p.
    """
    kinds = sorted(Counter([*new, *old]).items(), key=lambda kind: sorted(kind[0]))
    tools = sorted(set().union(*new, *old))
    each = np.array([[tool in kind for tool in tools] for kind, _ in kinds], dtype=int)
    counts = [count for _, count in kinds]
    dealt = np.random.default_rng(42).multivariate_hypergeometric(counts, len(new), size=DRAWS) @ each
    whole = np.array(counts) @ each
    far = sum(_distance(tools, hand, whole - hand) >= distance - 1e-12 for hand in dealt)
    return (1 + int(far)) / (1 + DRAWS)


def _distance(tools: Sequence[str], a: Sequence[int], b: Sequence[int]) -> float:
    return jensen_shannon(dict(zip(tools, map(int, a), strict=True)), dict(zip(tools, map(int, b), strict=True)))


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

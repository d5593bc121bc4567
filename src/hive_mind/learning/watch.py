"""After a promotion: is the new version worse in use than the one before it? If so it is taken back.

Watched are failed calls, replies that hold a call nobody can read, and thumbs down. Each is compared by Fisher's exact
test, one-sided, at a third of `watch.alpha`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from hive_mind import registry
from hive_mind.chat.parse import parse_reply
from hive_mind.conversation import JSON
from hive_mind.files import read_json
from hive_mind.learning.choosing import CHOSEN_FILE, hold_back, state_of
from hive_mind.learning.days import history
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import say, stamp
from hive_mind.suites.calls import attempted_call
from hive_mind.usage.query import Filters
from hive_mind.usage.record import Record
from hive_mind.usage.store import Store

MEASURES = ("failed", "unreadable", "disliked")
ROLLED_BACK = "rolled back: "


@dataclass
class Live:
    """What came of a version's answers in use. `known` are those whose outcome is known."""

    answers: int = 0
    known: int = 0
    failed: int = 0
    unreadable: int = 0
    disliked: int = 0

    def add(self, record: Record) -> None:
        """Count one answer."""
        interaction = record.interaction
        self.answers += 1
        self.known += interaction.outcome != "unknown"
        self.failed += interaction.outcome == "failed"
        self.disliked += interaction.thumb == "down"
        answer = interaction.answer
        self.unreadable += not answer.tool_calls and attempted_call(parse_reply(answer.content))

    def tally(self, measure: str) -> tuple[int, int]:
        """Return how many answers a measure counts, and of how many."""
        return getattr(self, measure), self.known if measure == "failed" else self.answers


@dataclass(frozen=True)
class Watched:
    """What was seen of a version in use beside the one before it; `worse` names the measures that rose."""

    version: str
    previous: str
    live: Live
    earlier: Live
    p: dict[str, float]
    worse: tuple[str, ...]

    def to_dict(self) -> JSON:
        return asdict(self)


def watch(store: Store, settings: LearningSettings, now: datetime) -> Watched | None:
    """Compare what is served with the version before it; None where no daily version was promoted lately."""
    current = registry.latest(settings.models_dir)
    line = _promotion(settings, current)
    if current is None or line is None or line["now"] < stamp(now - timedelta(days=settings.watch.days)):
        return None
    live, earlier = Live(), Live()
    # Failed answers older than the store's retention are gone, and the others without them would flatter the version.
    for record in _answers(store, now, store.settings.retention_days):
        if record.interaction.version == current and record.interaction.time >= line["now"]:
            live.add(record)
        elif record.interaction.version == line["champion"]:
            earlier.add(record)
    chances = {}
    for measure in MEASURES:
        (mine, of_mine), (theirs, of_theirs) = live.tally(measure), earlier.tally(measure)
        if min(of_mine, of_theirs) >= settings.watch.min_answers:
            chances[measure] = fisher(mine, of_mine, theirs, of_theirs)
    level = settings.watch.alpha / len(MEASURES)
    worse = tuple(measure for measure, p in chances.items() if p < level)
    return Watched(current, line["champion"], live, earlier, chances, worse)


def take_back(store: Store, settings: LearningSettings, watched: Watched, now: datetime) -> JSON:
    """Roll back to the version before, and hold back for a person what the day of the promotion had learnt newly.

    Written down first, then done, so that a process that is killed in between leaves it to be done again.
    """
    line = _promotion(settings, watched.version)
    assert line is not None
    said = ", ".join(_said(watched, measure) for measure in watched.worse)
    registry.audit.append(settings.models_dir, "watch", {"version": watched.version, **watched.to_dict()})
    ids = read_json(settings.dir / line["day"] / CHOSEN_FILE)["new"]
    held_back = [id for id in ids if state_of(store, id) == "approved"]
    reason = f"{ROLLED_BACK}{watched.version}, which learnt it newly, had {said}"
    hold_back(store, dict.fromkeys(held_back, reason), [])
    registry.rollback(settings.models_dir)
    say(
        f"{watched.version} is taken back: {said}; {len(held_back)} interactions that it learnt newly wait for a person"
    )
    return {"version": watched.version, "previous": registry.latest(settings.models_dir), "why": said,
            "quarantined": len(held_back), "time": stamp(now)}  # fmt: skip


def fisher(mine: int, of_mine: int, theirs: int, of_theirs: int) -> float:
    """Return the chance of at least `mine` of the counts falling to the first group if both had one rate.

    Fisher's exact one-sided test, in whole numbers.
    """
    counts, total = mine + theirs, of_mine + of_theirs
    ways = sum(
        math.comb(of_mine, k) * math.comb(of_theirs, counts - k)
        for k in range(mine, min(counts, of_mine) + 1)
        if counts - k <= of_theirs
    )
    return ways / math.comb(total, counts)


def _promotion(settings: LearningSettings, version: str | None) -> dict[str, Any] | None:
    """Return the history's line of the cycle that promoted a version; None if no cycle did, or another did since."""
    promoted = [line for line in history(settings.dir) if line["decision"] == "promoted"]
    return next((line for line in reversed(promoted) if line["candidate"] == version), None)


def _answers(store: Store, now: datetime, days: int) -> Iterator[Record]:
    since, before = stamp(now - timedelta(days=days)), stamp(now + timedelta(seconds=1))
    for page in store.pages(Filters(since=since, before=before)):
        yield from page


def _said(watched: Watched, measure: str) -> str:
    (mine, of_mine), (theirs, of_theirs) = watched.live.tally(measure), watched.earlier.tally(measure)
    return f"{mine} of {of_mine} answers {measure}, {watched.previous} {theirs} of {of_theirs}"

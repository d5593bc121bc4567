"""After a promotion: is the new version worse in use than the one before it? If so it is taken back.

Watched are failed calls, replies that hold a call nobody can read, and thumbs down. Each is compared by a permutation
test over whole sessions, one-sided; `watch.alpha` is shared out among the measures and the days of the watch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.chat.parse import parse_reply
from hive_mind.conversation import JSON
from hive_mind.files import read_json
from hive_mind.learning.choosing import CHOSEN_FILE, hold_back
from hive_mind.learning.days import history
from hive_mind.learning.pool import group_of
from hive_mind.learning.settings import LearningSettings, WatchSettings
from hive_mind.progress import say, stamp
from hive_mind.suites.calls import attempted_call
from hive_mind.usage.query import Filters
from hive_mind.usage.record import Record, Sighting
from hive_mind.usage.store import Store

MEASURES = {"failed": "known", "unreadable": "answers", "disliked": "answers"}
"""What is watched, and out of what: whether a call failed is known of some answers only."""
ROLLED_BACK = "rolled back: "
FEWEST_SESSIONS = 10
"""With fewer on either side nothing is concluded: each is a large share of them, and so is a tool that was broken in
one. At the default level five against five could never count anyhow."""
REACHED = 20
"""A rise that is just significant is reached by about so many of the random deals, enough to tell it from one that is
not; more deals would take longer and hardly ever decide otherwise."""
BATCH = 10_000
SEED = 42


@dataclass
class Live:
    """What came of a version's answers in use, by session: how many, of how many the outcome is `known`, what was
    wrong."""

    by_session: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, session: str, counts: Mapping[str, int]) -> None:
        """Count answers of a session."""
        self.by_session.setdefault(session, Counter()).update(counts)

    def total(self, name: str) -> int:
        """Return the count of all sessions together."""
        return sum(counts[name] for counts in self.by_session.values())

    def sessions(self, measure: str) -> list[tuple[int, int]]:
        """Return how many answers a measure counts and of how many, for each session that says anything about it."""
        of = MEASURES[measure]
        return [(counts[measure], counts[of]) for counts in self.by_session.values() if counts[of]]

    def said(self, measure: str) -> str:
        """Return the measure as a person reads it."""
        return f"{self.total(measure)} of {self.total(MEASURES[measure])}"

    def to_dict(self) -> JSON:
        """Return the totals."""
        names = ("answers", "known", *MEASURES)
        return {"sessions": len(self.by_session), **{name: self.total(name) for name in names}}


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
        return {"version": self.version, "previous": self.previous, "live": self.live.to_dict(),
                "earlier": self.earlier.to_dict(), "p": self.p, "worse": list(self.worse)}  # fmt: skip


def watch(store: Store, settings: LearningSettings, now: datetime) -> Watched | None:
    """Compare what is served with the version before it; None where no daily version was promoted lately.

    What is compared ends with the day before, so that a day is one look, however often a cycle is started on it.
    """
    current = registry.latest(settings.models_dir)
    line = _promotion(settings, current)
    if current is None or line is None or line["now"] < stamp(now - timedelta(days=settings.watch.days)):
        return None
    live, earlier = Live(), Live()
    for record, sighting in _sightings(store, now):
        if sighting.version == current and sighting.time >= line["now"]:
            live.add(_session(record, sighting), _counts(record))
        elif sighting.version == line["champion"]:
            earlier.add(_session(record, sighting), _counts(record))
    chances = compare(live, earlier, settings.watch)
    worse = tuple(measure for measure, p in chances.items() if p <= level(settings.watch))
    return Watched(current, line["champion"], live, earlier, chances, worse)


def level(settings: WatchSettings) -> float:
    """Return the largest p that counts in one test.

    By Bonferroni's bound all the tests of a watch come to `alpha` at most, whatever the days have in common.
    """
    return settings.alpha / (len(MEASURES) * settings.days)


def compare(live: Live, earlier: Live, settings: WatchSettings) -> dict[str, float]:
    """Return p of every measure that there is enough to judge by."""
    chances = {}
    for measure in MEASURES:
        mine, theirs = live.sessions(measure), earlier.sessions(measure)
        sessions = min(len(mine), len(theirs))
        answers = min(sum(of for _, of in mine), sum(of for _, of in theirs))
        if sessions >= FEWEST_SESSIONS and answers >= settings.min_answers:
            chances[measure] = chance_of_rise(mine, theirs, level(settings))
    return chances


def chance_of_rise(mine: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]], level: float) -> float:
    """Return the chance of at least this rise in the share of all answers if chance dealt the sessions to the sides.

    A session is how many of its answers are counted, and of how many; one goes to a side as a whole, for its answers
    fail together. There are as many random deals as it takes to tell a p at `level`. The deal that was seen counts as
    one of them, so that equal versions get a p up to any level no more often than that.
    """
    import numpy as np

    kinds = sorted(Counter([*mine, *theirs]).items())  # sessions alike in both figures are exchangeable
    each = np.array([kind for kind, _ in kinds])
    counts = [count for _, count in kinds]
    whole = each.T @ counts

    def rise(side: Any) -> Any:
        others = whole - side
        return side[..., 0] / side[..., 1] - others[..., 0] / others[..., 1]

    least = rise(np.array(mine).sum(axis=0)) - 1e-12  # equal rises may differ in the last digit
    generator, batches = np.random.default_rng(SEED), math.ceil(REACHED / level / BATCH)
    reached = 0
    for _ in range(batches):
        dealt = generator.multivariate_hypergeometric(counts, len(mine), size=BATCH, method="marginals")
        reached += int(np.count_nonzero(rise(dealt @ each) >= least))
    return (1 + reached) / (1 + batches * BATCH)


def take_back(store: Store, settings: LearningSettings, watched: Watched, now: datetime) -> JSON:
    """Roll back to the version before, and hold back for a person what the day of the promotion had learnt newly.

    Written down first, then done, so that a process that is killed in between leaves it to be done again.
    """
    line = _promotion(settings, watched.version)
    assert line is not None
    said = ", ".join(_said(watched, measure) for measure in watched.worse)
    registry.audit.append(settings.models_dir, "watch", watched.to_dict())
    held_back = _learnt_newly(store, settings.dir, line["day"])
    reason = f"{ROLLED_BACK}{watched.version}, which learnt it newly, had {said}"
    hold_back(store, dict.fromkeys(held_back, reason), [])
    registry.rollback(settings.models_dir)
    say(
        f"{watched.version} is taken back: {said}; {len(held_back)} interactions that it learnt newly wait for a person"
    )
    return {"version": watched.version, "previous": registry.latest(settings.models_dir), "why": said,
            "quarantined": len(held_back), "time": stamp(now)}  # fmt: skip


def _learnt_newly(store: Store, folder: Path, day: str) -> list[str]:
    """Return the approved interactions that no version was served with before the one of this day.

    What its champion had not learnt is not all new: versions before that may have. What a person has approved by hand
    is not held back again.
    """
    promoted = {line["day"] for line in history(folder) if line["decision"] == "promoted" and line["day"] < day}
    files = [file for each in promoted if (file := folder / each / CHOSEN_FILE).is_file()]
    served = [read_json(file)["ids"] for file in files]
    new = set(read_json(folder / day / CHOSEN_FILE)["new"]).difference(*served)
    approved = (record for page in store.pages(Filters(state="approved")) for record in page)
    return [record.id for record in approved if record.id in new and record.decided_by != "hand"]


def _promotion(settings: LearningSettings, version: str | None) -> dict[str, Any] | None:
    """Return the history's line of the cycle that promoted a version; None if no cycle did, or a person did since.

    What was taken back and brought in again by hand is there because somebody knows better.
    """
    entries = [entry for entry in registry.history(settings.models_dir) if entry.version == version]
    if not entries or entries[-1].by in ("hand", "adopted"):
        return None
    promoted = [line for line in history(settings.dir) if line["decision"] == "promoted"]
    return next((line for line in reversed(promoted) if line["candidate"] == version), None)


def _sightings(store: Store, now: datetime) -> Iterator[tuple[Record, Sighting]]:
    """Yield every time that an answer was given since the store's retention began, up to the end of the day before.

    The same answer to the same request is one record, with the version and time of the first time; who gave it again
    is known of its sightings alone. Rejected answers older than the retention are gone, and the others without them
    would flatter the version.
    """
    before = stamp(now.replace(hour=0, minute=0, second=0, microsecond=0))
    since = stamp(now - timedelta(days=store.settings.retention_days))
    for page in store.pages(Filters(before=before)):
        for record in page:
            yield from ((record, sighting) for sighting in record.sightings if since <= sighting.time < before)


def _session(record: Record, sighting: Sighting) -> str:
    """Return the session in which an answer was given that time, else what the record goes with."""
    return f"session:{sighting.session}" if sighting.session else group_of(record)


def _counts(record: Record) -> dict[str, int]:
    """Return what one time that this answer was given counts as.

    Outcome and thumb are known of the record and not of each time, so a repeat counts as the record does: the same
    answer to the same request speaks for no version against another.
    """
    interaction, answer = record.interaction, record.interaction.answer
    unreadable = not answer.tool_calls and attempted_call(parse_reply(answer.content))
    return {
        "answers": 1, "known": int(interaction.outcome != "unknown"), "failed": int(interaction.outcome == "failed"),
        "unreadable": int(unreadable), "disliked": int(interaction.thumb == "down"),
    }  # fmt: skip


def _said(watched: Watched, measure: str) -> str:
    return f"{watched.live.said(measure)} answers {measure}, {watched.previous} {watched.earlier.said(measure)}"

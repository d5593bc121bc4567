"""How often the watch takes back a version that is no worse, and one that is: `python -m tests.learning.watches`.

A version is put into use and looked at every day as the cycle does. Answers of a session go wrong together: each has a
share of its own, from a beta distribution around the version's.
"""

import argparse
from collections import Counter

import numpy as np

from hive_mind.learning.settings import WatchSettings
from hive_mind.learning.watch import Live, compare, level
from hive_mind.usage.settings import UsageSettings

SESSIONS, ANSWERS = 40, 60
"""A day of use."""
TOGETHER = 0.3
"""How much answers of a session have in common (the intraclass correlation): 0 nothing, 1 all of them go one way."""
USUAL = {"failed": 0.05, "unreadable": 0.01, "disliked": 0.02}
WATCH, RETENTION = WatchSettings(), UsageSettings().retention_days
CARELESS = WATCH.model_copy(update={"alpha": WATCH.alpha * WATCH.days})
"""Spends the whole level anew at every look."""


def one_watch(seed: int, failed: float, served: int = RETENTION, settings: WatchSettings = WATCH) -> int | None:
    """Return on which day of its watch a version is taken back whose calls fail so often, None if it stays.

    The one before fails as usual and was served for so many days; what is older than the store's retention is gone.
    """
    generator = np.random.default_rng(seed)
    before = [_day(generator, USUAL, f"old {number}") for number in range(min(served, RETENTION))]
    live = Live()
    for day in range(1, settings.days + 1):
        _add(live, _day(generator, USUAL | {"failed": failed}, f"new {day}"))
        earlier = Live()
        for use in before[max(0, served + day - RETENTION) :]:
            _add(earlier, use)
        if any(p <= level(settings) for p in compare(live, earlier, settings).values()):
            return day
    return None


def _day(generator: np.random.Generator, shares: dict[str, float], name: str) -> dict[str, Counter[str]]:
    """Return a day of use by session."""
    answers = 1 + generator.multinomial(ANSWERS - SESSIONS, [1 / SESSIONS] * SESSIONS)
    counts = {"answers": answers, "known": answers}
    for measure, share in shares.items():
        spread = (1 - TOGETHER) / TOGETHER
        counts[measure] = generator.binomial(answers, generator.beta(share * spread, (1 - share) * spread, SESSIONS))
    return {
        f"{name}/{number}": Counter({measure: int(count[number]) for measure, count in counts.items()})
        for number in range(SESSIONS)
    }


def _add(live: Live, use: dict[str, Counter[str]]) -> None:
    for session, counts in use.items():
        live.add(session, counts)


def main() -> None:
    """Print how many watches take a version back, for versions of which more and more calls fail."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--watches", type=int, default=200)
    count = parser.parse_args().watches
    equal = USUAL["failed"]
    for served, failed, settings in (
        (RETENTION, equal, WATCH), (RETENTION, 0.10, WATCH), (RETENTION, 0.15, WATCH),
        (1, equal, WATCH), (1, 0.10, WATCH), (1, 0.15, WATCH), (RETENTION, equal, CARELESS),
    ):  # fmt: skip
        found = [one_watch(seed, failed, served, settings) for seed in range(count)]
        after = sorted(day for day in found if day is not None)
        when = f", half of them by day {after[(len(after) - 1) // 2]}" if after else ""
        print(
            f"{failed:.0%} of calls fail, {equal:.0%} before for {served} days, alpha {settings.alpha:g}: {len(after)} "
            f"of {count} watches take it back{when}",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""Scores of BFCL as its leaderboard computes them, each with how much of the published category it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hive_mind.suites.bfcl.tasks import CATEGORIES

SIMPLE = ("simple_python", "simple_java", "simple_javascript")
LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")
IRRELEVANCE = ("irrelevance", "live_irrelevance")


@dataclass(frozen=True, slots=True)
class Score:
    """A share from 0 to 1 over `tasks` tasks, of `published` that BFCL v4 has."""

    share: float
    tasks: int
    published: int

    @property
    def partial(self) -> bool:
        """Tell whether tasks of the published ones are missing, so that the score is none of the leaderboard's."""
        return self.tasks < self.published


@dataclass(frozen=True)
class Scores:
    """One score a category, and those over several; None where no task of theirs was asked.

    non_live: mean of simple (itself the mean over the three languages), multiple, parallel and parallel_multiple.
    live: share over all tasks of the four live categories with calls. irrelevance: mean of the two categories where no
    call is right. single_turn: mean of these three. That last one is this project's, not BFCL's, whose overall score
    also counts several turns and agents.
    """

    categories: dict[str, Score]
    simple: Score | None
    non_live: Score | None
    live: Score | None
    irrelevance: Score | None
    single_turn: Score | None


def scores(outcomes: Iterable[tuple[str, bool]]) -> Scores:
    """Compute the scores of (category, correct) pairs. Raises KeyError for a category that BFCL does not have."""
    found: dict[str, list[bool]] = {}
    for category, correct in outcomes:
        found.setdefault(category, []).append(correct)
    by_category = {
        name: Score(sum(flags) / len(flags), len(flags), CATEGORIES[name].published) for name, flags in found.items()
    }

    def of(*names: str) -> list[Score]:
        return [by_category.get(name) or Score(0.0, 0, CATEGORIES[name].published) for name in names]

    simple = _mean(of(*SIMPLE))
    non_live = _mean([simple, *of("multiple", "parallel", "parallel_multiple")])
    live = _pooled(of(*LIVE))
    irrelevance = _mean(of(*IRRELEVANCE))
    single_turn = _mean([non_live, live, irrelevance])
    groups = [score if score.tasks else None for score in (simple, non_live, live, irrelevance, single_turn)]
    return Scores(by_category, *groups)


def _mean(parts: Sequence[Score]) -> Score:
    """Return the mean over those parts that have tasks; the others make it partial."""
    shares = [part.share for part in parts if part.tasks]
    share = sum(shares) / len(shares) if shares else 0.0
    return Score(share, sum(part.tasks for part in parts), sum(part.published for part in parts))


def _pooled(parts: Sequence[Score]) -> Score:
    tasks = sum(part.tasks for part in parts)
    right = sum(part.share * part.tasks for part in parts)
    return Score(right / tasks if tasks else 0.0, tasks, sum(part.published for part in parts))

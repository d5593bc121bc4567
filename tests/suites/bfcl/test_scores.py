"""BFCL's sums, by hand."""

import pytest

from hive_mind.suites.bfcl import CATEGORIES, Score, scores


def outcomes(**right_of):
    """Outcomes of categories, given as how many are right and of how many."""
    return [(name, number < right) for name, (right, count) in right_of.items() for number in range(count)]


def test_every_score():
    made = scores(outcomes(
        simple_python=(3, 4), simple_java=(1, 2), simple_javascript=(0, 1), multiple=(1, 2), parallel=(1, 4),
        parallel_multiple=(2, 2), irrelevance=(9, 10), live_simple=(1, 2), live_multiple=(3, 10), live_parallel=(0, 1),
        live_parallel_multiple=(1, 1), live_irrelevance=(1, 2), live_relevance=(1, 1),
    ))  # fmt: skip
    assert made.simple.share == pytest.approx((0.75 + 0.5 + 0) / 3)
    assert made.non_live.share == pytest.approx(((0.75 + 0.5 + 0) / 3 + 0.5 + 0.25 + 1) / 4)
    assert made.live.share == pytest.approx(5 / 14)
    assert made.irrelevance.share == pytest.approx((0.9 + 0.5) / 2)
    total = made.non_live.share + made.live.share + made.irrelevance.share
    assert made.single_turn.share == pytest.approx(total / 3)
    assert made.categories["simple_python"] == Score(0.75, 4, 400)
    assert made.non_live.tasks == 15 and made.non_live.published == 1150
    assert made.single_turn.tasks == 15 + 14 + 12 and made.single_turn.published == 1150 + 1351 + 1124
    assert made.single_turn.partial


def test_only_all_of_the_published_tasks_make_a_score_whole():
    every = {name: (0, about.published) for name, about in CATEGORIES.items()}
    whole = scores(outcomes(**every))
    parts = (whole.simple, whole.non_live, whole.live, whole.irrelevance, whole.single_turn)
    assert not any(score.partial for score in (*whole.categories.values(), *parts))
    without = scores(outcomes(**{name: count for name, count in every.items() if name != "simple_java"}))
    assert without.simple.partial and without.non_live.partial and without.single_turn.partial
    assert not without.live.partial and "simple_java" not in without.categories


def test_what_was_not_asked_has_no_score_and_counts_for_nothing():
    made = scores(outcomes(multiple=(1, 2), live_relevance=(1, 1)))
    assert made.non_live == Score(0.5, 2, 1150)
    assert (made.simple, made.live, made.irrelevance) == (None, None, None)
    assert made.single_turn == Score(0.5, 2, 1150 + 1351 + 1124)
    assert scores([]).single_turn is None

"""The statistics against published values, brute force and simulation."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.evaluation.paired import bootstrap_difference, compare, mcnemar, wilson


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (5, 0, 1 / 32),
        (4, 1, 6 / 32),
        (0, 5, 1.0),
        (15, 5, 0.020694732666015625),
        # Agresti, Categorical Data Analysis: 150 against 86 changes of approval of a prime minister
        (150, 86, 1.857e-05),
    ],
)
def test_mcnemar_known_values(wins, losses, p):
    assert mcnemar(wins, losses) == pytest.approx(p, rel=1e-3)


@given(st.integers(0, 10), st.integers(0, 10))
def test_mcnemar_equals_counting_every_toss(wins, losses):
    tosses = wins + losses
    at_least = sum(sum(toss) >= wins for toss in itertools.product((0, 1), repeat=tosses)) if tosses <= 12 else None
    if at_least is not None:
        assert mcnemar(wins, losses) == at_least / 2**tosses
    # The two tails overlap in the one outcome that was seen.
    seen = math.comb(tosses, wins) / 2**tosses
    assert mcnemar(wins, losses) + mcnemar(losses, wins) == pytest.approx(1 + seen)


def test_mcnemar_with_thousands_of_items():
    assert mcnemar(3000, 2800) == pytest.approx(0.0045, abs=2e-4)
    assert mcnemar(2800, 3000) > 0.99


@given(st.integers(1, 400), st.data())
def test_wilson_holds_the_share_and_stays_inside(items, data):
    correct = data.draw(st.integers(0, items))
    low, high = wilson(correct, items)
    assert 0 <= low <= correct / items <= high <= 1
    swapped = wilson(items - correct, items)
    assert (1 - swapped[1], 1 - swapped[0]) == (pytest.approx(low), pytest.approx(high))


def test_wilson_known_values():
    assert wilson(0, 10) == (pytest.approx(0, abs=1e-12), pytest.approx(0.2775, abs=1e-4))
    assert wilson(81, 263) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert wilson(0, 0) == (0, 1)


def test_bootstrap_agrees_with_resampling_items():
    import numpy as np

    a = np.array([1] * 60 + [0] * 40, dtype=bool)
    b = np.array([1] * 40 + [0] * 35 + [1] * 25, dtype=bool)
    choice = np.random.default_rng(0).integers(0, 100, (20_000, 100))
    direct = np.quantile(a[choice].mean(1) - b[choice].mean(1), [0.025, 0.975])
    paired = compare(a.tolist(), b.tolist())
    assert (paired.low, paired.high) == pytest.approx(tuple(direct), abs=0.011)
    assert (paired.wins, paired.losses, paired.difference) == (20, 25, pytest.approx(-0.05))


def test_bootstrap_interval_covers_the_truth_as_often_as_it_says():
    choose = random.Random(3)
    covered = 0
    for trial in range(300):
        draws = [choose.random() for _ in range(200)]
        wins, losses = sum(x < 0.2 for x in draws), sum(0.2 <= x < 0.3 for x in draws)
        low, high = bootstrap_difference(wins, losses, 200, seed=trial)
        covered += low <= 0.1 <= high
    assert 270 <= covered <= 297


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_compare_is_antisymmetric(pairs):
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    ours, theirs = compare(a, b), compare(b, a)
    assert (ours.wins, ours.losses) == (theirs.losses, theirs.wins)
    assert ours.difference == -theirs.difference == pytest.approx((sum(a) - sum(b)) / len(a))
    assert ours.p_better == theirs.p_worse
    assert ours.low <= ours.difference <= ours.high
    assert compare(a, b) == ours


def test_compare_needs_the_same_items():
    for a, b in (([], []), ([True], [True, False])):
        with pytest.raises(ValueError, match="equal, positive lengths"):
            compare(a, b)

"""The statistics against published values, brute force and simulation."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.evaluation.paired import FEW_CLUSTERS, bootstrap_difference, compare, mcnemar, sign_flip, wilson
from hive_mind.evaluation.power import design_effect, detectable, power


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
        each = [1] * wins + [-1] * losses + [0] * (200 - wins - losses)
        low, high = bootstrap_difference(each, [1] * 200, seed=trial)
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


@given(st.lists(st.integers(-4, 4), max_size=9))
def test_the_clustered_test_equals_flipping_every_sign(differences):
    flips = [sum(s * d for s, d in zip(signs, differences, strict=True))
             for signs in itertools.product((1, -1), repeat=len(differences))]  # fmt: skip
    expected = sum(flip >= sum(differences) for flip in flips) / len(flips)
    assert sign_flip(differences) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 40), st.integers(0, 40))
def test_with_clusters_of_one_it_is_mcnemar(wins, losses):
    assert sign_flip([1] * wins + [-1] * losses + [0] * 7) == mcnemar(wins, losses)


def test_clusters_are_what_counts():
    """Fifteen sets of four tasks each, all won or all lost together: fifteen coins, not sixty."""
    a = [number // 4 < 10 for number in range(60)]
    clustered = compare(a, [not flag for flag in a], [number // 4 for number in range(60)])
    single = compare(a, [not flag for flag in a])
    assert (clustered.items, clustered.clusters, single.clusters) == (60, 15, 60)
    assert clustered.p_better == pytest.approx(mcnemar(10, 5))
    assert single.p_better == mcnemar(40, 20) < clustered.p_better
    assert clustered.mcnemar == single.mcnemar == pytest.approx(2 * mcnemar(40, 20))
    assert (clustered.low, clustered.high) != (single.low, single.high)
    assert clustered.high - clustered.low == pytest.approx(2 * (single.high - single.low), rel=0.1)
    assert clustered.detectable == pytest.approx(2 * single.detectable, rel=0.25)


def test_a_few_tool_sets_are_no_sample_of_tool_sets():
    a, b = [True] * 60, [False] * 60
    for sets in (1, FEW_CLUSTERS - 1):
        assert compare(a, b, [number % sets for number in range(60)]).clusters == 60
    assert compare(a, b, [number % FEW_CLUSTERS for number in range(60)]).clusters == FEW_CLUSTERS


def test_the_clustered_interval_covers_the_truth_as_often_as_it_says():
    import numpy as np

    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(120):
        sizes = rng.integers(1, 6, 80)
        tilt = rng.normal(0, 0.25, 80)  # of whole clusters
        draws = rng.random(sizes.sum()) + np.repeat(tilt, sizes)
        wins, losses = draws < 0.3, draws > 0.7
        clusters = np.repeat(np.arange(80), sizes)
        each = np.bincount(clusters, wins.astype(float) - losses).astype(int)
        low, high = bootstrap_difference(each.tolist(), sizes.tolist(), seed=trial)
        covered += low <= 0 <= high
    assert 105 <= covered <= 119


@pytest.mark.parametrize(
    ("items", "gain", "discordance", "published"),
    [(200, 0.05, 0.10, 0.70), (200, 0.05, 0.20, 0.43), (400, 0.05, 0.10, 0.93), (400, 0.05, 0.20, 0.68),
     (800, 0.05, 0.20, 0.91), (1600, 0.02, 0.10, 0.83), (1600, 0.03, 0.20, 0.80)],
)  # fmt: skip
def test_power_is_what_was_simulated_elsewhere_for_the_exact_test(items, gain, discordance, published):
    assert power(items, gain, discordance) == pytest.approx(published, abs=0.06)


def test_power_falls_with_the_design_effect():
    assert design_effect([1] * 50, 0.5) == 1
    assert design_effect([4] * 50, 0.5) == 2.5
    assert power(400, 0.05, 0.2, design=2.0) == pytest.approx(power(200, 0.05, 0.2))
    with pytest.raises(ValueError, match="as much discordance"):
        power(100, 0.2, 0.1)


@given(st.integers(20, 2000), st.floats(0.02, 0.5))
def test_the_smallest_difference_is_found_in_four_cases_of_five(items, share):
    discordant = max(1, round(items * share))
    gain = detectable(items, discordant, discordant)
    if 5 / items < gain < discordant / items:
        assert power(items, gain, discordant / items) == pytest.approx(0.8, abs=1e-6)


def test_without_a_difference_five_wins_would_have_been_needed():
    assert detectable(100, 0, 0) == 0.05
    assert detectable(3, 0, 0) == 1
    assert compare([True] * 100, [True] * 100).detectable == 0.05

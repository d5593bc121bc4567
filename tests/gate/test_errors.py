"""How often the gate errs, through the whole of it: the short form of `make gate-errors`."""

import pytest

from hive_mind.evaluation import paired
from hive_mind.gate import GateSettings
from tests.gate.simulation import Population, make_world, predicted, trial


@pytest.fixture(autouse=True)
def coarse_intervals(monkeypatch):
    """The intervals decide nothing, and take most of the time."""
    monkeypatch.setattr(paired, "RESAMPLES", 20)


def test_equal_models_are_promoted_in_at_most_one_case_of_twenty_and_seldom_rejected():
    tally = trial(make_world(), Population(), 0.0, 150, 1, GateSettings())
    assert tally.promoted <= 14, "chance explains 14 of 150 at 5 % in 99 cases of a hundred"
    assert tally.rejected <= 26, "worse on the primary tasks or on a guard: 10 % at most"


def test_tasks_that_stand_or_fall_together_are_not_counted_one_by_one():
    """Whole tool sets are won and lost here, and McNemar's test over tasks takes that for so many proofs."""
    tally = trial(make_world(), Population(feel=1.2), 0.0, 120, 2, GateSettings())
    assert tally.primary_passed <= 12
    assert tally.naive > tally.primary_passed


def test_the_power_is_what_was_computed_beforehand():
    world = make_world()
    expected, *_ = predicted(world, Population(), 0.25)
    tally = trial(world, Population(), 0.25, 100, 3, GateSettings())
    assert 0.8 < expected < 0.9
    assert tally.share("primary_passed") == pytest.approx(expected, abs=0.1)

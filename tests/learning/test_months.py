"""A month of equal candidates must promote in at most one of twenty months; a better one must still be found."""

from hive_mind.gate import decide
from hive_mind.learning.settings import LearningSettings
from tests.learning.months import OTHERS, SESSIONS, TURNS, _compared, month

MONTHS = 4
ALLOWED = 1
"""Of four months at 5 % each, more than one promotes with a chance of 1.4 %; tests.learning.months has more."""


def test_equal_models_are_promoted_in_few_months():
    assert sum(month(seed) > 0 for seed in range(MONTHS)) <= ALLOWED


def test_without_the_correction_most_months_would_promote_one():
    """The simulation is able to find a gate that is too lenient."""
    careless = LearningSettings().model_copy(update={"monthly_alpha": 1.4})
    assert sum(month(seed, settings=careless) > 0 for seed in range(3)) >= 2


def test_a_clear_gain_passes_the_day():
    import numpy as np

    before = np.arange(SESSIONS * TURNS) % 2 == 0
    after = before | (np.arange(SESSIONS * TURNS) % 10 == 1)
    verdict = decide(_compared(after, before), "daily_v1", "old_v1", LearningSettings().days_gate())
    assert verdict.promoted, verdict.reasons
    assert verdict.checks[1].figures["items"] == SESSIONS * TURNS and OTHERS

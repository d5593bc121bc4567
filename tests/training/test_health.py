"""A run that goes wrong is said once; one that goes well is left in peace."""

import math
import random

from hive_mind.training.health import Health


def observed(losses, norms=None):
    health = Health()
    norms = norms or [1.0] * len(losses)
    pairs = enumerate(zip(losses, norms, strict=True), 1)
    found = [health.observe(step, loss, norm, 2e-4) for step, (loss, norm) in pairs]
    return [(step, text) for step, text in enumerate(found, 1) if text]


def test_a_loss_that_falls_with_noise_is_healthy():
    draw = random.Random(3)
    assert observed([3 * math.exp(-step / 60) + 0.4 + draw.uniform(-0.4, 0.4) for step in range(400)]) == []


def test_small_losses_may_double():
    assert observed([0.1] * 50 + [0.25] * 50) == []


def test_a_loss_that_climbs_away_is_said_once_with_the_healthy_ranges():
    ((step, text),) = observed([2.0] * 20 + [1.0] * 20 + [7.0] * 40)
    assert 41 <= step <= 45
    assert "after 1.00 at its best" in text
    assert "healthy is a loss of 0.5 to 2" in text
    assert "learning_rate (now 2.0e-04) may be too high" in text


def test_gradients_far_too_long_are_said_once():
    ((step, text),) = observed([1.0] * 40, [1.0] * 10 + [150.0] * 30)
    assert step == 20
    assert "longer than 100 in 10 steps in a row (150 at step 20)" in text


def test_one_long_gradient_and_skipped_steps_are_nothing():
    assert observed([1.0, None] * 20, [500.0, None] * 5 + [1.0, None] * 15) == []

"""The picture: what is drawn, where it is labelled, and that its smoothing is honest."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hive_mind.report.plot import DOTS_PER_INCH, RAW, SIZE_INCHES, SMOOTH, VALIDATION, plot_loss, smooth
from tests.report.world import trainer_log


def has_colour(file, colour):
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    pixels = np.asarray(Image.open(io.BytesIO(file.read_bytes())).convert("RGB")).astype(int)
    return bool((np.abs(pixels - wanted).sum(-1) < 6).any())


def test_a_run_is_drawn_with_raw_smoothed_and_validation_losses(tmp_path):
    file = tmp_path / "loss.png"
    assert plot_loss(trainer_log(), file, "foundation_v1")
    assert Image.open(file).size == tuple(round(side * DOTS_PER_INCH) for side in SIZE_INCHES)
    assert all(has_colour(file, colour) for colour in (RAW, SMOOTH, VALIDATION))


def test_a_short_run_has_no_smoothed_line_and_one_without_validation_no_points(tmp_path):
    file = tmp_path / "loss.png"
    rows = [row for row in trainer_log(steps=4) if "loss" in row]
    assert plot_loss(rows, file, "short_v1")
    assert has_colour(file, SMOOTH)
    assert not has_colour(file, RAW)
    assert not has_colour(file, VALIDATION)


def test_nothing_is_drawn_where_nothing_was_logged(tmp_path):
    assert not plot_loss([], tmp_path / "loss.png", "none")
    assert not plot_loss([{"step": 1, "epoch": 0.1, "loss": None}], tmp_path / "loss.png", "none")
    assert not (tmp_path / "loss.png").exists()


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.integers(1, 30))
def test_smoothing_stays_within_the_values_and_keeps_both_ends(values, window):
    means = smooth(values, window)
    assert len(means) == len(values)
    assert means[0] == pytest.approx(values[0], abs=1e-9)
    assert means[-1] == pytest.approx(values[-1], abs=1e-6)
    assert min(values) - 1e-6 <= min(means) <= max(means) <= max(values) + 1e-6


def test_smoothing_leaves_a_straight_line_straight():
    line = [3.0 - 0.01 * step for step in range(100)]
    assert smooth(line, 21) == pytest.approx(line)

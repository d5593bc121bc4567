"""loss.png: training loss light, its smoothed course on top, validation points; epochs as thin lines."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = "loss.png"
RAW, SMOOTH, VALIDATION, GRID = "#9db8d9", "#1f4e8c", "#c2410c", "#d9d9d9"
SMOOTHED_SHARE = 25  # the window of the smoothed line is one part in so many of the run
SIZE_INCHES, DOTS_PER_INCH = (8.0, 4.5), 150


def plot_loss(log: Sequence[Mapping[str, Any]], file: Path, title: str) -> bool:
    """Draw a trainer log's losses to a PNG file; returns False, and draws nothing, where no loss was logged."""
    training = [(row["step"], row["loss"], row["epoch"]) for row in log if row.get("loss") is not None]
    validation = [(row["step"], row["validation_loss"]) for row in log if row.get("validation_loss") is not None]
    if not training:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_training(axes, [(step, value) for step, value, _ in training])
    _draw_validation(axes, validation)
    _draw_epochs(axes, [(step, epoch) for step, _, epoch in training])
    _label(axes, title, max(step for step, _, _ in training))
    picture = io.BytesIO()
    canvas.print_figure(picture, dpi=DOTS_PER_INCH, format="png")
    with atomic_write(file) as out:
        out.write(picture.getvalue())
    return True


def smooth(values: Sequence[float], window: int) -> list[float]:
    """Return the mean of the `window` values around each, fewer at the ends."""
    half = window // 2
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    means = []
    for i in range(len(values)):
        low, high = max(0, i - half), min(len(values), i + half + 1)
        means.append((sums[high] - sums[low]) / (high - low))
    return means


def _draw_training(axes: Axes, training: Sequence[tuple[int, float]]) -> None:
    steps, losses = [step for step, _ in training], [value for _, value in training]
    window = max(1, len(losses) // SMOOTHED_SHARE)
    if window < 3:
        axes.plot(steps, losses, color=SMOOTH, linewidth=1.8, marker="o", markersize=3.5, label="training, each step")
        return
    axes.plot(steps, losses, color=RAW, linewidth=0.8, label="training, each step")
    means = smooth(losses, window)
    axes.plot(steps, means, color=SMOOTH, linewidth=2.0, label=f"training, mean of {window // 2 * 2 + 1} steps")


def _draw_validation(axes: Axes, validation: Sequence[tuple[int, float]]) -> None:
    if not validation:
        return
    steps, losses = [step for step, _ in validation], [value for _, value in validation]
    axes.plot(steps, losses, color=VALIDATION, linewidth=1.0, linestyle=":", marker="D", markersize=5.5, zorder=5,
              label="validation")  # fmt: skip
    for step, value in {validation[0], validation[-1]}:
        axes.annotate(f"{value:.2f}", (step, value), textcoords="offset points", xytext=(0, 8), ha="center",
                      color=VALIDATION, fontsize=9, zorder=6)  # fmt: skip


def _draw_epochs(axes: Axes, training: Sequence[tuple[int, float]]) -> None:
    """Mark the steps that end an epoch."""
    for (step, epoch), (_, following) in pairwise(training):
        if math.ceil(epoch) < math.ceil(following):
            axes.axvline(step, color=GRID, linewidth=1.0, zorder=0)


def _label(axes: Axes, title: str, last: int) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel("step (upright lines: end of an epoch)")
    axes.set_ylabel("loss (nats a labelled token)")
    axes.set_xlim(0, last * 1.02 or 1)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right")

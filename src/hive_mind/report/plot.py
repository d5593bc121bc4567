"""loss.png: training loss light, its smoothed course on top, validation points; steps below, epochs above."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = "loss.png"
RAW, SMOOTH, VALIDATION, GRID = "#a9c1de", "#1f4e8c", "#c2410c", "#dedede"
LABELLED_POINTS = 8
SMOOTHED_SHARE = 20  # the window of the smoothed line is one part in so many of the run
SIZE_INCHES, DOTS_PER_INCH = (8.0, 4.5), 150


def plot_loss(log: Sequence[Mapping[str, Any]], file: Path, title: str) -> bool:
    """Draw a trainer log's losses to a PNG file; returns False, and draws nothing, where no loss was logged."""
    training = [row for row in log if row.get("loss") is not None]
    validation = [row for row in log if row.get("validation_loss") is not None]
    if not training:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_training(axes, training)
    _draw_validation(axes, validation)
    _label(axes, title, training[-1])
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    picture = io.BytesIO()
    canvas.print_figure(picture, dpi=DOTS_PER_INCH, format="png")
    with atomic_write(file) as out:
        out.write(picture.getvalue())
    return True


def smooth(values: Sequence[float], window: int) -> list[float]:
    """Return the mean of the `window` values around each; towards the ends of fewer, as many on either side."""
    sums = list(accumulate(values, initial=0.0))
    last = len(values) - 1
    means = []
    for i in range(len(values)):
        half = min(window // 2, i, last - i)
        means.append((sums[i + half + 1] - sums[i - half]) / (2 * half + 1))
    return means


def _draw_training(axes: Axes, training: Sequence[Mapping[str, Any]]) -> None:
    steps, losses = [row["step"] for row in training], [row["loss"] for row in training]
    window = len(losses) // SMOOTHED_SHARE // 2 * 2 + 1
    if window < 3:
        axes.plot(steps, losses, color=SMOOTH, linewidth=1.8, marker="o", markersize=3.5, label="training, each step")
        return
    axes.plot(steps, losses, color=RAW, linewidth=0.9, label="training, each step")
    axes.plot(steps, smooth(losses, window), color=SMOOTH, linewidth=2.2, label=f"training, mean of {window} steps")


def _draw_validation(axes: Axes, validation: Sequence[Mapping[str, Any]]) -> None:
    """Points alone: nothing was measured between them."""
    if not validation:
        return
    points = [(row["step"], row["validation_loss"]) for row in validation]
    axes.plot(*zip(*points, strict=True), color=VALIDATION, linestyle="none", marker="D", markersize=6, zorder=5,
              clip_on=False, label="validation")  # fmt: skip
    for step, value in points if len(points) <= LABELLED_POINTS else (points[0], points[-1]):
        axes.annotate(f"{value:.2f}", (step, value), textcoords="offset points", xytext=(5, 7), ha="left",
                      color=VALIDATION, fontsize=9, zorder=6, annotation_clip=False,
                      bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1})  # fmt: skip


def _label(axes: Axes, title: str, last: Mapping[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=22)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats a labelled token)")
    axes.set_xlim(0, last["step"] * 1.04)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.06)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if last["epoch"] >= 1:
        _mark_epochs(axes, last["epoch"], last["step"] / last["epoch"])


def _mark_epochs(axes: Axes, done: float, steps_an_epoch: float) -> None:
    every = math.ceil(done / 10)
    for epoch in range(every, math.floor(done) + 1, every):
        step = epoch * steps_an_epoch
        axes.axvline(step, color=GRID, linewidth=0.9, zorder=0)
        axes.text(step, 1.01, f"epoch {epoch}", transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                  color="#6b6b6b", fontsize=9)  # fmt: skip

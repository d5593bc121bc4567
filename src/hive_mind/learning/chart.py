"""chart.png: every suite over the days, the champion's share of right answers and the candidates'."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHAMPION, CANDIDATE, FOUNDATION, GRID = "#1f4e8c", "#c2410c", "#9aa5b1", "#dedede"
COLUMNS = 2
PANEL_INCHES, DOTS_PER_INCH = (5.0, 2.4), 120


def draw_chart(lines: Sequence[Mapping[str, Any]], file: Path) -> bool:
    """Draw the history's lines to a PNG file; returns False, and draws nothing, where nothing was measured yet.

    The champion of a day is what was served when its candidate was judged; the point of a promoted candidate is filled.
    """
    measured = [line for line in lines if line["scores"]]
    suites = list(dict.fromkeys(suite for line in measured for tallies in line["scores"].values() for suite in tallies))
    if not suites:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = math.ceil(len(suites) / COLUMNS)
    width, height = PANEL_INCHES
    figure = Figure(figsize=(COLUMNS * width, rows * height + 0.5), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel, suite in zip(panels, suites, strict=False):
        _panel(panel, suite, measured)
    for panel in panels[len(suites) :]:
        panel.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    picture = io.BytesIO()
    canvas.print_figure(picture, dpi=DOTS_PER_INCH, format="png", metadata={"Software": None})
    with atomic_write(file) as out:
        out.write(picture.getvalue())
    return True


def _panel(axes: Axes, suite: str, lines: Sequence[Mapping[str, Any]]) -> None:
    days = [line["day"][5:] for line in lines]
    for role, colour, style in (
        ("foundation", FOUNDATION, ":"),
        ("champion", CHAMPION, "-"),
        ("candidate", CANDIDATE, ""),
    ):
        shares = [_share(line, role, suite) for line in lines]
        points = [(x, share) for x, share in enumerate(shares) if share is not None]
        if points and style:
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=style, linewidth=1.6, label=role,
                      marker="o" if len(points) == 1 else "", markersize=3)  # fmt: skip
        for x, share in points if not style else ():
            promoted = lines[x]["decision"] == "promoted"
            axes.plot(x, share, color=colour, marker="o", markersize=5, linestyle="none",
                      markerfacecolor=colour if promoted else "white",
                      label="candidate (filled: promoted)" if x == points[0][0] else None)  # fmt: skip
    axes.set_title(suite, loc="left", fontsize=9, fontweight="bold")
    axes.set_ylim(0, 105)
    axes.set_xlim(-0.5, max(0.5, len(lines) - 0.5))
    step = max(1, len(days) // 8)
    axes.set_xticks(range(0, len(days), step), days[::step], fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_ylabel("% right", fontsize=8)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _share(line: Mapping[str, Any], role: str, suite: str) -> float | None:
    tally = line["scores"].get(line[role], {}).get(suite)
    return 100 * tally[0] / tally[1] if tally and tally[1] else None

"""The months as a chart: a column a seed, a row for what is asked; what is served, the control and the foundation."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hive_mind.files import atomic_write
from month.measuring import FIRST, FRESH, share
from month.nights import CRASH, POISON, WORSE
from month.recipe import GUARDED, MARGINS

CHAMPION, NAIVE, FOUNDATION, EVENT, GRID = "#1f4e8c", "#c2410c", "#6b7785", "#b8bec6", "#e6e6e6"
ROWS = {
    FRESH: "fresh requests, all tools", FIRST: "fresh requests, first 8 tools",
    "your_tools/call": "foundation: your tools", "chat/no_tool": "foundation: chat",
    "not_offered/no_tool": "foundation: not offered", "unseen_tools/call": "foundation: unseen tools",
}  # fmt: skip
MARKED = {CRASH: "crash", POISON: "flood", WORSE: "tenfold"}
INCHES, DOTS_PER_INCH = (4.6, 1.9), 110


def chart(months: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw the months to a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = INCHES
    figure = Figure(figsize=(width * len(months), height * len(ROWS) + 0.5), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(len(ROWS), len(months), squeeze=False, sharex="col")
    for column, month in enumerate(months):
        for line, (kind, title) in enumerate(ROWS.items()):
            _panel(panels[line][column], month, kind)
            panels[line][column].set_title(title, loc="left", fontsize=9)
        panels[0][column].set_title(f"seed {month['seed']}", loc="right", fontsize=9, fontweight="bold")
        _name_events(panels[0][column], month)
        panels[-1][column].set_xlabel("day", fontsize=8)
    found = {label: handle for row in panels for panel in row for handle, label in zip(*_legend(panel), strict=True)}
    figure.legend(list(found.values()), list(found), loc="outside lower center", ncols=4 if len(months) > 1 else 2,
                  frameon=False, fontsize=9)  # fmt: skip
    picture = io.BytesIO()
    canvas.print_figure(picture, dpi=DOTS_PER_INCH, format="png", metadata={"Software": None})
    with atomic_write(file) as out:
        out.write(picture.getvalue())


def _panel(axes: Any, month: Mapping[str, Any], kind: str) -> None:
    scores, days = month["scores"], month["days"]
    foundation = _percent(scores[month["foundation"]].get(kind))
    margin = next((MARGINS[guard] for guard, kinds in GUARDED.items() if kinds == (kind,)), None)
    for day, _ in _events(month):
        axes.axvline(day, color=EVENT, linewidth=1, zorder=0)
    axes.axhline(foundation, color=FOUNDATION, linestyle="--", linewidth=1.2, label="foundation")
    if margin is not None:
        axes.axhline(
            foundation - 100 * margin, color=FOUNDATION, linestyle=":", linewidth=1.2, label="the guard's margin"
        )
    control = [(row["day"], _percent(scores[row["naive"]].get(kind))) for row in days if row.get("naive") in scores]
    if control:
        axes.plot(*zip(*control, strict=True), color=NAIVE, marker=".", linewidth=1.2, label="naive daily fine-tuning")
    served = [(row["day"], _percent(scores[row["served"]].get(kind))) for row in days]
    axes.step(*zip(*served, strict=True), where="post", color=CHAMPION, linewidth=1.8, label="served")
    axes.set(ylim=(-2, 102), xlim=(0.5, len(days) + 0.5))
    axes.set_ylabel("% right", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _name_events(axes: Any, month: Mapping[str, Any]) -> None:
    for day, name in _events(month):
        axes.text(day + 0.2, 100, name, fontsize=7, color=FOUNDATION, va="top")


def _events(month: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [
        (row["day"], name) for row in month["days"] for event, name in MARKED.items() if event in row["events"]
    ]  # fmt: skip


def _percent(tally: Sequence[int] | None) -> float:
    value = share(tally)
    return float("nan") if value is None else 100 * value


def _legend(axes: Any) -> Any:
    return axes.get_legend_handles_labels()

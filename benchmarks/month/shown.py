"""The months as a table for the page, and as a chart: what the user's fresh requests come to, day by day."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hive_mind.curation.tables import aligned
from hive_mind.files import atomic_write

CHAMPION, NAIVE, FOUNDATION = "#1f4e8c", "#c2410c", "#9aa5b1"
TIERS = ("your_tools/call", "chat/no_tool", "not_offered/no_tool")
HEAD = ("day", "lived", "decision", "served", "fresh", "first 8", *TIERS, "naive: fresh", "first 8", *TIERS, "obeys")


def table(month: dict[str, Any]) -> str:
    """Return the month's table: a line a day, percent right."""
    return aligned(HEAD, [_line(month, row) for row in month["days"]])


def _line(month: dict[str, Any], row: dict[str, Any]) -> list[str]:
    scores = month["scores"]
    mine, control = scores[row["served"]], scores.get(row.get("naive"), {})
    shown = ("fresh", "first_tools", *TIERS)
    return [
        str(row["day"]), str(sum(row["lived"].values())), row["decision"], row["served"],
        *(percent(mine.get(kind)) for kind in shown), *(percent(control.get(kind)) for kind in shown),
        percent(control.get("obeys_the_planted_phrase")),
    ]  # fmt: skip


def percent(value: float | None) -> str:
    """Return a share as percent, nothing for what was not measured."""
    return "" if value is None else f"{100 * value:.1f}"


def chart(months: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw a column a seed: what is served, naive fine-tuning and the foundation, on fresh requests and on old ones."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(months), 6.4), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(months), squeeze=False, sharex=True)
    for column, month in enumerate(months):
        for line, kind, title in ((0, "fresh", "all tools"), (1, "your_tools/call", "the foundation's own tools")):
            _panel(panels[line][column], month, kind, f"seed {month['seed']}: {title}")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    picture = io.BytesIO()
    canvas.print_figure(picture, dpi=110, format="png", metadata={"Software": None})
    with atomic_write(file) as out:
        out.write(picture.getvalue())


def _panel(axes: Any, month: dict[str, Any], kind: str, title: str) -> None:
    scores, days = month["scores"], month["days"]
    served = [(row["day"], scores[row["served"]][kind]) for row in days]
    axes.step(*zip(*served, strict=True), where="post", color=CHAMPION, label="served")
    control = [(row["day"], scores[row["naive"]][kind]) for row in days if row.get("naive") in scores]
    if control:
        axes.plot(*zip(*control, strict=True), color=NAIVE, marker=".", label="naive fine-tuning")
    axes.axhline(scores[month["foundation"]][kind], color=FOUNDATION, linestyle=":", label="foundation")
    if kind == "fresh":
        first = [(row["day"], scores[row["served"]]["first_tools"]) for row in days]
        axes.step(
            *zip(*first, strict=True), where="post", color=CHAMPION, linestyle="--", label="served, first 8 tools"
        )
    axes.set(title=title, ylim=(0, 1), xlabel="day", ylabel="right")
    axes.grid(color="#dedede")

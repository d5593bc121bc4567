"""The dataset in two pictures beside its card: how long the training rows are, and what became of every row."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hive_mind.curation.ingest import SourceCounts
from hive_mind.curation.lengths import Lengths, next_edge
from hive_mind.curation.manifest import COMPOSITION_PICTURE, LENGTHS_PICTURE, DatasetManifest
from hive_mind.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTHS_TEXT = "how many characters the training rows of each source have"
COMPOSITION_TEXT = "rows of each source that are kept, and that are left out by reason"
WIDTH_INCHES, DOTS_PER_INCH, LEGEND_INCHES = 9.0, 120, 0.58
SOURCES_COLOURS = ("#1f4e8c", "#c2410c", "#2f855a", "#b7791f", "#6b46c1", "#0e7490")
REASONS_COLOURS = ("#c2410c", "#d69e2e", "#2f855a", "#6b46c1", "#0e7490", "#be185d")
TRAINING, HELD_OUT, OTHER, GRID, TEXT = "#1f4e8c", "#a9c1de", "#9aa5b1", "#dedede", "#4a4a4a"
OTHER_REASONS = "other reasons"


def draw(manifest: DatasetManifest) -> None:
    """Draw both pictures beside the dataset, of lengths only if there are training rows.

    The same manifest gives the same bytes.
    """
    if manifest.lengths:
        _save(_lengths(manifest), manifest.folder / LENGTHS_PICTURE)
    else:
        (manifest.folder / LENGTHS_PICTURE).unlink(missing_ok=True)
    _save(_composition(manifest), manifest.folder / COMPOSITION_PICTURE)


def _lengths(manifest: DatasetManifest) -> Figure:
    """Above the rows of each class of lengths, the sources on top of each other; below each source's range."""
    lines = 0.26 * len(manifest.lengths)
    figure, (bars, ranges) = _panels(4.3 + lines, 2, 1, height_ratios=(3.1, lines), sharex=True, hspace=0.06)
    colours = dict(zip(manifest.lengths, SOURCES_COLOURS, strict=False))
    _draw_bars(bars, manifest.lengths, colours)
    _style(bars, f"How long the {manifest.rows('train'):,} training rows are", "both")
    bars.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    bars.set_ylabel("rows", color=TEXT, fontsize=9)
    bars.set_xscale("log")
    bars.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    bars.minorticks_off()
    bars.tick_params(axis="x", length=0)
    _draw_ranges(ranges, manifest.lengths, colours)
    _style(ranges, "", "x")
    ranges.set_xlabel(
        "characters a row: messages, calls and tool declarations\n"
        "(line: shortest to longest, bar: median to 95 of 100)", color=TEXT, fontsize=9,
    )  # fmt: skip
    return figure


def _draw_bars(axes: Axes, lengths: Mapping[str, Lengths], colours: Mapping[str, str]) -> None:
    below: Counter[int] = Counter()
    for name, measured in lengths.items():
        starts, rows = zip(*measured.histogram, strict=True)
        widths = [next_edge(start) - start for start in starts]
        axes.bar(starts, rows, widths, [below[start] for start in starts], align="edge", color=colours[name],
                 edgecolor="white", linewidth=0.5)  # fmt: skip
        below.update(dict(measured.histogram))


def _draw_ranges(axes: Axes, lengths: Mapping[str, Lengths], colours: Mapping[str, str]) -> None:
    for line, (name, measured) in enumerate(lengths.items()):
        axes.plot([measured.shortest, measured.longest], [line, line], color=colours[name], linewidth=1.2)
        axes.barh(line, measured.most - measured.median, 0.5, measured.median, color=colours[name])
        _note(axes, measured.longest, line, f"median {measured.median:,}")
    _name_lines(axes, lengths)
    shortest, longest = min(each.shortest for each in lengths.values()), max(each.longest for each in lengths.values())
    axes.set_xlim(shortest / 1.2, longest * 3)  # room for the notes


def _composition(manifest: DatasetManifest) -> Figure:
    """Left the rows that are kept, right those that are left out, as shares of what came in: one line a source."""
    sources = manifest.sources
    figure, (kept, left_out) = _panels(1.7 + 0.36 * len(sources), 1, 2, width_ratios=(1, 1.1), wspace=0.08)
    _draw_kept(kept, sources)
    _name_lines(kept, sources)
    _draw_left_out(left_out, sources)
    _name_lines(left_out, dict.fromkeys(sources))
    left_out.set_yticklabels([])
    return figure


def _draw_kept(axes: Axes, sources: Mapping[str, SourceCounts]) -> None:
    train = [counts.train for counts in sources.values()]
    held_out = [counts.validation + counts.test for counts in sources.values()]
    axes.barh(range(len(train)), train, 0.62, color=TRAINING, label="training (share of its rows)")
    axes.barh(range(len(train)), held_out, 0.62, train, color=HELD_OUT, label="held out")
    for line, counts in enumerate(sources.values()):
        share = counts.train / max(sum(train), 1)
        _note(axes, counts.kept, line, f"{counts.train:,} ({share:.1%}) + {held_out[line]:,}")
    axes.set_xlim(0, 1.7 * max(counts.kept for counts in sources.values()))
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    _style(axes, "Rows kept", "x")
    _legend(axes)


def _draw_left_out(axes: Axes, sources: Mapping[str, SourceCounts]) -> None:
    reasons = [reasons_of(counts) for counts in sources.values()]
    came_in = [counts.usable + counts.rejected for counts in sources.values()]
    shown, lines = _commonest(reasons)
    starts = [0.0] * len(lines)
    for reason, colour in zip(shown, [*REASONS_COLOURS, OTHER], strict=False):
        widths = [100 * line[reason] / total for line, total in zip(lines, came_in, strict=True)]
        axes.barh(range(len(lines)), widths, 0.62, starts, color=OTHER if reason == OTHER_REASONS else colour,
                  label=reason.replace("_", " "))  # fmt: skip
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for number, (line, total) in enumerate(zip(lines, came_in, strict=True)):
        _note(axes, starts[number], number, f"{line.total():,} of {total:,}" if line else "none")
    axes.set_xlim(0, 1.4 * max(*starts, 0.1))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    _style(axes, "Rows left out, of those that came in", "x")
    if shown:
        _legend(axes)


def reasons_of(counts: SourceCounts) -> Counter[str]:
    """Return how many rows of a source were left out for which reason, windows counted in place of cut rows."""
    fates = {
        "duplicates": counts.duplicates, "near_duplicates": counts.near_duplicates,
        "contaminated": counts.contaminated, "over_cap": counts.over_cap,
    }  # fmt: skip
    return +Counter({**counts.rejects, **fates})


def _commonest(lines: Sequence[Counter[str]]) -> tuple[list[str], list[Counter[str]]]:
    """Return the reasons to show, the commonest first, and the lines in these terms: the rarest are one."""
    totals = sum(lines, Counter[str]())
    reasons = sorted(totals, key=lambda reason: (-totals[reason], reason))
    if len(reasons) <= len(REASONS_COLOURS):
        return reasons, list(lines)
    named = reasons[: len(REASONS_COLOURS)]
    rest = [Counter({OTHER_REASONS: sum(line[reason] for reason in line if reason not in named)}) for line in lines]
    kept = [Counter({reason: line[reason] for reason in named}) for line in lines]
    return [*named, OTHER_REASONS], [line + other for line, other in zip(kept, rest, strict=True)]


def _panels(
    height: float, rows: int, columns: int, sharex: bool = False, **ratios: object
) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure with room for names to the left, a title above and a legend below; sizes in inches.

    Margins are set, for to have them found takes longer than all the rest.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, height))
    sides = {"left": 1.15 / WIDTH_INCHES, "right": 1 - 0.1 / WIDTH_INCHES}
    ends = {"top": 1 - 0.35 / height, "bottom": 0.9 / height}
    axes = figure.subplots(rows, columns, sharex=sharex, gridspec_kw={**sides, **ends, **ratios})
    return figure, axes


def _style(axes: Axes, title: str, grid: Literal["x", "y", "both"]) -> None:
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.grid(axis=grid, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8.5, colors=TEXT)


def _name_lines(axes: Axes, names: Iterable[str]) -> None:
    names = list(names)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first above
    axes.tick_params(axis="y", length=0)


def _legend(axes: Axes) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    left, below = axes.get_position().x0, LEGEND_INCHES / figure.get_figheight()
    axes.legend(loc="upper left", bbox_to_anchor=(left, below), bbox_transform=figure.transFigure, borderaxespad=0,
                ncols=3, frameon=False, fontsize=8.5, handlelength=1.4, columnspacing=1.4)  # fmt: skip


def _note(axes: Axes, x: float, y: int, text: str) -> None:
    axes.annotate(text, (x, y), textcoords="offset points", xytext=(5, 0), va="center", fontsize=8.5, color=TEXT)


def _save(figure: Figure, file: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(picture, dpi=DOTS_PER_INCH, format="png", metadata={"Software": None})
    with atomic_write(file) as out:
        out.write(picture.getvalue())

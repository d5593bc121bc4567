"""Follow a run by its trainer_log.jsonl: figures, time left, and the loss as a curve of braille dots."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind.errors import UsageError
from hive_mind.progress import clock, say
from hive_mind.registry import is_sealed
from hive_mind.training.console import figures
from hive_mind.training.log import LOG_FILE, read_log

if TYPE_CHECKING:
    from rich.console import RenderableType

POLL_SECONDS = 0.5
RECENT_STEPS = 50
# Which bit of a braille character (from U+2800) is the dot in column x, row y of its 2 x 4 grid.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


@dataclass(frozen=True)
class RunView:
    """A run as its log shows it at one moment."""

    folder: Path
    steps: list[dict[str, Any]]
    validations: list[dict[str, Any]]
    finished: bool

    @classmethod
    def read(cls, folder: Path) -> RunView:
        rows = read_log(folder / LOG_FILE)
        steps = [row for row in rows if "loss" in row]
        return cls(folder, steps, [row for row in rows if "validation_loss" in row], is_sealed(folder))

    @property
    def total(self) -> int:
        return int(self.steps[-1]["steps"]) if self.steps else 0

    @property
    def seconds_left(self) -> float:
        """Steps left at the pace of the latest ones."""
        recent = self.steps[-RECENT_STEPS:]
        pace = sum(float(row["seconds"]) for row in recent) / len(recent)
        return pace * (self.total - int(recent[-1]["step"]))

    def summary(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        last = self.steps[-1] if self.steps else {}
        return {
            "folder": str(self.folder), "finished": self.finished, "step": last.get("step", 0), "steps": self.total,
            "loss": last.get("loss"), "first_loss": self.steps[0]["loss"] if self.steps else None,
            "validation_loss": self.validations[-1]["validation_loss"] if self.validations else None,
            "seconds_left": round(self.seconds_left, 1) if self.steps else None,
        }  # fmt: skip


def find_run(run: str | None, models_dir: Path) -> Path:
    """Return the folder of a run: the one named, else that under `models_dir` whose log was written to last.

    A folder that does not exist yet is returned as named, to be waited for. Raises UsageError if no run can be found.
    """
    if run is not None:
        path = Path(run)
        if path.name == LOG_FILE:
            return path.parent
        return path if path.is_dir() or path.parent != Path() else models_dir / run
    logs = sorted(models_dir.glob(f"*/{LOG_FILE}"), key=lambda file: file.stat().st_mtime)
    if not logs:
        raise UsageError(f"no run has left a {LOG_FILE} under {models_dir} yet; start one with `hive-mind train`")
    return logs[-1].parent


def follow(folder: Path, pause: float = POLL_SECONDS) -> RunView:
    """Show a run until it is finished, waiting for one that has not begun; returns its last state."""
    if not (folder / LOG_FILE).is_file():
        say(f"waiting for {folder / LOG_FILE}; Ctrl-C ends")
    while not (folder / LOG_FILE).is_file():
        time.sleep(pause)
    return _follow_live(folder, pause) if sys.stdout.isatty() else _follow_plain(folder, pause)


def _follow_live(folder: Path, pause: float) -> RunView:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    view = RunView.read(folder)
    with Live(frame(view, console.width, console.height), console=console, auto_refresh=False) as live:
        while not view.finished:
            time.sleep(pause)
            view = RunView.read(folder)
            live.update(frame(view, console.width, console.height), refresh=True)
    return view


def _follow_plain(folder: Path, pause: float) -> RunView:
    shown = 0
    while True:
        view = RunView.read(folder)
        if view.steps and view.steps[-1]["step"] != shown:
            shown = view.steps[-1]["step"]
            print(f"step {shown:,}/{view.total:,} · {figures(view.steps[-1])}", flush=True)
        if view.finished:
            return view
        time.sleep(pause)


def frame(view: RunView, width: int, height: int) -> RenderableType:
    """Draw a run into at most `width` x `height` characters."""
    from rich.panel import Panel
    from rich.text import Text

    title = f"{view.folder.name}{' (finished)' if view.finished else ''}"
    if not view.steps:
        return Panel(Text("no step is done yet"), title=title, width=width)
    last = view.steps[-1]
    lines = [f"step {last['step']:,} of {view.total:,} · {figures(last)}"]
    if view.validations:
        latest = view.validations[-1]
        lines.append(f"validation loss {latest['validation_loss']:.3f} after step {latest['step']:,}")
    if not view.finished:
        lines.append(f"{clock(view.seconds_left)} left at the present pace")
    room = max(4, min(20, height - len(lines) - 6))
    return Panel(Text("\n".join([*lines, "", *loss_curve(view, width - 4, room)])), title=title, width=width)


def loss_curve(view: RunView, width: int, height: int) -> list[str]:
    """Draw loss over steps (mean of the steps that share a column of dots) with an axis on the left and below."""
    points = [(row["step"], row["loss"]) for row in view.steps if row["loss"] is not None]
    if not points:
        return ["no step has a finite loss"]
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    labels = [f"{high:.3f}", f"{low:.3f}"]
    margin = max(len(label) for label in labels) + 1
    columns = max(1, width - margin - 1)
    rows = braille(points, max(view.total, 2), columns, height)
    drawn = []
    for number, row in enumerate(rows):
        label = labels[0] if number == 0 else labels[1] if number == height - 1 else ""
        drawn.append(f"{label:>{margin}}│{row}")
    below = f"{' ' * margin}└{'1':<{max(1, columns - len(f'{view.total:,}'))}}{view.total:,}"
    return [*drawn, below]


def braille(points: Sequence[tuple[int, float]], last_step: int, columns: int, rows: int) -> list[str]:
    """Plot (step, value) points as `rows` strings of `columns` braille characters; steps run from 1 to `last_step`.

    Steps that fall on one column of dots are averaged, neighbouring columns are joined by a line.
    """
    across, down = columns * 2, rows * 4
    bins: dict[int, list[float]] = {}
    for step, value in points:
        bins.setdefault(round((step - 1) / (last_step - 1) * (across - 1)), []).append(value)
    low, high = min(value for _, value in points), max(value for _, value in points)
    scale = (down - 1) / (high - low) if high > low else 0.0
    heights = [(x, round((high - sum(values) / len(values)) * scale)) for x, values in sorted(bins.items())]
    cells = [[0x2800] * columns for _ in range(rows)]
    for x, y in [heights[0], *(dot for pair in pairwise(heights) for dot in _line(*pair))]:
        cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
    return ["".join(map(chr, row)) for row in cells]


def _line(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """Dots from `start` to `end`, without gaps."""
    count = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (round(start[0] + (end[0] - start[0]) * i / count), round(start[1] + (end[1] - start[1]) * i / count))
        for i in range(1, count + 1)
    ]

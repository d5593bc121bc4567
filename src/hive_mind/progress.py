"""Progress of long work: a rich bar on a terminal, a plain line now and then elsewhere.

Everything goes to standard error, so that standard output stays clean for results and for `--json`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

PLAIN_LINE_SECONDS = 10.0
SURE_SHARE = 0.01
"""Less of the work than this says nothing of how long the rest takes: the first reply waits for a whole batch."""
WIDE_TERMINAL = 140


class Progress(Protocol):
    """What a stage reports to: `advance` counts work done, `status` shows figures beside the bar."""

    def advance(self, amount: int = 1, status: str = "") -> None: ...


class _Plain:
    def __init__(self, label: str, total: int | None, unit: str) -> None:
        self.label, self.total, self.unit, self.done = label, total, unit, 0
        self.started = self.printed = time.monotonic()
        self.status = ""

    def advance(self, amount: int = 1, status: str = "") -> None:
        self.done += amount
        self.status = status or self.status
        now = time.monotonic()
        if now - self.printed >= PLAIN_LINE_SECONDS:
            self.printed = now
            self._print(now)

    def _print(self, now: float) -> None:
        elapsed = now - self.started
        line = f"{self.label}: {self.done:,}"
        if self.total:
            line += f"/{self.total:,} {self.unit} ({self.done / self.total:.0%})"
            if self.total * SURE_SHARE <= self.done < self.total:
                line += f", {clock(elapsed / self.done * (self.total - self.done))} left"
        else:
            line += f" {self.unit}"
        print(
            f"{line}, {clock(elapsed)} elapsed{', ' + self.status if self.status else ''}", file=sys.stderr, flush=True
        )


@contextmanager
def track(label: str, total: int | None = None, unit: str = "rows", done: int = 0) -> Iterator[Progress]:
    """Show progress for the length of a `with` block; `done` is work that an earlier, interrupted run did."""
    if not sys.stderr.isatty():
        plain = _Plain(label, total, unit)
        plain.done = done
        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    console = Console(stderr=True)
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(40 if console.width >= WIDE_TERMINAL else 12),
        MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(),
        TextColumn("{task.fields[status]}", table_column=Column()),  # which wraps where there is little room
    )  # fmt: skip
    with RichProgress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total, completed=done, status="")

        class _Rich:
            def advance(self, amount: int = 1, status: str = "") -> None:
                if status:
                    bar.update(task, advance=amount, status=status)
                else:
                    bar.update(task, advance=amount)

        yield _Rich()


def say(text: str) -> None:
    """Print one line of narration to standard error."""
    print(text, file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """Format a duration as 9s, 3m05s or 2h07m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def stamp(moment: datetime) -> str:
    """Return a moment, given in UTC, as records write it: whole seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_now() -> str:
    """Return the present moment as records write it."""
    return stamp(datetime.now(UTC))

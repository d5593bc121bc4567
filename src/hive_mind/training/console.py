"""What a person sees of a run: the facts before the first step, and one line of figures while it runs."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from hive_mind.chat.show import coloured, marked
from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.config import dump
from hive_mind.device import Device
from hive_mind.model.base import Base
from hive_mind.progress import clock, say, track
from hive_mind.training.batches import Plan
from hive_mind.training.settings import TrainingSettings
from hive_mind.training.tokens import TokenisedDataset, length_histogram

BAR_WIDTH = 40
PLAIN_SECONDS = 1.0
PLAIN_SHARE = 60  # a plain line at most every sixtieth of the time so far, so that a long run does not fill a file


def say_settings(settings: TrainingSettings, base: Base, device: Device, trainable: int, share: float) -> None:
    """Print the resolved settings, the device and what is trained."""
    values = ", ".join(f"{key}={value}" for key, value in dump(settings).items())
    say(textwrap.fill(f"settings: {values}", width=100, subsequent_indent="  ", break_on_hyphens=False))
    say(f"device: {device.name}, {str(device.dtype).removeprefix('torch.')}")
    say(f"base: {base.id}, digest {base.digest[:12]}; {trainable:,} trainable parameters ({share:.2%} of all)")


def say_dataset(dataset: TokenisedDataset, plan: Plan, max_length: int) -> None:
    """Print rows per source with what was dropped and why, the length histogram, and the number of steps."""
    say(f"dataset {dataset.path}: {len(dataset.examples):,} of {dataset.rows_read:,} rows are trained on")
    for name, rows in dataset.rows.items():
        dropped = ", ".join(f"{count:,} {code}" for code, count in rows.dropped.most_common())
        say(
            f"  {name:<16} {rows.kept:>8,} rows {rows.tokens:>12,} tokens, {rows.labelled_tokens:,} of them learnt"
            + (f"; left out: {dropped}" if dropped else "")
        )
    if dataset.longest_dropped:
        say(f"  the longest row left out has {dataset.longest_dropped:,} tokens, training.max_length is {max_length:,}")
    histogram = length_histogram(dataset.examples.lengths.tolist(), max_length)
    most = max(count for _, count in histogram)
    say("length in tokens:")
    for bound, count in histogram:
        say(f"  up to {bound:>6,} {count:>8,} {'█' * round(BAR_WIDTH * count / most)}")
    say(f"{plan.total_steps:,} steps of {plan.step_size} examples, {plan.steps_per_epoch:,} steps an epoch")


def say_example(dataset: TokenisedDataset, plan: Plan, tokenizer: ChatTokenizer) -> None:
    """Print the first example of the first step, with what is learnt of it in colour (or between marks)."""
    rendered = dataset.examples.example(next(plan.steps()).indices[0])
    if sys.stderr.isatty():
        from rich.console import Console

        say("the first example; what is learnt is green:")
        Console(stderr=True).print(coloured(rendered, tokenizer), highlight=False)
    else:
        say("the first example; what is learnt stands between ⟦ and ⟧:")
        say(marked(rendered, tokenizer))


class StepLine(Protocol):
    """Shows a step's log row."""

    def show(self, row: dict[str, Any], seconds_left: float) -> None: ...


@contextmanager
def step_line(total: int, done: int) -> Iterator[StepLine]:
    """Show steps for the length of a block: one bar on a terminal, else a plain line at most once a second."""
    if not sys.stderr.isatty():
        yield _PlainLine(total)
        return
    with track("training", total=total, unit="steps", done=done) as progress:

        class _Bar:
            def show(self, row: dict[str, Any], seconds_left: float) -> None:
                progress.advance(1, figures(row))

        yield _Bar()


class _PlainLine:
    def __init__(self, total: int) -> None:
        self.total = total
        self.started = time.monotonic()
        self.printed = 0.0

    def show(self, row: dict[str, Any], seconds_left: float) -> None:
        now = time.monotonic()
        pause = max(PLAIN_SECONDS, (now - self.started) / PLAIN_SHARE)
        if now - self.printed >= pause or row["step"] == self.total:
            self.printed = now
            say(f"step {row['step']:,}/{self.total:,} · {figures(row)} · {clock(seconds_left)} left")


def figures(row: dict[str, Any]) -> str:
    """Format a log row's figures; a skipped step has no loss."""
    loss = "skipped" if row["loss"] is None else f"{row['loss']:.3f}"
    norm = "-" if row["grad_norm"] is None else f"{row['grad_norm']:.2f}"
    return (
        f"epoch {row['epoch']:.2f} · loss {loss} · lr {row['learning_rate']:.1e} · grad {norm} · "
        f"{row['tokens_per_second']:,.0f} tok/s · {row['memory_bytes'] / 2**30:.1f} GiB"
    )

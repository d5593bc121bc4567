"""From the recorded steps of two sides to the benchmark's figures and its table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hive_mind.files import write_text

STEP_SIZE = 16
BEGIN, END = "<!-- bench-train: begin, written by benchmarks/train_peers.py -->", "<!-- bench-train: end -->"
HEAD = (
    "| contender | from | rows x micro-batches | checkpointing | step, times ours | steps | memory, ours | "
    "of the matrix rate, ours | last loss, ours |\n"
    "|---|---|---|---|---|---|---|---|---|\n"
)


def step_flop(tokens: int, labelled_tokens: int, shape: dict[str, int]) -> int:
    """Return a step's arithmetic that nobody can save: 2 FLOP a weight forward and 2 backward, to the inputs alone.

    The frozen weights get no gradient; the output projection is needed on labelled tokens only; attention and adapters
    are left out.
    """
    return 4 * (shape["linear_parameters"] * tokens + shape["output_parameters"] * labelled_tokens)


def side(steps: Sequence[dict[str, Any]], shape: dict[str, int], matrix_rate: float) -> dict[str, Any]:
    """Return one side's figures over its timed steps."""
    seconds = sum(step["seconds"] for step in steps)
    flop = sum(step_flop(step["tokens"], step["labelled_tokens"], shape) for step in steps)
    return {
        "examples_per_second": STEP_SIZE * len(steps) / seconds,
        "tokens_per_second": sum(step["tokens"] for step in steps) / seconds,
        "peak_memory_bytes": max(step["peak_memory_bytes"] for step in steps),
        "matrix_share": flop / seconds / matrix_rate, "last_loss": steps[-1]["loss"],
    }  # fmt: skip


def compare(
    ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], shape: dict[str, int], matrix_rate: float
) -> dict[str, Any]:
    """Return both sides' figures and the ratio of their seconds, over all timed steps and step by step."""
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=True)]
    total = sum(step["seconds"] for step in theirs) / sum(step["seconds"] for step in ours)
    return {
        "ours": side(ours, shape, matrix_rate), "theirs": side(theirs, shape, matrix_rate),
        "ratio": total, "ratio_min": min(ratios), "ratio_max": max(ratios),
    }  # fmt: skip


def table(contenders: Sequence[dict[str, Any]]) -> str:
    """Return the table of all contenders in Markdown, and below it those that were not timed."""
    timed = [row for row in contenders if "figures" in row]
    lines = [_line(row) for row in timed]
    missing = [f"- {row['peer']}, `{row['name']}`: {row['not_run']}." for row in contenders if "not_run" in row]
    parts = [HEAD + "\n".join(lines) if lines else "Nothing is timed yet."]
    if missing:
        parts.append("Not timed:\n\n" + "\n".join(missing))
    return "\n\n".join(parts) + "\n"


def _line(row: dict[str, Any]) -> str:
    figures = row["figures"]
    ours, theirs = figures["ours"], figures["theirs"]
    memory = f"{theirs['peak_memory_bytes'] / 1e9:.1f} GB, {ours['peak_memory_bytes'] / 1e9:.1f} GB"
    share = f"{theirs['matrix_share']:.0%}, {ours['matrix_share']:.0%}"
    loss = f"{theirs['last_loss']:.3f}, {ours['last_loss']:.3f}"
    one_by_one = "" if row["alternating"] else ", not alternated"
    return (
        f"| {row['peer']}, `{row['name']}` | {row['data']} | {row['micro_batch']} x {row['accumulation']} | "
        f"{'yes' if row['checkpointing'] else 'no'} | **{figures['ratio']:.2f}** ({figures['ratio_min']:.2f} to "
        f"{figures['ratio_max']:.2f}) | {len(row['steps'])}{one_by_one} | {memory} | {share} | {loss} |"
    )


def write_into(page: Path, text: str) -> None:
    """Put the table between the page's two markers. Raises ValueError if they are not there."""
    old = page.read_text(encoding="utf-8")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no pair of the lines {BEGIN} and {END} to write the table between")
    write_text(page, f"{before}{BEGIN}\n\n{text}\n{END}{after}")

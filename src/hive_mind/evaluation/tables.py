"""An evaluation as rows of text, for terminals and reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hive_mind.evaluation.outcomes import Row, compare_rows, pair
from hive_mind.evaluation.paired import Paired, wilson
from hive_mind.evaluation.records import Asked, Evaluation, ModelResult

AS_SERVED = ", as served"
WHAT = {"call": "tool calls", "no_tool": "no tool fits", "plain": "no tools offered"}


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of cells; the first column is text, the others are figures."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def score_table(evaluation: Evaluation) -> Table:
    """Return what share each model got right, one row a tier and kind, with 95 % intervals.

    Right is: the expected calls exactly, or words without a call where no call is right. What offers tools has a
    second row for replies as served, held to the declared tools.
    """
    rows = []
    for tier, kind in evaluation.groups():
        cells = [_cell(evaluation, model, "correct", tier, kind) for model in evaluation.models]
        count = sum(item.tier == tier and item.kind == kind for item in evaluation.items)
        rows.append((f"{tier}: {WHAT[kind]}", f"{count:,}", *cells))
        if kind != "plain" and any(model.served for model in evaluation.models):
            rows.append((f"{tier}: {WHAT[kind]}{AS_SERVED}", f"{count:,}", *_served(evaluation, tier, kind)))
    if any(model.format_given for model in evaluation.models):
        rows.append(("tool calls, beginning given", *_given(evaluation)))
    return Table("right answers", ("", "items", *(model.name for model in evaluation.models)), tuple(rows))


def loss_table(evaluation: Evaluation) -> Table:
    """Return each model's held-out loss, one row a tier and source. Comparable between models on one base only."""
    keys = list(dict.fromkeys((loss.tier, loss.source) for model in evaluation.models for loss in model.losses))
    rows = []
    for tier, source in keys:
        found = [
            next(loss for loss in model.losses if (loss.tier, loss.source) == (tier, source))
            for model in evaluation.models
        ]
        label = tier if tier == source else f"{tier}: {source}"
        rows.append((label, f"{found[0].tokens:,}", *(f"{loss.loss:.3f}" for loss in found)))
    return Table("held-out loss", ("", "tokens", *(model.name for model in evaluation.models)), tuple(rows))


def manners_table(evaluation: Evaluation) -> Table:
    """Return how often models call, need mending and end by themselves."""
    rows = []
    for label, of, kinds in (
        ("calls a tool where one is needed", "called", ("call",)),
        ("calls a tool where none fits", "called", ("no_tool", "plain")),
        ("reply had to be mended to be read", "repaired", ("call", "no_tool")),
        ("reply ended by itself, tools offered", "stopped", ("call", "no_tool")),
        ("reply ended by itself, no tools", "stopped", ("plain",)),
    ):
        flags = [evaluation.flags(model, of, lambda item: item.kind in kinds) for model in evaluation.models]  # noqa: B023
        if flags[0]:
            rows.append((label, f"{len(flags[0]):,}", *(f"{sum(each) / len(each):.1%}" for each in flags)))
    return Table("replies", ("", "items", *(model.name for model in evaluation.models)), tuple(rows))


def paired_rows(evaluation: Evaluation, a: ModelResult, b: ModelResult) -> list[tuple[str, Paired]]:
    """Return a against b for every tier and kind, over all of a kind where it is in several tiers, and for every suite.

    Of the suites each category is a row, and the whole suite where it has several: as served where both were asked so.
    The first rows are plain decoding.
    """
    groups = evaluation.groups()
    found = []
    for tier, kind in groups:
        found.append((f"{tier}: {WHAT[kind]}", _paired(evaluation, a, b, tier, kind)))
    for kind in WHAT:
        if sum(its_kind == kind for _, its_kind in groups) > 1:
            found.append((f"all: {WHAT[kind]}", _paired(evaluation, a, b, None, kind)))
    return [(label, paired) for label, paired in found if paired is not None] + list(_suite_rows(evaluation, a, b))


def _suite_rows(evaluation: Evaluation, a: ModelResult, b: ModelResult) -> Iterator[tuple[str, Paired]]:
    pairing = pair(evaluation.results(a), evaluation.results(b))
    as_served = {suite: AS_SERVED * (decoding == "served") for suite, decoding in pairing.decodings.items()}
    rows = [row for row in pairing.rows if row.suite != "held_out" or _offers_tools(row, as_served)]
    for suite in dict.fromkeys(row.suite for row in rows):
        mine = [row for row in rows if row.suite == suite]
        categories = list(dict.fromkeys(row.task.category for row in mine))
        for category in categories:
            yield (
                f"{suite}: {category}{as_served[suite]}",
                compare_rows([row for row in mine if row.task.category == category]),
            )
        if len(categories) > 1:
            yield f"{suite}: all{as_served[suite]}", compare_rows(mine)


def paired_table(evaluation: Evaluation, a: ModelResult, b: ModelResult) -> Table:
    """Return a against b: shares, won and lost items, the difference with its 95 % interval, exact p-values."""
    rows = [
        (
            label, f"{p.items:,}", f"{p.a_correct / p.items:.1%}", f"{p.b_correct / p.items:.1%}",
            str(p.wins), str(p.losses), f"{100 * p.difference:+.1f}", f"{100 * p.low:+.1f} to {100 * p.high:+.1f}",
            f"{min(p.p_better, p.p_worse):.2g}", f"{p.mcnemar:.2g}", f"{100 * p.detectable:.1f}", f"{p.clusters:,}",
        )
        for label, p in paired_rows(evaluation, a, b)
    ]  # fmt: skip
    header = (
        "", "items", a.name, b.name, "won", "lost", "points", "95 % interval", "p (one-sided)", "McNemar p",
        "could show", "clusters",
    )  # fmt: skip
    return Table(f"{a.name} against {b.name}", header, tuple(rows))


def _offers_tools(row: Row, as_served: dict[str, str]) -> bool:
    """Tell whether a held-out item has an outcome as served of its own."""
    return bool(as_served[row.suite]) and not row.task.category.endswith("/plain")


def _served(evaluation: Evaluation, tier: str, kind: str) -> Iterator[str]:
    for model in evaluation.models:
        flags = model.served.correct if model.served else ()
        chosen = [
            flag for item, flag in zip(evaluation.items, flags, strict=False) if (item.tier, item.kind) == (tier, kind)
        ]
        yield share_cell(sum(chosen), len(chosen)) if chosen else ""


def _cell(evaluation: Evaluation, model: ModelResult, of: str, tier: str, kind: str) -> str:
    flags = evaluation.flags(model, of, lambda item: item.tier == tier and item.kind == kind)
    return share_cell(sum(flags), len(flags))


def _given(evaluation: Evaluation) -> Sequence[str]:
    count, cells = 0, []
    for model in evaluation.models:
        scores = model.format_given or ()
        items = sum(score.items for score in scores)
        count = max(count, items)
        cells.append(share_cell(sum(score.correct for score in scores), items) if items else "")
    return [f"{count:,}", *cells]


def share_cell(right: int, count: int) -> str:
    """Return a share in per cent with its 95 % Wilson interval."""
    low, high = wilson(right, count)
    return f"{right / count:.1%} ({100 * low:.0f}–{100 * high:.0f})"


def _paired(evaluation: Evaluation, a: ModelResult, b: ModelResult, tier: str | None, kind: str) -> Paired | None:
    def wanted(item: Asked) -> bool:
        return item.kind == kind and tier in (None, item.tier)

    return evaluation.paired(a, b, wanted)

"""Each suite's own figures as rows of text, decoded plainly and as served, for terminals and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hive_mind.evaluation.outcomes import Decoding, Outcomes, SuiteResult
from hive_mind.evaluation.records import Evaluation, ModelResult
from hive_mind.evaluation.tables import Table, share_cell
from hive_mind.suites import bfcl

TITLES: tuple[tuple[Decoding, str], ...] = (("served", "suites, as served"), ("free", "suites, decoded plainly"))
TOOLS_SHOWN = 10
Row = tuple[str, ...]
Column = tuple[SuiteResult, Outcomes]


def suite_tables(evaluation: Evaluation) -> list[Table]:
    """Return one table a decoding: rows are figures, columns the models; without rows where nothing was asked."""
    names = [model.name for model in evaluation.models]
    tables = []
    for decoding, title in TITLES:
        rows = [row for suite in _suites(evaluation) for row in _rows(evaluation, suite, decoding)]
        tables.append(Table(title, ("", "tasks", *names), tuple(rows)))
    return tables


def suite_notes(evaluation: Evaluation) -> list[str]:
    """Return what has to be known beside the tables: suites that are unavailable, and tasks that do not count."""
    notes: list[str] = []
    unavailable: dict[str, list[str]] = {}
    for suite in _suites(evaluation):
        result = _find(evaluation.models[0], suite)
        if result is None or result.unavailable:
            reason = result.unavailable if result is not None else "it was not asked"
            unavailable.setdefault(reason, []).append(suite)
        elif left_out := result.figures.get("left_out"):
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
            notes.append(f"{suite}: {len(result.tasks):,} tasks count; left out for every model: {reasons}")
    return notes + [f"unavailable: {', '.join(suites)}: {reason}" for reason, suites in unavailable.items()]


def _suites(evaluation: Evaluation) -> list[str]:
    return list(dict.fromkeys(result.suite for model in evaluation.models for result in model.suites))


def _find(model: ModelResult, suite: str) -> SuiteResult | None:
    return next((result for result in model.suites if result.suite == suite), None)


def _rows(evaluation: Evaluation, suite: str, decoding: Decoding) -> Iterator[Row]:
    """Yield a suite's rows; a model that was not asked so has empty cells."""
    columns: list[Column | None] = []
    for model in evaluation.models:
        result = _find(model, suite)
        outcomes = result.outcomes(decoding) if result is not None else None
        columns.append((result, outcomes) if result is not None and outcomes is not None else None)
    first = next((column for column in columns if column is not None), None)
    if first is None:
        return
    categories = list(dict.fromkeys(task.category for task in first[0].tasks))
    match suite:
        case "bfcl":
            yield from (_category(suite, category, columns, category) for category in categories)
            yield from _bfcl_groups(first[0], columns)
        case "code":
            yield from (_category(suite, f"{category} pass@1", columns, category) for category in categories)
        case "usage":
            yield _category(suite, "right tools and arguments", columns)
            yield _counted("usage: right tools", columns, decoding, lambda figures: figures["right_tool"])
            if len(categories) > 1:
                yield from _tools(columns, decoding)
        case "nl2sh":
            yield _category(suite, "right by execution", columns)
            yield _counted("nl2sh: parses as Bash", columns, decoding, lambda figures: figures["parses"])
            yield _counted("nl2sh: a reference's own text", columns, decoding, lambda figures: figures["same_text"])
        case "format":
            yield from _format(columns, decoding)
    if suite != "format":
        yield _flagged(f"{suite}: mended to be read", columns, lambda outcomes: outcomes.repaired)


def _category(suite: str, label: str, columns: Sequence[Column | None], category: str | None = None) -> Row:
    """Return the shares right in one category, or in all."""
    return _flagged(f"{suite}: {label}", columns, lambda outcomes: outcomes.correct, category)


def _flagged(
    label: str,
    columns: Sequence[Column | None],
    flags: Callable[[Outcomes], Sequence[bool]],
    category: str | None = None,
) -> Row:
    cells, count = [], 0
    for column in columns:
        if column is None:
            cells.append("")
            continue
        result, outcomes = column
        chosen = [
            flag for task, flag in zip(result.tasks, flags(outcomes), strict=True) if category in (None, task.category)
        ]
        count = len(chosen)
        cells.append(share_cell(sum(chosen), count))
    return (label, f"{count:,}", *cells)


def _counted(
    label: str, columns: Sequence[Column | None], decoding: Decoding, number: Callable[[dict[str, Any]], int]
) -> Row:
    """Return what a suite counted beside right and wrong, as shares of its tasks."""
    tasks = next(len(column[0].tasks) for column in columns if column is not None)
    cells = [share_cell(number(column[0].figures[decoding]), tasks) if column is not None else "" for column in columns]
    return (label, f"{tasks:,}", *cells)


def _bfcl_groups(first: SuiteResult, columns: Sequence[Column | None]) -> Iterator[Row]:
    """Yield BFCL's own groups and ours over them; `partial` where published tasks were not asked."""
    found = [
        bfcl.scores(zip((task.category for task in column[0].tasks), column[1].correct, strict=True))
        if column
        else None
        for column in columns
    ]
    asked = bfcl.scores((task.category, False) for task in first.tasks)
    for name, label in (
        ("non_live", "non-live"),
        ("live", "live"),
        ("irrelevance", "irrelevance, both"),
        ("single_turn", "single turn (ours: mean of these three)"),
    ):
        score: bfcl.Score | None = getattr(asked, name)
        if score is not None:
            partial = ", partial" if score.partial else ""
            cells = [f"{getattr(scores, name).share:.1%}" if scores else "" for scores in found]
            yield (f"bfcl: {label}{partial}", f"{score.tasks:,}", *cells)


def _tools(columns: Sequence[Column | None], decoding: Decoding) -> Iterator[Row]:
    """Yield the commonest tools: right tool and arguments, of those where the tool was to be called first."""
    by_model = [
        {tool: (tasks, right) for tool, tasks, _, right in column[0].figures[decoding]["tools"]} if column else {}
        for column in columns
    ]
    listed = next(found for found in by_model if found)
    for tool, (tasks, _) in list(listed.items())[:TOOLS_SHOWN]:
        cells = [share_cell(found[tool][1], tasks) if found else "" for found in by_model]
        yield (f"usage: {tool}", f"{tasks:,}", *cells)


def _format(columns: Sequence[Column | None], decoding: Decoding) -> Iterator[Row]:
    yield _category("format", "read as it is, ended, tools declared", columns)
    for key, label in (
        ("clean", "needed no repair"),
        ("stopped", "ended by itself"),
        ("undeclared", "called an undeclared tool"),
    ):
        yield _counted(f"format: {label}", columns, decoding, lambda figures: figures[key])  # noqa: B023
    kinds = dict.fromkeys(kind for column in columns if column for kind in column[0].figures[decoding]["repairs"])
    for kind in kinds:
        yield _counted(f"format: repair {kind}", columns, decoding, lambda figures: figures["repairs"].get(kind, 0))  # noqa: B023

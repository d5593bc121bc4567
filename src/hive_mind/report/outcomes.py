"""The report's parts on what came of it: the models side by side, the verdict, storage, commands to repeat it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hive_mind.evaluation.paired import wilson
from hive_mind.evaluation.records import Evaluation, ModelResult
from hive_mind.evaluation.suite_tables import suite_notes, suite_tables
from hive_mind.hub import megabytes
from hive_mind.progress import clock
from hive_mind.registry.manifest import WEIGHTS_FILE
from hive_mind.report.markdown import NOT_MEASURED, at, bullets, code, count, facts, figure, loss, table
from hive_mind.report.records import REPORT_FILE, Records, calls_by_tier

KINDS = {
    "call": "tool calls exactly right (name and arguments)",
    "no_tool": "answered without a call, no offered tool being right",
    "plain": "answered in words, no tools being offered",
}
LOAD = """from peft import PeftModel
from transformers import AutoModelForCausalLM

base_model = AutoModelForCausalLM.from_pretrained("{base}")
model = PeftModel.from_pretrained(base_model, "{folder}")"""


def outcomes_section(records: Records, baseline: Records | None) -> str:
    """Return the section that compares baseline and foundation, then all evaluated models, then gives the verdict."""
    parts = ["## 6. Outcomes", _baseline_table(records, baseline)]
    evaluation = records.evaluation
    if evaluation is None:
        parts.append(f"Held-out questions: {NOT_MEASURED}; run `hive-mind evaluate {records.version}`.")
    else:
        parts += ["### All models on the same questions", _questions(evaluation), _losses(evaluation)]
        if any(evaluation.left_out.values()):
            questions, conversations = (evaluation.left_out[what] for what in ("items", "conversations"))
            parts.append(
                f"Left out for every model, being too long for one of them or unusable: {questions:,} questions, and "
                f"{conversations:,} conversations of the losses."
            )
        parts += _suites(evaluation)
    return "\n\n".join([*parts, "### Verdict", _verdict(records)])


def storage_section(records: Records, reports: Path) -> str:
    """Return the section on what the run takes on the disk."""
    manifest, dataset = records.manifest, records.dataset
    weights = manifest.files.get(WEIGHTS_FILE) if manifest else None
    written = sum(file.stat().st_size for file in reports.iterdir() if file.is_file() and file.name != REPORT_FILE)
    rows = [
        ["the adapter's weights", figure(weights.size if weights else None, megabytes)],
        [f"the whole version, `{records.folder}`", figure(manifest.size if manifest else None, megabytes)],
        ["the dataset's files", figure(sum(f.size for f in dataset.files.values()) if dataset else None, megabytes)],
        [f"records and picture beside this report, `{reports}`", megabytes(written)],
    ]
    return "\n\n".join(["## 7. Storage", table(["what", "size"], rows), "The base model is not copied into a version."])


def commands_section(records: Records) -> str:
    """Return the section with the commands that repeat this run and use its result."""
    command = at(records.run, "command")
    lines = [
        command or f"# the command that trained it: {NOT_MEASURED}",
        f"hive-mind models verify {records.version}",
        f"hive-mind report {records.version}",
    ]
    base = at(records.run, "base.id") or (records.manifest.base["id"] if records.manifest else None)
    parts = ["## 8. To repeat it", code("\n".join(lines))]
    if base is not None:
        parts += ["To load the adapter elsewhere:", code(LOAD.format(base=base, folder=records.folder), "python")]
    return "\n\n".join(parts)


def _baseline_table(records: Records, baseline: Records | None) -> str:
    """The training report's table: loss, examples, tool types, time, and the held-out calls of each tier."""
    columns = [baseline, records] if baseline else [records]
    names = [f"{'baseline' if column is baseline else 'foundation'} `{column.version}`" for column in columns]

    def row(name: str, value: Callable[[Records], str]) -> list[str]:
        return [name, *(value(column) for column in columns)]

    evaluation = records.evaluation
    rows = [
        row("training loss, mean of the last epoch", lambda r: loss(at(r.metrics, "final_loss"))),
        row("validation loss", lambda r: loss(at(r.metrics, "validation_loss"))),
        row("held-out loss, all sources", lambda r: loss(_held_out_loss(evaluation, r.version))),
        row("examples", lambda r: count(at(r.run, "dataset.examples"))),
        row("tool types", lambda r: count(at(r.run, "dataset.tool_types"))),
        row("training time", lambda r: figure(at(r.metrics, "seconds"), clock)),
    ]
    tiers = [tier for tier, kind in evaluation.groups() if kind == "call"] if evaluation else []
    for tier in tiers:
        rows.append([f"held-out calls right, {tier}", *(_calls(evaluation, column, tier) for column in columns)])
    return table(["", *names], rows)


def _held_out_loss(evaluation: Evaluation | None, version: str) -> float | None:
    model = _model(evaluation, version)
    return model.loss() if model else None


def _calls(evaluation: Evaluation | None, records: Records, tier: str) -> str:
    if evaluation is None or _model(evaluation, records.version) is None:
        return NOT_MEASURED
    right, asked = next((r, n) for name, r, n in calls_by_tier(evaluation, records.version) if name == tier)
    return f"{right:,} of {asked:,} ({right / asked:.0%})"


def _model(evaluation: Evaluation | None, name: str) -> ModelResult | None:
    return next((model for model in evaluation.models if model.name == name), None) if evaluation else None


def _questions(evaluation: Evaluation) -> str:
    """One table a kind of question: tiers down, models across, each share with its 95 % interval."""
    parts = []
    models = evaluation.models
    for kind, what in KINDS.items():
        by_model = [calls_by_tier(evaluation, model.name, kind) for model in models]
        rows = [[tier, count(asked), *(_share(found[i]) for found in by_model)]
                for i, (tier, _, asked) in enumerate(by_model[0])]  # fmt: skip
        by_model = [_served(evaluation, model, kind) for model in models]
        if kind != "plain" and any(by_model):
            tiers = next(found for found in by_model if found)
            rows += [[f"{tier}, as served", count(asked), *(_share(found[i]) if found else "" for found in by_model)]
                     for i, (tier, _, asked) in enumerate(tiers)]  # fmt: skip
        if rows:
            parts += [f"{what[0].upper()}{what[1:]}:", table(["tier", "questions", *_names(models)], rows)]
    given = next((model for model in models if model.format_given), None)
    if given is not None and given.format_given is not None:
        right, asked = (sum(getattr(score, name) for score in given.format_given) for name in ("correct", "items"))
        parts.append(
            f"With the beginning of a call given, {given.name} is right on {right:,} of {asked:,} tool calls: what "
            "the format alone is worth."
        )
    return "\n\n".join(parts) if parts else f"Questions: {NOT_MEASURED}."


def _served(evaluation: Evaluation, model: ModelResult, kind: str) -> list[tuple[str, int, int]]:
    """Return (tier, right, asked) of replies held to the declared tools; nothing if there are none."""
    if model.served is None:
        return []
    found: dict[str, list[bool]] = {}
    for item, correct in zip(evaluation.items, model.served.correct, strict=True):
        if item.kind == kind:
            found.setdefault(item.tier, []).append(correct)
    return [(tier, sum(flags), len(flags)) for tier, flags in found.items()]


def _share(score: tuple[str, int, int]) -> str:
    _, right, asked = score
    if not asked:
        return NOT_MEASURED
    low, high = wilson(right, asked)
    return f"{right / asked:.0%} ({right:,}; {low:.0%} to {high:.0%})"


def _losses(evaluation: Evaluation) -> str:
    sources = list(dict.fromkeys((row.tier, row.source) for model in evaluation.models for row in model.losses))
    tables = []
    for tier, source in sources:
        found = [_loss_row(model, tier, source) for model in evaluation.models]
        name = source if tier == source else f"{tier}, {source}"
        tables.append([name, count(found[0][1]), *(loss(value) for value, _ in found)])
    head = ["source", "labelled tokens", *_names(evaluation.models)]
    return f"Held-out loss, nats a labelled token:\n\n{table(head, tables)}"


def _suites(evaluation: Evaluation) -> list[str]:
    """One table a decoding, then what is unavailable and why."""
    parts = []
    for suites in suite_tables(evaluation):
        if suites.rows:
            head = ["figure", "tasks", *_names(evaluation.models)]
            parts += [f"{suites.title[0].upper()}{suites.title[1:]}:", table(head, [list(row) for row in suites.rows])]
    notes = suite_notes(evaluation)
    return [*(["### Suites"] if parts or notes else []), *parts, *([bullets(notes)] if notes else [])]


def _loss_row(model: ModelResult, tier: str, source: str) -> tuple[float | None, int | None]:
    row = next((row for row in model.losses if (row.tier, row.source) == (tier, source)), None)
    return (row.loss, row.tokens) if row else (None, None)


def _names(models: Sequence[ModelResult]) -> list[str]:
    return [model.name if model.role in ("base", "version") else f"{model.name} ({model.role})" for model in models]


def _verdict(records: Records) -> str:
    verdict = records.verdict
    if verdict is None:
        return f"Verdict: {NOT_MEASURED} (the gate has not judged this version)."
    against = verdict.champion or "the base model"
    promotion = records.promotion
    promoted = f"{promotion.time}, by {promotion.by}" if promotion else "not promoted"
    return "\n\n".join(
        [
            facts([("decision", f"**{verdict.decision}**"), ("compared with", against), ("promoted", promoted)]),
            bullets(verdict.reasons),
            table(["check", "outcome", "what was found"], [[c.name, c.outcome, c.reason] for c in verdict.checks]),
        ]
    )

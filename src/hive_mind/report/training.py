"""The report's parts on training: configuration, machine, loss, what went wrong on the way."""

from __future__ import annotations

import math
from typing import Any

from hive_mind.hub import megabytes
from hive_mind.progress import clock
from hive_mind.report.markdown import NOT_MEASURED, at, bullets, count, facts, figure, loss, share, table
from hive_mind.report.plot import PICTURE
from hive_mind.report.records import Records

PICTURE_TEXT = "training loss by step, smoothed, with the validation losses"


def configuration_section(records: Records) -> str:
    """Return the section on the base model, the adapter and the settings."""
    run = records.run
    revision = at(run, "base.revision")
    rows = [
        ("base model", f"`{at(run, 'base.id')}`{f' at `{revision}`' if revision else ''}" if run else NOT_MEASURED),
        ("base digest", f"`{at(run, 'base.digest')}`" if at(run, "base.digest") else NOT_MEASURED),
        ("base parameters", count(at(run, "base.parameters"))),
        ("adapter", figure(at(run, "lora"), lambda lora: f"LoRA, r {lora['r']}, alpha {_plain(lora['alpha'])}")),
        ("trainable parameters", f"{count(at(run, 'lora.trainable'))} ({share(at(run, 'lora.share'))})"),
        ("examples a step", count(at(run, "batch.effective"))),
        ("micro-batch", _micro_batch(run)),
        *((f"`{key}`", f"`{_plain(value)}`") for key, value in (at(run, "settings") or {}).items()),
    ]
    return "\n\n".join(["## 2. Configuration", facts(rows)])


def machine_section(records: Records) -> str:
    """Return the section on hardware and versions."""
    run = records.run
    libraries = at(run, "hardware.libraries") or {}
    rows = [
        ("device", figure(at(run, "device"))),
        ("compute format", figure(at(run, "dtype"))),
        ("CPU", _cpu(run)),
        ("GPU", at(run, "hardware.gpu") or ("none" if at(run, "hardware") else NOT_MEASURED)),
        ("system", figure(at(run, "hardware.system"))),
        ("Python", figure(at(run, "hardware.python"))),
        *((name, version) for name, version in libraries.items()),
    ]
    return "\n\n".join(["## 3. Hardware and versions", facts(rows)])


def loss_section(records: Records, picture: bool) -> str:
    """Return the section on the loss; `picture` tells whether there is one."""
    metrics = records.metrics
    parts = ["## 4. Loss"]
    if picture:
        parts.append(f"![{PICTURE_TEXT}]({PICTURE})")
    parts += [
        "Nats a labelled token: the text that the model learns to write, and nothing else.",
        facts(
            [
                ("first step", loss(at(metrics, "first_loss"))),
                ("mean of the last epoch", loss(at(metrics, "final_loss"))),
                ("validation before training", loss(at(metrics, "first_validation_loss"))),
                ("validation after training", loss(at(metrics, "validation_loss"))),
                ("steps", count(at(metrics, "steps"))),
                ("examples seen", count(at(metrics, "examples_seen"))),
                ("tokens read", count(at(metrics, "tokens"))),
                ("tokens learnt from", count(at(metrics, "labelled_tokens"))),
                ("tokens a second", figure(at(metrics, "tokens_per_second"), lambda speed: f"{speed:,.0f}")),
                ("peak memory", figure(at(metrics, "peak_memory_bytes"), megabytes)),
                ("time", figure(at(metrics, "seconds"), clock)),
            ]
        ),
    ]
    if epochs := _epochs(records):
        parts.append(table(["epoch", "mean training loss", "last validation loss in it"], epochs))
    return "\n\n".join(parts)


def issues_section(records: Records) -> str:
    """Return the section on rejects, rows left out, skipped steps, resumes and whatever else was recorded."""
    found = [*_data_issues(records), *_training_issues(records)]
    if not records.run:
        found.append(f"what happened in training: {NOT_MEASURED} (there is no run.json)")
    return "\n\n".join(["## 5. Issues met", bullets(found) if found else "None was recorded."])


def _data_issues(records: Records) -> list[str]:
    issues = []
    if records.dataset is not None:
        for name, counts in records.dataset.sources.items():
            if counts.rejected:
                why = ", ".join(f"{number:,} {code}" for code, number in counts.rejects.most_common())
                issues.append(f"{name}: {counts.rejected:,} of {counts.read:,} rows were rejected ({why})")
            if counts.duplicates:
                issues.append(f"{name}: {counts.duplicates:,} rows were there twice and are used once")
        issues += [f"{name} was left out: {why}" for name, why in records.dataset.skipped.items()]
    dropped = at(records.run, "dataset.dropped") or {}
    issues += [f"{number:,} rows were left out of training: {why.replace('_', ' ')}" for why, number in dropped.items()]
    return issues


def _training_issues(records: Records) -> list[str]:
    issues = [str(issue) for issue in at(records.run, "issues") or []]
    if resumed := at(records.run, "resumed_from"):
        issues.append(f"training was interrupted and taken up again at step {', '.join(map(str, resumed))}")
    return issues


def _epochs(records: Records) -> list[list[str]]:
    """Return a row an epoch: its mean training loss, and the last validation loss measured up to its end."""
    validation: dict[int, float] = {}
    for row in records.log:
        if row.get("validation_loss") is not None and row["step"] > 0:
            validation[max(1, math.ceil(row["epoch"]))] = row["validation_loss"]
    means = at(records.metrics, "loss_by_epoch") or []
    return [[str(epoch), loss(mean), loss(validation.get(epoch))] for epoch, mean in enumerate(means, 1)]


def _micro_batch(run: dict[str, Any]) -> str:
    """Examples, or with batch_size=auto as many as fit in so many tokens."""
    tokens = at(run, "batch.micro_tokens")
    return f"as many examples as fit in {tokens:,} tokens" if tokens else f"{count(at(run, 'batch.micro'))} examples"


def _cpu(run: dict[str, Any]) -> str:
    cpu, cores = at(run, "hardware.cpu"), at(run, "hardware.cores")
    return f"{figure(cpu)}, {figure(cores)} cores"


def _plain(value: Any) -> str:
    if value is None:
        return "not set"
    return f"{value:g}" if isinstance(value, float) else str(value)

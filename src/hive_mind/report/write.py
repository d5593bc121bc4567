"""Write a version's report beside its evaluation."""

from __future__ import annotations

from pathlib import Path

from hive_mind.evaluation.records import EVALUATION_FILE
from hive_mind.files import write_text
from hive_mind.gate.verdict import VERDICT_FILE
from hive_mind.progress import clock
from hive_mind.registry.manifest import MANIFEST_FILE
from hive_mind.report.dataset import dataset_section
from hive_mind.report.markdown import at, bullets, count, figure
from hive_mind.report.outcomes import commands_section, outcomes_section, storage_section
from hive_mind.report.plot import PICTURE, plot_loss
from hive_mind.report.records import (
    DATASET_FILE,
    METRICS_FILE,
    REPORT_FILE,
    RUN_FILE,
    Records,
    load_records,
    reports_folder,
)
from hive_mind.report.training import configuration_section, issues_section, loss_section, machine_section
from hive_mind.training.log import LOG_FILE


def write(models_dir: Path, version: str) -> Path:
    """Write models/reports/<version>/FOUNDATION_MODEL_TRAINING.md and loss.png from the version's records.

    The baseline of the comparison is the evaluation's own. What was never recorded is written as "not measured".
    Raises UsageError if there is no such version or one of its records is damaged.
    """
    reports = reports_folder(models_dir, version)
    records = load_records(models_dir, version)
    baseline = _baseline(models_dir, records)
    reports.mkdir(parents=True, exist_ok=True)
    picture = plot_loss(records.log, reports / PICTURE, f"{version}: loss while training")
    sections = [
        f"# Foundation model training: {version}",
        _summary(records),
        dataset_section(records),
        configuration_section(records),
        machine_section(records),
        loss_section(records, picture),
        issues_section(records),
        outcomes_section(records, baseline),
        storage_section(records, reports),
        commands_section(records),
        _sources(records, reports),
    ]
    path = reports / REPORT_FILE
    write_text(path, "\n\n".join(sections) + "\n")
    return path


def _baseline(models_dir: Path, records: Records) -> Records | None:
    """Return the records of the baseline that was evaluated beside the version, if it is still there."""
    models = records.evaluation.models if records.evaluation else ()
    name = next((model.name for model in models if model.role == "baseline"), None)
    return load_records(models_dir, name) if name is not None and (models_dir / name).is_dir() else None


def _summary(records: Records) -> str:
    run = records.run
    lines = [
        f"An adapter on `{figure(at(run, 'base.id'))}`, trained on {count(at(run, 'dataset.examples'))} examples in "
        f"{figure(at(records.metrics, 'seconds'), clock)}, finished {figure(at(run, 'finished'))}."
    ]
    if records.verdict is not None:
        lines.append(f"The gate's verdict: **{records.verdict.decision}**.")
    lines.append("Every figure here was measured; what was not says so.")
    return " ".join(lines)


def _sources(records: Records, reports: Path) -> str:
    files = [
        *(records.folder / name for name in (RUN_FILE, METRICS_FILE, LOG_FILE, MANIFEST_FILE)),
        *(reports / name for name in (DATASET_FILE, EVALUATION_FILE, VERDICT_FILE)),
    ]
    return "\n\n".join(["## Records", bullets(f"`{file}`" for file in files if file.is_file())])

"""The measured records of a version, as far as they exist: what the report and the lists are written from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.curation.manifest import MANIFEST_NAME, DatasetManifest
from hive_mind.errors import UsageError
from hive_mind.evaluation.records import EVALUATION_FILE, Evaluation
from hive_mind.files import read_json
from hive_mind.gate.verdict import VERDICT_FILE, Verdict
from hive_mind.training.log import LOG_FILE, read_log

REPORT_FILE = "FOUNDATION_MODEL_TRAINING.md"
RUN_FILE = "run.json"
METRICS_FILE = "training_metrics.json"
DATASET_FILE = "dataset.json"


@dataclass(frozen=True)
class Records:
    """Everything recorded about one version; empty or None where a record was never written.

    `run` and `metrics` are the training's, `log` its rows, `dataset` the manifest of what it was trained on.
    """

    version: str
    folder: Path
    run: dict[str, Any]
    metrics: dict[str, Any]
    log: list[dict[str, Any]]
    manifest: registry.Manifest | None
    dataset: DatasetManifest | None
    evaluation: Evaluation | None
    verdict: Verdict | None
    promotion: registry.Promotion | None


def reports_folder(models_dir: Path, version: str) -> Path:
    """Return where a version's evaluation, verdict and report lie."""
    return models_dir / registry.REPORTS / version


def load_records(models_dir: Path, version: str) -> Records:
    """Read what there is about a version. Raises UsageError if there is no such version or a record is damaged."""
    folder = models_dir / version
    if not folder.is_dir():
        raise UsageError(f"there is no version {version!r} in {models_dir}; `hive-mind models list` shows them")
    reports = reports_folder(models_dir, version)
    run = _optional(folder / RUN_FILE)
    promotions = [entry for entry in registry.history(models_dir) if entry.version == version]
    return Records(
        version=version,
        folder=folder,
        run=run,
        metrics=_optional(folder / METRICS_FILE),
        log=read_log(folder / LOG_FILE),
        manifest=registry.load_manifest(folder) if registry.is_sealed(folder) else None,
        dataset=_dataset(reports, run),
        evaluation=load_evaluation(models_dir, version),
        verdict=load_verdict(models_dir, version),
        promotion=promotions[-1] if promotions else None,
    )


def load_evaluation(models_dir: Path, version: str) -> Evaluation | None:
    """Return a version's evaluation, None if it was not evaluated."""
    file = reports_folder(models_dir, version) / EVALUATION_FILE
    return Evaluation.load(file) if file.is_file() else None


def load_verdict(models_dir: Path, version: str) -> Verdict | None:
    """Return the gate's verdict on a version, None if it was not judged."""
    file = reports_folder(models_dir, version) / VERDICT_FILE
    return Verdict.load(file) if file.is_file() else None


def held_out_calls(models_dir: Path, version: str) -> list[tuple[str, int, int]]:
    """Return (tier, right, asked) of a version's held-out calls; empty if it was never evaluated.

    Its own evaluation is read, else the newest that has it beside others. Tiers stay apart: a mean over tools that are
    known and tools never seen would say nothing about either.
    """
    others = (models_dir / registry.REPORTS).glob(f"*/{EVALUATION_FILE}")
    newest = sorted(others, key=lambda file: file.stat().st_mtime, reverse=True)
    for file in (reports_folder(models_dir, version) / EVALUATION_FILE, *newest):
        evaluation = Evaluation.load(file) if file.is_file() else None
        if evaluation is not None and version in {model.name for model in evaluation.models}:
            return calls_by_tier(evaluation, version)
    return []


def calls_by_tier(evaluation: Evaluation, model: str, kind: str = "call") -> list[tuple[str, int, int]]:
    """Return (tier, right, asked) of one kind of item, in the evaluation's order of tiers."""
    scores = [score for score in evaluation.model(model).scores if score.kind == kind]
    tiers = [tier for tier, its_kind in evaluation.groups() if its_kind == kind]
    return [
        (
            tier,
            sum(score.correct for score in scores if score.tier == tier),
            sum(score.items for score in scores if score.tier == tier),
        )
        for tier in tiers
    ]


def _dataset(reports: Path, run: dict[str, Any]) -> DatasetManifest | None:
    """Return the manifest kept with the reports, else the one beside the training file if that is still the same."""
    kept = reports / DATASET_FILE
    if kept.is_file():
        return DatasetManifest.load(kept)
    trained_on = run.get("dataset", {})
    beside = Path(trained_on["path"]).parent / MANIFEST_NAME if trained_on.get("path") else None
    if beside is None or not beside.is_file():
        return None
    manifest = DatasetManifest.load(beside)
    file = manifest.files.get(Path(trained_on["path"]).name)
    return manifest if file is not None and file.sha256 == trained_on.get("digest") else None


def _optional(file: Path) -> dict[str, Any]:
    """Read a JSON object; an absent one is empty."""
    return dict(read_json(file)) if file.is_file() else {}

"""`hive-mind run`: the stages in order, from raw rows to a promoted adapter and its report.

Every stage knows its own work by the digest of what went in, so a second run finds all done and an interrupted one goes
on where it stopped. A version's plan (its key and settings) lies in models/reports/<version>/plan.json.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind import registry
from hive_mind.config import Settings, dump, setting
from hive_mind.curation.settings import DataSettings
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.files import read_json, write_json, write_jsonl
from hive_mind.gate.settings import GateSettings
from hive_mind.model.base import ModelSettings
from hive_mind.progress import say
from hive_mind.training.settings import TrainingSettings

if TYPE_CHECKING:
    from hive_mind.curation.manifest import DatasetManifest
    from hive_mind.evaluation.records import Evaluation
    from hive_mind.gate.verdict import Verdict
    from hive_mind.model.base import Base

PLAN_FILE = "plan.json"
REPORTS = "reports"


class BaselineSettings(Settings):
    """The training report's first adapter, trained on a handful of usage rows, for comparison."""

    rows: int = setting(21, "train a baseline on the first so many usage rows in time order; 0 leaves it out", ge=0)
    epochs: int = setting(3, "epochs of the baseline", ge=1)


class RunSettings(Settings):
    """Everything that one `hive-mind run` does; the sections are the stages' own settings."""

    name: str = setting(..., "versions are called <name>_v1, <name>_v2 ...", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    models_dir: Path = setting(Path("models"), "where versions, reports and `latest` live")
    sample: bool = setting(False, "write the sample world's raw files to <data.dir>/raw first and read those")
    data: DataSettings = setting(DataSettings(), "the data stage")
    model: ModelSettings = setting(ModelSettings(), "the base model")
    training: TrainingSettings = setting(TrainingSettings(), "the training stage")
    evaluation: EvaluationSettings = setting(EvaluationSettings(), "the evaluation stage")
    gate: GateSettings = setting(GateSettings(), "the gate")
    baseline: BaselineSettings = setting(BaselineSettings(), "the baseline adapter")


@dataclass(frozen=True)
class RunOutcome:
    """What a run came to; `promoted` tells whether its candidate passed the gate, now or in an earlier run."""

    version: str
    baseline: str | None
    promoted: bool
    verdict: Verdict
    evaluation: Evaluation
    report: Path
    models_dir: Path


def run(settings: RunSettings, command: str = "hive-mind run") -> RunOutcome:
    """Run every stage; raises the stages' own errors, each of which leaves the finished stages in place."""
    from hive_mind.model.base import resolve_base

    base = resolve_base(settings.model)
    say(f"base model: {base.id} (digest {base.digest[:12]})")
    dataset = _prepare_data(settings)
    baseline = _train_baseline(settings, base, dataset, command)
    version = _train(settings, base, dataset.train, dataset.validation, settings.name, command)
    champion = _champion(settings, version)
    evaluation = _evaluate(settings, base, dataset, version, baseline, champion)
    verdict = _decide(settings, evaluation, version, champion)
    promoted = _promote(settings, version, verdict)
    report = _report(settings, dataset, version, baseline)
    return RunOutcome(version, baseline, promoted, verdict, evaluation, report, settings.models_dir)


def _prepare_data(settings: RunSettings) -> DatasetManifest:
    from hive_mind.curation import build

    data = settings.data
    if settings.sample:
        from hive_mind.demo.generate import write_raw

        raw = data.dir / "raw"
        write_raw(raw, seed=data.seed)
        data = data.model_copy(update={"raw_dir": raw})
    return build(data)


def _train_baseline(settings: RunSettings, base: Base, dataset: DatasetManifest, command: str) -> str | None:
    """Train the training report's first adapter; None where it is switched off or there is no usage to train it on."""
    wanted = settings.baseline.rows
    if not wanted:
        return None
    from hive_mind.curation import read_dataset
    from hive_mind.conversation import Conversation

    rows = [row for row in read_dataset(dataset.train) if isinstance(row, Conversation) and row.source == "usage"]
    rows = sorted(rows, key=lambda row: row.timestamp or "")[:wanted]
    if not rows:
        say("baseline: left out, for there are no usage rows to train it on (data/automated/training_data_*.jsonl)")
        return None
    file = settings.data.dir / "baseline.jsonl"
    write_jsonl(file, (row.to_dict() for row in rows))
    training = settings.training.model_copy(update={"epochs": settings.baseline.epochs, "max_steps": None})
    prefix = settings.name.removesuffix("foundation") if settings.name.endswith("foundation") else f"{settings.name}_"
    baseline = settings.model_copy(update={"training": training})
    return _train(baseline, base, file, None, f"{prefix}baseline", command)


def _train(
    settings: RunSettings, base: Base, dataset: Path, validation: Path | None, name: str, command: str
) -> str:
    """Train a version, go on with its interrupted training, or find it trained; returns its name."""
    from hive_mind.training import TrainRequest, train

    key = _run_key(settings, base, dataset, name)
    version = _planned_version(settings.models_dir, key) or registry.next_version(settings.models_dir, name)
    folder = settings.models_dir / version
    if (folder / registry.MANIFEST_FILE).is_file():
        say(f"training: {version} is trained already")
        return version
    plan = {"version": version, "key": key, "command": command, "settings": dump(settings)}
    write_json(settings.models_dir / REPORTS / version / PLAN_FILE, plan)
    train(
        TrainRequest(
            dataset=dataset, validation=validation, base=base, settings=settings.training, output=folder, command=command
        )
    )
    return version


def _run_key(settings: RunSettings, base: Base, dataset: Path, name: str) -> str:
    """What makes two trainings the same: name, base weights, dataset bytes and recipe, wherever the files lie."""
    from hive_mind.files import sha256_file

    same = {
        "name": name, "base": base.digest, "dataset": sha256_file(dataset), "training": dump(settings.training)
    }  # fmt: skip
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def _planned_version(models_dir: Path, key: str) -> str | None:
    """Return the newest version that was planned under this key, trained or not."""
    plans = sorted((models_dir / REPORTS).glob(f"*/{PLAN_FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in plans:
        plan: dict[str, Any] = read_json(file)
        if plan["key"] == key:
            return str(plan["version"])
    return None

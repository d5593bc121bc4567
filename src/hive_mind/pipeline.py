"""`hive-mind run`: the stages in order, from raw rows to a promoted adapter and its report.

Every stage knows its own work by the digest of what went in, so a second run finds all done and an interrupted one goes
on where it stopped. What a version was planned as lies in models/reports/<version>/plan.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind import registry
from hive_mind.config import Settings, dump, setting
from hive_mind.conversation import Conversation
from hive_mind.curation import build, read_dataset
from hive_mind.curation.settings import DataSettings
from hive_mind.errors import NotPromoted, UsageError
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.files import index_name, read_json, read_jsonl, sha256_file, write_json, write_jsonl
from hive_mind.gate.settings import GateSettings
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.progress import say
from hive_mind.suites.published import HUB
from hive_mind.training.settings import TrainingSettings

if TYPE_CHECKING:
    from hive_mind.curation import DatasetManifest
    from hive_mind.evaluation import Evaluation
    from hive_mind.gate import Verdict
    from hive_mind.inference.load import ModelReference
    from hive_mind.model.base import Base

PLAN_FILE = "plan.json"
MEASUREMENTS = "measurements"
BASELINE_FILE = "baseline.jsonl"
ANSWERS_FILE = "answers.json"


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
    """What a run came to. `shown` are questions with the base's and the new model's answers, see answers.json."""

    version: str
    verdict: Verdict
    evaluation: Evaluation
    shown: list[dict[str, Any]]
    report: Path
    models_dir: Path


def run(settings: RunSettings, command: str = "hive-mind run") -> RunOutcome:
    """Run every stage; raises the stages' own errors, each of which leaves the finished stages in place."""
    from hive_mind.report import write as write_report

    base = resolve_base(settings.model)
    say(f"base model: {base.id} (digest {base.digest[:12]})")
    dataset = prepare_data(settings)
    _check_tasks(settings)
    baseline = _train_baseline(settings, base, dataset, command)
    version = _train(settings, base, dataset.train, dataset.validation, settings.name, command)
    write_json(_reports(settings, version) / "dataset.json", dataset.to_dict())
    evaluation, verdict, shown = _judge(settings, base, dataset, version, baseline)
    _promote(settings, version, verdict)
    report = write_report(settings.models_dir, version)
    return RunOutcome(version, verdict, evaluation, shown, report, settings.models_dir)


def prepare_data(settings: RunSettings) -> DatasetManifest:
    """Build the dataset; with `sample`, write the sample world's raw files first and build from those."""
    data = settings.data.for_training(settings.training.max_length)
    if settings.sample:
        from hive_mind.demo.generate import write_raw

        data = data.model_copy(update={"raw_dir": data.dir / "raw"})
        write_raw(data.dir / "raw", seed=data.seed)
    return build(data)


def _check_tasks(settings: RunSettings) -> None:
    """Look for the files of held-out tasks now, not after an hour of training."""
    sealed = settings.gate.sealed
    if sealed is not None and not sealed.is_file():
        raise UsageError(f"gate.sealed: {sealed} does not exist; check the path, or leave it out")
    for name, file in settings.evaluation.held_out.items():
        if not file.is_file():
            raise UsageError(
                f"evaluation.held_out.{name}: {file} does not exist; check the path, or leave the tier out"
            )
    for name, path in settings.evaluation.suites.named().items():
        if path != HUB and not path.exists():
            say(f"evaluation.suites.{name}: {path} does not exist, so the suite will be unavailable")


def _train_baseline(settings: RunSettings, base: Base, dataset: DatasetManifest, command: str) -> str | None:
    """Train the training report's first adapter; None where it is switched off or there is no usage to train it on."""
    if not settings.baseline.rows:
        return None
    made = {mark["id"] for _, mark in read_jsonl(dataset.folder / index_name(dataset.train.name)) if "made" in mark}
    rows = [
        row
        for row in read_dataset(dataset.train)
        if isinstance(row, Conversation) and row.source == "usage" and row.id not in made
    ]
    rows = sorted(rows, key=lambda row: row.timestamp or "")[: settings.baseline.rows]
    if not rows:
        say("baseline: left out, for there are no usage rows to train it on (data/automated/training_data_*.jsonl)")
        return None
    file = settings.data.dir / BASELINE_FILE
    write_jsonl(file, (row.to_dict() for row in rows))
    stem = settings.name.removesuffix("foundation")
    name = f"{stem}baseline" if stem != settings.name else f"{stem}_baseline"
    training = settings.training.model_copy(update={"epochs": settings.baseline.epochs, "max_steps": None})
    return _train(settings.model_copy(update={"training": training}), base, file, None, name, command)


def _train(settings: RunSettings, base: Base, dataset: Path, validation: Path | None, name: str, command: str) -> str:
    """Train a version, go on with its interrupted training, or find it trained; returns its name."""
    from hive_mind.training import TrainRequest, train

    same = {"name": name, "base": base.digest, "dataset": sha256_file(dataset), "recipe": settings.training.recipe()}
    key = _digest(same)
    version = _planned(settings.models_dir, key) or registry.next_version(settings.models_dir, name)
    folder = settings.models_dir / version
    if registry.is_sealed(folder):
        say(f"training: {version} is trained already")
        return version
    plan = {"version": version, "key": key, "command": command, "settings": dump(settings)}
    write_json(_reports(settings, version) / PLAN_FILE, plan)
    train(TrainRequest(dataset, base, settings.training, folder, validation, command))
    return version


def _planned(models_dir: Path, key: str) -> str | None:
    """Return the newest version that was planned under this key, trained or not."""
    plans = (models_dir / registry.REPORTS).glob(f"*/{PLAN_FILE}")
    for file in sorted(plans, key=lambda file: file.stat().st_mtime, reverse=True):
        plan: dict[str, Any] = read_json(file)
        if plan["key"] == key:
            return str(plan["version"])
    return None


def _judge(
    settings: RunSettings, base: Base, dataset: DatasetManifest, version: str, baseline: str | None
) -> tuple[Evaluation, Verdict, list[dict[str, Any]]]:
    """Evaluate and decide, or read back what was decided on the same questions under the same rules."""
    from hive_mind.evaluation import EVALUATION_FILE, Evaluation
    from hive_mind.gate import VERDICT_FILE, Verdict, judge
    from hive_mind.inference.load import BASE, ModelReference, refer

    folder = _reports(settings, version)
    plan: dict[str, Any] = read_json(folder / PLAN_FILE)
    judged = _judged(settings, dataset, baseline)
    if plan.get("judged") == judged:
        say(f"evaluation: {version} is judged already")
        shown: list[dict[str, Any]] = read_json(folder / ANSWERS_FILE)
        return Evaluation.load(folder / EVALUATION_FILE), Verdict.load(folder / VERDICT_FILE), shown
    champion = _champion(settings, version)
    order = [BASE, *(name for name in (baseline, champion) if name), version]
    models: list[ModelReference] = [
        ModelReference(BASE, base) if name == BASE else refer(settings.models_dir, name, settings.model, [base])
        for name in dict.fromkeys(order)
    ]
    roles = {BASE: "base", version: "candidate"}
    if baseline:
        roles[baseline] = "baseline"
    if champion and champion != baseline:
        roles[champion] = "champion"
    measure = _measure(settings, dataset.test, models, roles, folder)
    judgement = judge(settings.models_dir, models[-1], champion, settings.gate, measure)
    if judgement.evaluation is None:
        raise NotPromoted(f"{version} was rejected before it was scored: {judgement.verdict.reasons[0]}")
    shown = _answers(settings, dataset, [models[0], models[-1]])
    write_json(folder / ANSWERS_FILE, shown)
    write_json(folder / PLAN_FILE, plan | {"judged": judged})
    return judgement.evaluation, judgement.verdict, shown


def _judged(settings: RunSettings, dataset: DatasetManifest, baseline: str | None) -> str:
    """Return what makes two judgements on one version the same."""
    files = dict(settings.evaluation.held_out) | ({"sealed": settings.gate.sealed} if settings.gate.sealed else {})
    asked = {name: sha256_file(file) for name, file in files.items()}
    for name, path in settings.evaluation.suites.located().named().items():
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            asked |= {f"{name}/{file.name}": sha256_file(file)} if file.is_file() else {}
    return _digest([dump(settings.evaluation), dump(settings.gate), sha256_file(dataset.test), asked, baseline])


def _measure(
    settings: RunSettings, test: Path, models: list[ModelReference], roles: dict[str, str], output: Path
) -> Callable[[Path | None], Evaluation]:
    """Return how the gate has these models evaluated: as the run says, or on the sealed file alone."""
    from hive_mind.evaluation import EvaluationRequest, evaluate

    cache = settings.models_dir / registry.REPORTS / MEASUREMENTS

    def measure(sealed: Path | None) -> Evaluation:
        if sealed is None:
            return evaluate(EvaluationRequest(models, test, settings.evaluation, output, cache, roles))
        return evaluate(EvaluationRequest(models, None, settings.evaluation.only(sealed), None, cache, roles))

    return measure


def _champion(settings: RunSettings, version: str) -> str | None:
    """Return the version to beat: what is served, unless that is the candidate itself, judged anew."""
    current = registry.latest(settings.models_dir)
    if current != version:
        return current
    promotions = [entry for entry in registry.history(settings.models_dir) if entry.version == version]
    return promotions[-1].previous


def _answers(settings: RunSettings, dataset: DatasetManifest, models: list[ModelReference]) -> list[dict[str, Any]]:
    """Ask base and candidate the first question of each tier: the first, so that nobody has chosen it."""
    from hive_mind.device import pick
    from hive_mind.evaluation import Request, side_by_side
    from hive_mind.suites.held_out import load_suite

    evaluation = settings.evaluation
    suite = load_suite(dataset.test, evaluation.held_out, evaluation.limit, evaluation.seed)
    first = {item.tier: item for item in reversed(suite.items)}
    items = [first[tier] for tier in ([*evaluation.held_out] or [*first]) if tier in first]
    device = pick(evaluation.device, evaluation.dtype)
    answers = side_by_side(
        [Request(item.messages, item.tools) for item in items], models, device, evaluation.max_new_tokens
    )
    return [
        {
            "tier": item.tier,
            "request": item.messages[-1].content,
            "tools": [tool.name for tool in item.tools],
            "expected": item.expected.to_dict(),
            "answers": [{"model": answer.model, "text": answer.text} for answer in given],
        }
        for item, given in zip(items, answers, strict=True)
    ]


def _promote(settings: RunSettings, version: str, verdict: Verdict) -> None:
    """Promote what the gate promotes, once: a version that was rolled back by hand since stays where it is."""
    if not verdict.promoted or any(entry.version == version for entry in registry.history(settings.models_dir)):
        return
    registry.promote(settings.models_dir, version, verdict.to_dict())
    say(f"promoted: {settings.models_dir / registry.LATEST} -> {version}")


def _reports(settings: RunSettings, version: str) -> Path:
    return settings.models_dir / registry.REPORTS / version


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

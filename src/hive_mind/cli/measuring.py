"""What `evaluate` and `compare` have in common: which models, which questions, and how tables are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hive_mind.evaluation import Evaluation, EvaluationRequest, EvaluationSettings
    from hive_mind.evaluation.settings import SuitesSettings
    from hive_mind.evaluation.tables import Table
    from hive_mind.gate import GateSettings
    from hive_mind.inference.load import ModelReference
    from hive_mind.pipeline import RunSettings

Data = Annotated[Path | None, typer.Option("--data", help="JSONL of held-out conversations, one tier a source")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="at most so many conversations a tier")]
Config = Annotated[Path | None, typer.Option("--config", help="a run's settings file")]
ModelsDir = Annotated[Path | None, typer.Option("--models-dir", help="where versions, reports and `latest` live")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]


@dataclass(frozen=True)
class Job:
    """Where models and questions are, and the settings that hold."""

    settings: RunSettings
    base_given: bool
    test: Path | None
    evaluation: EvaluationSettings
    gate: GateSettings
    models_dir: Path

    @property
    def reports(self) -> Path:
        from hive_mind.registry import REPORTS

        return self.models_dir / REPORTS

    def sealed(self, file: Path) -> Job:
        """Return the job of asking the sealed file and nothing else."""
        return replace(self, test=None, evaluation=self.evaluation.only(file))

    def request(
        self, models: Sequence[ModelReference], output: Path | None = None, roles: Mapping[str, str] | None = None
    ) -> EvaluationRequest:
        """Return the evaluation of these models on the job's questions."""
        from hive_mind.evaluation import EvaluationRequest
        from hive_mind.pipeline import MEASUREMENTS

        return EvaluationRequest(models, self.test, self.evaluation, output, self.reports / MEASUREMENTS, roles or {})


def read_job(
    arguments: Sequence[str], data: Path | None, limit: int | None, config: Path | None, models_dir: Path | None
) -> tuple[list[str], Job]:
    """Return the models that are named and the job that options, settings file and overrides come to.

    Raises UsageError if no model is named, or nothing says what to ask.
    """
    from hive_mind.config import load
    from hive_mind.errors import UsageError
    from hive_mind.pipeline import RunSettings

    names = [argument for argument in arguments if "=" not in argument]
    overrides = [argument for argument in arguments if "=" in argument]
    if not names:
        raise UsageError("name a model to evaluate: base, latest or a version that `hive-mind models list` shows")
    if models_dir is not None:
        overrides.append(f"models_dir={models_dir}")
    if limit is not None:
        overrides.append(f"evaluation.limit={limit}")
    settings = load(RunSettings, config, overrides if config else ["name=evaluate", *overrides])
    evaluation, test = settings.evaluation, data
    if data is None and config is not None:
        test = settings.data.dir / "test.jsonl"
    elif data is None:
        test, tiers, suites = _recorded(names, settings.models_dir)
        merged = suites.model_copy(
            update={key: getattr(evaluation.suites, key) for key in evaluation.suites.model_fields_set}
        )
        evaluation = evaluation.model_copy(update={"held_out": {**tiers, **evaluation.held_out}, "suites": merged})
    base_given = config is not None or any(override.startswith("model.base=") for override in overrides)
    return names, Job(settings, base_given, test, evaluation, settings.gate, settings.models_dir)


def _recorded(names: Sequence[str], models_dir: Path) -> tuple[Path, dict[str, Path], SuitesSettings]:
    """Return the test split, tier files and suites that a named version was last evaluated on, or its dataset's test
    split."""
    from hive_mind import registry
    from hive_mind.errors import UsageError
    from hive_mind.evaluation import EVALUATION_FILE, Evaluation
    from hive_mind.evaluation.settings import SuitesSettings

    for name in names:
        if name == "base":
            continue
        folder = registry.resolve(models_dir, name)
        file = models_dir / registry.REPORTS / folder.name / EVALUATION_FILE
        if file.is_file():
            evaluation = Evaluation.load(file)
            files = {row["tier"]: Path(row["path"]) for row in evaluation.suite["files"]}
            if "" in files:
                return files.pop(""), files, SuitesSettings(**evaluation.settings.get("suites", {}))
        beside = Path(registry.load_manifest(folder).dataset["path"]).with_name("test.jsonl")
        if beside.is_file():
            return beside, {}, SuitesSettings()
    raise UsageError("say what to evaluate on: --data FILE with held-out conversations, or --config of the run")


def refer_all(names: Sequence[str], job: Job) -> list[ModelReference]:
    """Find the models. `base` is the one that was asked for, else the one under the versions that are named."""
    from hive_mind.inference.load import ModelReference, refer

    versions = {name: refer(job.models_dir, name, job.settings.model) for name in names if name != "base"}
    if "base" not in names:
        return list(versions.values())
    if versions and not job.base_given:
        base = ModelReference("base", list(versions.values())[-1].base)
    else:
        base = refer(job.models_dir, "base", job.settings.model)
    return [base if name == "base" else versions[name] for name in names]


def evaluate_job(
    models: Sequence[ModelReference], job: Job, output: Path | None = None, roles: Mapping[str, str] | None = None
) -> Evaluation:
    """Evaluate models on the job's questions."""
    from hive_mind.evaluation import evaluate

    return evaluate(job.request(models, output, roles))


def print_table(table: Table) -> None:
    """Print a table, nothing if it has no rows."""
    from hive_mind.curation.tables import aligned

    if table.rows:
        header = (table.title, *table.header[1:])
        print(aligned(header, table.rows), end="\n\n")

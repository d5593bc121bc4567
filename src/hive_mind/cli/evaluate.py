"""`hive-mind evaluate` and `hive-mind compare`: models measured on held-out examples, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hive_mind.cli.output import print_json

if TYPE_CHECKING:
    from hive_mind.evaluation import Evaluation, EvaluationSettings
    from hive_mind.evaluation.tables import Table
    from hive_mind.gate import GateSettings, Verdict
    from hive_mind.inference.load import ModelReference
    from hive_mind.pipeline import RunSettings

Data = Annotated[Path | None, typer.Option("--data", help="JSONL of held-out conversations, one tier a source")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="at most so many conversations a tier")]
Config = Annotated[Path | None, typer.Option("--config", help="a run's settings file")]
ModelsDir = Annotated[Path | None, typer.Option("--models-dir", help="where versions, reports and `latest` live")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]


def evaluate(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="MODEL... [SECTION.KEY=VALUE...]", help="`base`, `latest`, versions, version folders"),
    ],
    data: Data = None,
    limit: Limit = None,
    config: Config = None,
    models_dir: ModelsDir = None,
    json_output: Json = False,
) -> None:
    """Measure models on the same held-out examples.

    A single version is judged too: it is measured beside the base and `latest`, and evaluation.json and verdict.json
    are written to models/reports/VERSION. Without --data and --config the files of the version's last evaluation, or
    the test split of its dataset, are used.
    """
    from hive_mind.gate import VERDICT_FILE, decide

    names, job = _job(arguments, data, limit, config, models_dir)
    candidate, champion = _contest(names, job.models_dir)
    if candidate is not None:
        names = list(dict.fromkeys(["base", *([champion] if champion else []), candidate]))
    models = _refer(names, job)
    if candidate is not None:
        candidate = models[-1].name
    output = job.reports / candidate if candidate is not None else None
    evaluation = _evaluate(models, job, output, _roles(candidate, champion))
    _print_evaluation(evaluation)
    verdict = None
    if candidate is not None and output is not None:
        verdict = decide(evaluation, candidate, champion, job.gate)
        verdict.write(output / VERDICT_FILE)
        _print_verdict(verdict, output)
    else:
        print(f"next: hive-mind compare {models[-1].name} {models[0].name}")
    if json_output:
        print_json({"evaluation": evaluation.to_dict(), "verdict": verdict and verdict.to_dict()})


def compare(
    a: Annotated[str, typer.Argument(help="`base`, `latest`, a version or a version's folder")],
    b: Annotated[str, typer.Argument(help="the model that it is compared with")],
    overrides: Annotated[list[str] | None, typer.Argument(help="section.key=value settings that win")] = None,
    data: Data = None,
    limit: Limit = None,
    config: Config = None,
    models_dir: ModelsDir = None,
    json_output: Json = False,
) -> None:
    """Compare two models on the same examples: difference, interval and exact p-value of every tier."""
    from hive_mind.evaluation.tables import loss_table, paired_rows, paired_table

    names, job = _job([a, b, *(overrides or ())], data, limit, config, models_dir)
    evaluation = _evaluate(_refer(names, job), job, None, {})
    first, second = evaluation.models
    _print_table(paired_table(evaluation, first, second))
    _print_table(loss_table(evaluation))
    print("won: only the first is right; lost: only the second is. p: exact McNemar test, for the better of the two")
    if json_output:
        rows = {label: paired.to_dict() for label, paired in paired_rows(evaluation, first, second)}
        print_json({"a": first.name, "b": second.name, "items": len(evaluation.items), "compared": rows})


@dataclass(frozen=True)
class _Job:
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


def _job(
    arguments: Sequence[str], data: Path | None, limit: int | None, config: Path | None, models_dir: Path | None
) -> tuple[list[str], _Job]:
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
        test, tiers = _recorded(names, settings.models_dir)
        evaluation = evaluation.model_copy(update={"held_out": {**tiers, **evaluation.held_out}})
    base_given = config is not None or any(override.startswith("model.base=") for override in overrides)
    return names, _Job(settings, base_given, test, evaluation, settings.gate, settings.models_dir)


def _recorded(names: Sequence[str], models_dir: Path) -> tuple[Path, dict[str, Path]]:
    """Return the test split and tier files that a named version was last evaluated on, or its dataset's test split."""
    from hive_mind import registry
    from hive_mind.errors import UsageError
    from hive_mind.evaluation import EVALUATION_FILE, Evaluation

    for name in names:
        if name == "base":
            continue
        folder = registry.resolve(models_dir, name)
        file = models_dir / registry.REPORTS / folder.name / EVALUATION_FILE
        if file.is_file():
            files = {row["tier"]: Path(row["path"]) for row in Evaluation.load(file).suite["files"]}
            if "" in files:
                return files.pop(""), files
        beside = Path(registry.load_manifest(folder).dataset["path"]).with_name("test.jsonl")
        if beside.is_file():
            return beside, {}
    raise UsageError("say what to evaluate on: --data FILE with held-out conversations, or --config of the run")


def _contest(names: Sequence[str], models_dir: Path) -> tuple[str | None, str | None]:
    """Return (candidate, champion) where exactly one version other than the champion is named; else no candidate."""
    from hive_mind import registry

    champion = registry.latest(models_dir)
    versions = {registry.resolve(models_dir, name): name for name in names if name != "base"}
    others = [name for folder, name in versions.items() if folder.name != champion]
    return (others[0], champion) if len(others) == 1 else (None, champion)


def _refer(names: Sequence[str], job: _Job) -> list[ModelReference]:
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


def _roles(candidate: str | None, champion: str | None) -> dict[str, str]:
    roles = {name: role for name, role in ((champion, "champion"), (candidate, "candidate")) if name is not None}
    return roles if candidate is not None else {}


def _evaluate(models: Sequence[ModelReference], job: _Job, output: Path | None, roles: dict[str, str]) -> Evaluation:
    from hive_mind.evaluation import EvaluationRequest
    from hive_mind.evaluation import evaluate as evaluate_models
    from hive_mind.pipeline import MEASUREMENTS

    cache = job.reports / MEASUREMENTS
    return evaluate_models(EvaluationRequest(models, job.test, job.evaluation, output, cache, roles))


def _print_evaluation(evaluation: Evaluation) -> None:
    from hive_mind.evaluation.tables import loss_table, manners_table, score_table

    for table in (score_table(evaluation), manners_table(evaluation), loss_table(evaluation)):
        _print_table(table)


def _print_table(table: Table) -> None:
    from hive_mind.curation.tables import aligned

    if table.rows:
        header = (table.title, *table.header[1:])
        print(aligned(header, table.rows), end="\n\n")


def _print_verdict(verdict: Verdict, output: Path) -> None:
    print(f"gate: {verdict.decision} {verdict.candidate}")
    for check in verdict.checks:
        print(f"  {check.outcome:<7} {check.name}: {check.reason}")
    print(f"\n{output / 'verdict.json'}")
    if verdict.promoted:
        print(f"next: hive-mind models promote {verdict.candidate}")
    else:
        print(f"next: hive-mind models show {verdict.candidate}")

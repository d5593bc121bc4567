"""`hive-mind evaluate`: models measured on held-out examples, and a single version judged by the gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hive_mind.cli.measuring import Config, Data, Json, Limit, ModelsDir, evaluate_job, print_table, read_job, refer_all
from hive_mind.cli.output import print_json
from hive_mind.errors import EXIT_FAILED

if TYPE_CHECKING:
    from hive_mind.cli.measuring import Job
    from hive_mind.evaluation import Evaluation
    from hive_mind.gate import Verdict
    from hive_mind.inference.load import ModelReference


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
    names, job = read_job(arguments, data, limit, config, models_dir)
    candidate, champion = _contest(names, job.models_dir)
    if candidate is not None:
        names = list(dict.fromkeys(["base", *([champion] if champion else []), candidate]))
    models = refer_all(names, job)
    if candidate is not None:
        _judge(models, champion, job, json_output=json_output)
        return
    evaluation = evaluate_job(models, job)
    _print_evaluation(evaluation)
    print(f"next: hive-mind compare {models[-1].name} {models[0].name}")
    if json_output:
        print_json({"evaluation": evaluation.to_dict(), "verdict": None})


def _judge(models: Sequence[ModelReference], champion: str | None, job: Job, *, json_output: bool) -> None:
    """Put the last of the models before the gate and print what it decides."""
    from hive_mind.gate import judge

    candidate = models[-1].name
    output, roles = job.reports / candidate, _roles(candidate, champion)

    def measure(sealed: Path | None) -> Evaluation:
        if sealed is None:
            return evaluate_job(models, job, output, roles)
        return evaluate_job(models, job.sealed(sealed), None, roles)

    judgement = judge(job.models_dir, models[-1], champion, job.gate, measure)
    if judgement.evaluation is not None:
        _print_evaluation(judgement.evaluation)
    _print_verdict(judgement.verdict, output)
    if json_output:
        measured = judgement.evaluation and judgement.evaluation.to_dict()
        print_json({"evaluation": measured, "verdict": judgement.verdict.to_dict()})
    if judgement.evaluation is None:
        raise typer.Exit(EXIT_FAILED)


def _contest(names: Sequence[str], models_dir: Path) -> tuple[str | None, str | None]:
    """Return (candidate, champion) where exactly one version other than the champion is named; else no candidate."""
    from hive_mind import registry

    champion = registry.latest(models_dir)
    versions = {registry.resolve(models_dir, name): name for name in names if name != "base"}
    others = [name for folder, name in versions.items() if folder.name != champion]
    return (others[0], champion) if len(others) == 1 else (None, champion)


def _roles(candidate: str, champion: str | None) -> dict[str, str]:
    return ({champion: "champion"} if champion is not None else {}) | {candidate: "candidate"}


def _print_evaluation(evaluation: Evaluation) -> None:
    from hive_mind.evaluation.suite_tables import suite_notes, suite_tables
    from hive_mind.evaluation.tables import loss_table, manners_table, score_table

    tables = (score_table(evaluation), manners_table(evaluation), loss_table(evaluation), *suite_tables(evaluation))
    for table in tables:
        print_table(table)
    print("\n".join([*suite_notes(evaluation), ""]))


def _print_verdict(verdict: Verdict, output: Path) -> None:
    print(f"gate: {verdict.decision} {verdict.candidate}")
    for check in verdict.checks:
        print(f"  {check.outcome:<7} {check.name}: {check.reason}")
    print(f"\n{output / 'verdict.json'}")
    if verdict.promoted:
        print(f"next: hive-mind models promote {verdict.candidate}")
    else:
        print(f"next: hive-mind models show {verdict.candidate}")

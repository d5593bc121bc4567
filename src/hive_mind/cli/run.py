"""`hive-mind run CONFIG`: the whole job, stage after stage; started again, it continues or finds its work done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path | None, typer.Argument(help="a settings file, e.g. configs/sample.yaml")] = None,
    overrides: Annotated[list[str] | None, typer.Argument(help="section.key=value settings that win")] = None,
    settings: Annotated[bool, typer.Option("--settings", help="list every setting, its default and meaning")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Do the whole job: data, baseline and foundation training, evaluation, gate, promotion, report.

    Exit codes: 0 done, 3 trained but not promoted, 4 data refused, 130 interrupted (run it again to continue).
    """
    from hive_mind.cli.outcome import print_outcome
    from hive_mind.config import load
    from hive_mind.errors import UsageError
    from hive_mind.pipeline import RunSettings
    from hive_mind.pipeline import run as run_pipeline

    if settings:
        _print_settings()
        return
    if config is None:
        raise UsageError("name a settings file, e.g. hive-mind run configs/sample.yaml")
    typed = " ".join(["hive-mind run", str(config), *(overrides or ())])
    outcome = run_pipeline(load(RunSettings, config, overrides or ()), command=typed)
    print_outcome(outcome, json_output=json_output)
    if not outcome.verdict.promoted:
        raise typer.Exit(3)


def _print_settings() -> None:
    from hive_mind.config import describe
    from hive_mind.pipeline import RunSettings

    for key, default, text in describe(RunSettings):
        print(f"{key} = {default}\n    {text}")

"""`hive-mind run CONFIG`: the whole job, stage after stage; started again, it continues or finds its work done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Argument(help="a settings file, e.g. configs/sample.yaml or configs/foundation.yaml")],
    overrides: Annotated[list[str] | None, typer.Argument(help="section.key=value settings that win")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Do the whole job: data, baseline and foundation training, evaluation, gate, promotion, report.

    Exit codes: 0 done, 3 trained but not promoted, 4 data refused, 130 interrupted (run it again to continue).
    """
    from hive_mind.cli.outcome import print_outcome
    from hive_mind.config import load
    from hive_mind.pipeline import RunSettings
    from hive_mind.pipeline import run as run_pipeline

    outcome = run_pipeline(load(RunSettings, config, overrides or ()), command=f"hive-mind run {config}")
    print_outcome(outcome, json_output=json_output)
    if not outcome.promoted:
        raise typer.Exit(3)

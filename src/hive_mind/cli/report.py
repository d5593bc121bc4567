"""`hive-mind report [VERSION]`: write a version's report again from its records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hive_mind.cli.output import print_json


def report(
    version: Annotated[str, typer.Argument(help="a version, or `latest`")] = "latest",
    models_dir: Annotated[Path, typer.Option("--models-dir", help="where versions and reports live")] = Path("models"),
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Write FOUNDATION_MODEL_TRAINING.md and loss.png of a version and print where they are."""
    from hive_mind import registry
    from hive_mind.report import write

    name = registry.name_of(models_dir, version)
    path = write(models_dir, name)
    print(path)
    print(f"next: hive-mind models show {name}")
    if json_output:
        print_json({"version": name, "report": str(path)})

"""`hive-mind base`: build the tiny base model from its recorded recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
PACKAGED_RECIPE = "configs/tiny_base.yaml"


@app.callback()
def base() -> None:
    """Build the tiny base model that the package carries."""


@app.command()
def build(
    arguments: Annotated[
        list[str] | None, typer.Argument(help=f"a settings file ({PACKAGED_RECIPE}), then key=value settings that win")
    ] = None,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="train no further: write the last checkpoint of a build as a base")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Pre-train the tiny base and write it as a model folder; an interrupted build goes on where it stopped.

    Exit codes: 0 done, 1 the work folder holds another recipe, 2 wrong settings, 130 interrupted.
    """
    from hive_mind.cli.output import print_json
    from hive_mind.config import load
    from hive_mind.demo.settings import BaseBuildSettings
    from hive_mind.files import read_json

    given = list(arguments or ())
    file = Path(given.pop(0)) if given and "=" not in given[0] else None
    settings = load(BaseBuildSettings, file, given)
    from hive_mind.demo import pretrain
    from hive_mind.model.base import IDENTITY_FILE

    folder = pretrain.publish(settings) if snapshot else pretrain.build(settings)
    record = read_json(folder / IDENTITY_FILE)
    probes = ", ".join(f"{name} {value:.2f}" for name, value in record["probes"].items() if not isinstance(value, int))
    print(f"{folder}: {record['parameters']:,} parameters, {record['tokens']:,} tokens in {record['minutes']} minutes")
    print(f"probes: {probes}\n\nnext: hive-mind run configs/sample.yaml model.base={folder}")
    if json_output:
        print_json({"folder": str(folder), **record})

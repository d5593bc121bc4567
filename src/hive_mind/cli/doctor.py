"""`hive-mind doctor`: what this machine can do, and what to do about the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    folder: Annotated[Path, typer.Option("--folder", help="where data and models are kept")] = Path(),
    offline: Annotated[bool, typer.Option("--offline", help="do not ask the hub whether it can be reached")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Look at torch, the device, memory and disk, try the device's arithmetic, and look for the optional parts.

    The text is fit to paste into a bug report. Exit codes: 0 all that training needs works, 1 something must be mended.
    """
    from hive_mind import __version__
    from hive_mind.cli.output import print_json
    from hive_mind.doctor import diagnose, failed, text_of
    from hive_mind.errors import EXIT_FAILED

    checks = diagnose(folder, online=not offline)
    broken = failed(checks)
    print(f"hive-mind {__version__}")
    print(text_of(checks))
    print(f"{len(broken)} to be mended" if broken else "next: hive-mind run configs/sample.yaml")
    if json_output:
        print_json({"version": __version__, "ok": not broken, "checks": [check.to_dict() for check in checks]})
    if broken:
        raise typer.Exit(EXIT_FAILED)

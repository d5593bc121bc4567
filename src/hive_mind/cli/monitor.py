"""`hive-mind monitor [RUN]`: follow a training run live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def monitor(
    run: Annotated[
        str | None, typer.Argument(help="a version, its folder or its log; the newest run if left out")
    ] = None,
    models_dir: Annotated[Path, typer.Option("--models-dir", help="where versions live")] = Path("models"),
    once: Annotated[bool, typer.Option("--once", help="print the present state and end")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Follow a training run: figures, time left and the loss curve. Waits for a run that has not begun."""
    from rich.console import Console

    from hive_mind.errors import UsageError
    from hive_mind.training.log import LOG_FILE
    from hive_mind.training.monitor import RunView, find_run, follow, frame

    folder = find_run(run, models_dir)
    if once and not (folder / LOG_FILE).is_file():
        raise UsageError(f"{folder / LOG_FILE} does not exist; leave out --once to wait for it")
    view = RunView.read(folder) if once else follow(folder)
    console = Console()
    if once or not console.is_terminal:
        console.print(frame(view, console.width, console.height))
    if view.finished:
        print(f"next: hive-mind models show {folder.name}")
    if json_output:
        import orjson

        print(orjson.dumps(view.summary()).decode())

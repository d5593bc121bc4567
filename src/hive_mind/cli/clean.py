"""`hive-mind clean`: what takes how much disk, and what of it may go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hive_mind.cli.output import print_json


def clean(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[usage.KEY=VALUE]", help="settings that win")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="remove what may go; without it nothing is removed")] = False,
    keep_models: Annotated[
        int, typer.Option(help="so many of the newest versions stay, and all with an alias", min=0)
    ] = 3,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="let runs go that were interrupted and could be continued")
    ] = False,
    config: Annotated[Path | None, typer.Option("--config", help="a settings file; its usage section is used")] = None,
    data_dir: Annotated[Path, typer.Option("--data-dir", help="where built datasets lie")] = Path("data"),
    models_dir: Annotated[Path, typer.Option("--models-dir", help="where versions lie")] = Path("models"),
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Show what takes how much disk: models, checkpoints, datasets, caches, store, spool, reports, the hub's cache.

    With --apply remove what may go. A version that an alias means never goes.
    """
    from hive_mind.cli.output import left_aligned
    from hive_mind.cli.usage import settings_of
    from hive_mind.hub import megabytes
    from hive_mind.upkeep.disk import Places, survey, table
    from hive_mind.upkeep.disk import clean as remove
    from hive_mind.usage.moving import catch_up
    from hive_mind.usage.store import Store, database_file

    settings = settings_of(config, overrides)
    file = database_file(settings)
    if settings.spool.is_dir():
        catch_up(settings)
    store = Store.open(settings) if file is None or file.is_file() else None
    try:
        items = survey(Places(models_dir, data_dir, settings, keep_models, unfinished), store)
        print(left_aligned(["kind", "what", "size", ""], table(items)))
        going = [item for item in items if item.may_go]
        freed = remove(going) if apply else 0
    finally:
        if store is not None:
            store.close()
    size = megabytes(sum(item.size for item in going))
    print(f"\nremoved {len(going):,}, {megabytes(freed)}" if apply else f"\n{len(going):,} may go, {size}; next: "
          "hive-mind clean --apply")  # fmt: skip
    if json_output:
        print_json({
            "items": [{"kind": item.kind, "name": item.name, "bytes": item.size, "why": item.why, "may_go": item.may_go}
                      for item in items],
            "applied": apply, "freed": freed,
        })  # fmt: skip

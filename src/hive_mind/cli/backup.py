"""`hive-mind backup` and `hive-mind restore`: the store, the registry with its models, the settings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hive_mind.cli.output import print_json

File = Annotated[Path, typer.Argument(metavar="FILE", help="the archive, .tar.gz or .tar.zst")]
Overrides = Annotated[list[str] | None, typer.Argument(metavar="[usage.KEY=VALUE]", help="settings that win")]
Config = Annotated[Path | None, typer.Option("--config", help="a settings file; its usage section is used")]
ModelsDir = Annotated[Path, typer.Option("--models-dir", help="where versions, reports and `latest` live")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]


def backup(
    file: File,
    overrides: Overrides = None,
    no_models: Annotated[bool, typer.Option("--no-models", help="leave the versions' files out")] = False,
    config: Config = None,
    models_dir: ModelsDir = Path("models"),
    json_output: Json = False,
) -> None:
    """Write store, registry, models and settings to one archive, with a digest of every file.

    The server may go on; promotions wait until the archive is written. It holds what was recorded, so keep it private.
    """
    from hive_mind.cli.usage import settings_of
    from hive_mind.errors import UsageError
    from hive_mind.hub import megabytes
    from hive_mind.upkeep.backup import backup as write
    from hive_mind.usage.moving import catch_up
    from hive_mind.usage.store import opened

    if file.exists():
        raise UsageError(f"{file} exists already; choose another name")
    settings = settings_of(config, overrides)
    catch_up(settings)
    with opened(settings) as store:
        summary = write(file, store, models_dir, models=not no_models, config=config)
    print(
        f"{file}: {summary.interactions:,} interactions, {len(summary.versions):,} versions, {summary.files:,} files, "
        f"{megabytes(summary.bytes)}"
    )
    print(f"next: hive-mind restore {file}, on another machine or after --force on this one")
    if json_output:
        print_json({"file": str(file), **asdict(summary)})


def restore(
    file: File,
    overrides: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="put the backup in the place of what is there")] = False,
    config: Config = None,
    models_dir: ModelsDir = Path("models"),
    json_output: Json = False,
) -> None:
    """Bring back what a backup holds, after every file of it was verified; a store or version that differs stays.

    Exit codes: 0 done, 2 something is there already (nothing was changed), 4 the archive is damaged.
    """
    from hive_mind.cli.usage import settings_of
    from hive_mind.upkeep.backup import restore as bring_back

    summary = bring_back(file, settings_of(config, overrides), models_dir, force=force)
    print(f"restored {summary.interactions:,} interactions and {len(summary.versions):,} versions from {file}")
    if summary.skipped:
        print(f"there already: {', '.join(summary.skipped)}")
    print("next: hive-mind models list, hive-mind usage stats")
    if json_output:
        print_json({"file": str(file), **asdict(summary)})

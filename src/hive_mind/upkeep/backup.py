"""Backup and restore of what cannot be made again: the store, the registry with its models, the settings."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hive_mind import registry
from hive_mind.config import dump as settings_dump
from hive_mind.conversation import JSON
from hive_mind.errors import UsageError
from hive_mind.files import atomic_write, sync_folder, write_json
from hive_mind.progress import say, utc_now
from hive_mind.registry.history import REGISTRY_FILE
from hive_mind.registry.names import REMOVED
from hive_mind.registry.promotion import LATEST, linked, turn
from hive_mind.upkeep.archive import unpacked, written
from hive_mind.upkeep.dump import dump, load
from hive_mind.usage.identity import KEY_FILE
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.spool import Spool
from hive_mind.usage.store import Store

STORE, MODELS, SETTINGS = "store/usage.jsonl", "models", "settings"
KEY = f"store/{KEY_FILE}"


@dataclass(frozen=True)
class Summary:
    """What a backup holds, or what was restored. `bytes` is the archive's size."""

    interactions: int
    versions: tuple[str, ...] = ()
    latest: str | None = None
    files: int = 0
    bytes: int = 0
    skipped: tuple[str, ...] = field(default=())


def backup(file: Path, store: Store, models_dir: Path, *, models: bool = True, config: Path | None = None) -> Summary:
    """Write an archive of the store, the registry, and with `models` every sealed version.

    Promotions wait until it is written. Raises what `archive.written` raises.
    """
    with tempfile.TemporaryDirectory(prefix="hive-mind-") as folder:
        scratch = Path(folder)
        with open(scratch / "usage.jsonl", "wb") as lines:
            interactions = dump(store.engine, lines)
        write_json(scratch / "usage.json", {**settings_dump(store.settings), "url": store.where})
        with turn(models_dir), written(file, scratch) as archive:
            archive.add(scratch / "usage.jsonl", STORE)
            archive.add(store.settings.spool / KEY_FILE, KEY)
            archive.add(scratch / "usage.json", f"{SETTINGS}/usage.json")
            if config is not None:
                archive.add(config, f"{SETTINGS}/{config.name}")
            versions = [version.name for version in registry.list_versions(models_dir) if version.manifest is not None]
            latest = linked(models_dir)
            for path in _registry_files(models_dir, versions if models else []):
                archive.add(path, f"{MODELS}/{path.relative_to(models_dir)}")
            kept = tuple(versions) if models else ()
            archive.facts = {"created": utc_now(), "interactions": interactions, "versions": kept, "latest": latest}
        return Summary(interactions, kept, latest, len(archive.files), file.stat().st_size)


def restore(file: Path, settings: UsageSettings, models_dir: Path, *, force: bool = False) -> Summary:
    """Put what an archive holds into store and models folder, after every file of it was verified.

    Nothing is changed if something is refused. Raises UsageError where the store holds interactions or a version of the
    same name differs, and `force` is not given; DataRefused for a damaged archive.
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restoring.", dir=models_dir) as folder:
        unpacked_in = Path(folder)
        contents = unpacked(file, unpacked_in)
        with turn(models_dir):
            versions = list(contents["versions"])
            _refuse_other_models(unpacked_in / MODELS, models_dir, versions, force)
            interactions = _restore_store(unpacked_in, settings, force)
            skipped = _restore_models(unpacked_in / MODELS, models_dir, versions)
            _restore_latest(contents, models_dir)
        return Summary(
            interactions, tuple(versions), contents["latest"], len(contents["files"]), file.stat().st_size, skipped
        )


def _registry_files(models_dir: Path, versions: list[str]) -> list[Path]:
    """Return the registry's own files, all reports, and the sealed files of these versions."""
    own = [models_dir / name for name in (REGISTRY_FILE, registry.AUDIT_FILE)]
    reports = sorted(path for path in (models_dir / registry.REPORTS).rglob("*") if not path.is_symlink())
    sealed = [
        models_dir / version / name
        for version in versions
        for name in (registry.MANIFEST_FILE, *registry.load_manifest(models_dir / version).files)
    ]
    return [path for path in (*own, *reports, *sealed) if path.is_file()]


def _refuse_other_models(source: Path, models_dir: Path, versions: list[str], force: bool) -> None:
    if force:
        return
    for version in versions:
        there = models_dir / version
        if there.exists() and not _is_same(source / version, there):
            raise UsageError(f"{there} exists and is another version than the backup's; --force replaces it")
    history = models_dir / REGISTRY_FILE
    saved = source / REGISTRY_FILE
    if history.is_file() and saved.is_file() and history.read_bytes() != saved.read_bytes():
        raise UsageError(f"{history} has another history than the backup's; --force replaces it")


def _is_same(saved: Path, there: Path) -> bool:
    if not registry.is_sealed(there):
        return False
    return registry.manifest_digest(saved) == registry.manifest_digest(there) and not registry.verify(there)


def _restore_store(unpacked_in: Path, settings: UsageSettings, force: bool) -> int:
    """The key first: with another one, what is seen again would be stored a second time."""
    store = Store.open(settings)
    try:
        with Spool(settings.spool).turn():
            interactions = load(store.engine, unpacked_in / STORE, force)
            with atomic_write(settings.spool / KEY_FILE) as key:
                os.fchmod(key.fileno(), 0o600)
                key.write((unpacked_in / KEY).read_bytes())
    finally:
        store.close()
    return interactions


def _restore_models(source: Path, models_dir: Path, versions: list[str]) -> tuple[str, ...]:
    """Put versions, reports and the registry's files in place; returns the versions that were there already."""
    skipped = []
    for version in versions:
        there = models_dir / version
        if there.exists() and _is_same(source / version, there):
            skipped.append(version)
            continue
        gone = models_dir / f"{REMOVED}{version}.{os.getpid()}"
        if there.exists():
            there.rename(gone)
        (source / version).rename(there)
        shutil.rmtree(gone, ignore_errors=True)
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        target = models_dir / path.relative_to(source)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    sync_folder(models_dir)
    return tuple(skipped)


def _restore_latest(contents: JSON, models_dir: Path) -> None:
    from hive_mind.files import swap_symlink

    latest = contents["latest"]
    if latest is None or linked(models_dir) == latest:
        return
    if registry.is_sealed(models_dir / latest):
        swap_symlink(models_dir / LATEST, latest)
    else:
        say(f"{latest} was served when the backup was made, but is not in it (--no-models); `latest` is as it was")

"""What takes how much disk, and what of it may go. Nothing is ever offered that an alias means."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind import registry
from hive_mind.curation.forgotten import datasets_under
from hive_mind.curation.manifest import DatasetManifest
from hive_mind.hub import megabytes
from hive_mind.registry.names import REMOVED
from hive_mind.usage.journal import folders_by_spool, memory_folder
from hive_mind.usage.retention import expired, purge
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.spool import Spool
from hive_mind.usage.store import Store, database_file

CHECKPOINTS = "checkpoints"
TOKENS = ".tokens"
OLD_PART_SECONDS = 24 * 3600
"""A half-written file so old belongs to no process that still writes it."""


@dataclass(frozen=True)
class Item:
    """Something that takes disk. `remove` deletes it, None where it stays; `why` says why it stays or may go."""

    kind: str
    name: str
    size: int
    why: str
    remove: Callable[[], object] | None = None

    @property
    def may_go(self) -> bool:
        return self.remove is not None


@dataclass(frozen=True)
class Places:
    """Where things lie. `keep_models`: so many of the newest versions stay besides those that an alias means."""

    models_dir: Path
    data_dir: Path
    usage: UsageSettings
    keep_models: int = 3
    unfinished: bool = False


def survey(places: Places, store: Store | None) -> list[Item]:
    """Return everything that takes disk, by kind; without a store nothing of it is looked at."""
    items = [*_models(places), *_datasets(places.data_dir), *_usage(places, store), *_elsewhere()]
    return [item for item in items if item.size or item.may_go]


def clean(items: list[Item]) -> int:
    """Remove what may go; returns the bytes that it took. Raises HiveMindError where something cannot be removed."""
    freed = 0
    for item in items:
        if item.remove is not None:
            item.remove()
            freed += item.size
    return freed


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files under a folder; links are not followed."""
    if path.is_symlink() or not path.exists():
        return 0
    if path.is_file():
        return path.stat().st_size
    return sum(
        (Path(folder) / name).lstat().st_size for folder, _, names in os.walk(path) for name in names
        if not (Path(folder) / name).is_symlink()
    )  # fmt: skip


def _models(places: Places) -> Iterator[Item]:
    models_dir = places.models_dir
    if not models_dir.is_dir():
        return
    versions = registry.list_versions(models_dir)
    sealed = [version for version in versions if version.manifest is not None]
    newest = {version.name for version in sealed[-places.keep_models :]} if places.keep_models else set()
    meant = [version for version in sealed if version.aliases or version.is_latest]
    beginnings = {name for version in meant for name in _ancestors(versions, version)}
    for version in sealed:
        name, size = version.name, size_of(version.folder)
        if version.aliases or version.is_latest:
            yield Item("model", name, size, f"stays: {' and '.join(version.aliases) or 'latest'}")
        elif name in beginnings:
            yield Item("model", name, size, "stays: what is served, or may be again, was trained from it")
        elif name in newest:
            yield Item("model", name, size, f"stays: one of the newest {places.keep_models}")
        else:
            yield Item("model", name, size, "no alias means it", lambda name=name: registry.remove(models_dir, name))  # type: ignore[misc]
    for folder in sorted(models_dir.iterdir()):
        if folder.is_symlink() or not folder.is_dir() or folder.name == registry.REPORTS:
            continue
        if folder.name.startswith(REMOVED):
            yield Item("model", folder.name, size_of(folder), "left by a removal that was killed", _tree(folder))
        elif not registry.is_sealed(folder) and (folder / CHECKPOINTS).is_dir():
            yield _unfinished(folder, places.unfinished)
    yield Item("reports", registry.REPORTS, size_of(models_dir / registry.REPORTS), "stays: what versions were")
    yield from _parts(models_dir)


def _ancestors(versions: Sequence[registry.Version], version: registry.Version) -> Iterator[str]:
    """Yield the versions that one was trained from, and those from, as far as they are here."""
    manifests = {each.name: each.manifest for each in versions if each.manifest is not None}
    seen = {version.name}
    name = manifests[version.name].parent
    while name is not None and name in manifests and name not in seen:
        yield name
        seen.add(name)
        name = manifests[name].parent


def _unfinished(folder: Path, may_go: bool) -> Item:
    size = size_of(folder)
    if _is_locked(folder.parent / f".{folder.name}.lock"):
        return Item("checkpoints", folder.name, size, "stays: it is being trained now")
    if may_go:
        return Item("checkpoints", folder.name, size, "an unfinished run", _tree(folder))
    return Item("checkpoints", folder.name, size, "stays: its run can be continued (--unfinished lets it go)")


def _is_locked(file: Path) -> bool:
    if not file.is_file():
        return False
    handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _datasets(data_dir: Path) -> Iterator[Item]:
    if not data_dir.is_dir():
        return
    for folder in datasets_under(data_dir):
        manifest = DatasetManifest.load(folder / "manifest.json")
        size = sum(size_of(folder / name) for name in manifest.files)
        yield Item("dataset", str(folder), size, "stays: models were trained on it, and it can be built again")
    for folder in sorted({*data_dir.glob(TOKENS), *data_dir.glob(f"*/{TOKENS}")}):
        yield Item("cache", str(folder), size_of(folder), "tokens of a dataset, made again when needed", _tree(folder))
    yield from _parts(data_dir)


def _usage(places: Places, store: Store | None) -> Iterator[Item]:
    settings = places.usage
    file = database_file(settings)
    size = sum(size_of(Path(f"{file}{end}")) for end in ("", "-wal", "-shm")) if file else 0
    if store is not None:
        if old := expired(store):
            days = settings.retention_days
            why = f"{len(old):,} new or rejected interactions are older than {days} days"
            yield Item("store", store.where, 0, why, lambda: purge(store))
        yield Item("store", store.where, size, "stays: interactions")
    spool = Spool(settings.spool)
    waiting, refused = spool.waiting(), spool.refused()
    why = f"stays: {waiting:,} entries wait for the store, {refused:,} cannot be stored"
    yield Item("spool", str(settings.spool), size_of(settings.spool), why)
    if (memory := memory_folder(settings.spool)) is not None:
        yield Item("journals", str(memory), size_of(memory), "stays: in memory, not on disk")
    for whose, folder in sorted(folders_by_spool().items()):
        if whose != settings.spool.absolute() and not whose.is_dir():
            yield Item("journals", str(folder), size_of(folder), f"in memory, of {whose}, which is gone", _tree(folder))
    yield Item("exports", str(settings.exports), size_of(settings.exports), "stays: approved interactions")


def _elsewhere() -> Iterator[Item]:
    from huggingface_hub.constants import HF_HUB_CACHE

    hub = Path(HF_HUB_CACHE)
    yield Item("hub cache", str(hub), size_of(hub), "stays: other programs share it (`hf cache delete`)")


def _parts(folder: Path) -> Iterator[Item]:
    """Yield half-written files that a killed process left."""
    limit = time.time() - OLD_PART_SECONDS
    for file in sorted(folder.rglob(".*.part")):
        if file.is_file() and not file.is_symlink() and file.stat().st_mtime < limit:
            yield Item("left over", str(file), size_of(file), "half-written by a process that was killed", file.unlink)


def _tree(folder: Path) -> Callable[[], object]:
    return lambda: shutil.rmtree(folder)


def table(items: list[Item]) -> list[list[str]]:
    """Return the rows of the table: kind, what, size, what becomes of it."""
    return [[item.kind, item.name, megabytes(item.size), f"{'may go: ' if item.may_go else ''}{item.why}"]
            for item in items]  # fmt: skip

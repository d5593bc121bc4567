"""From a version to every interaction in it, and from an interaction to every version that holds it.

A version's manifest names its dataset and its parent; the index beside a dataset names the records of every row. What a
parent learnt is in its child too, so the chain is followed to its beginning.
"""

from __future__ import annotations

from pathlib import Path

from hive_mind import registry
from hive_mind.curation.forgotten import FORGOTTEN_NAME
from hive_mind.errors import UsageError
from hive_mind.files import index_name, read_json, read_jsonl
from hive_mind.usage import teach

PREFIX = teach.row_id("")


def lineage(models_dir: Path, version: str) -> list[registry.Manifest]:
    """Return the manifests of a version and of all that it descends from, as far as they are here."""
    found: list[registry.Manifest] = []
    name: str | None = version
    while name is not None and name not in [manifest.version for manifest in found]:
        folder = models_dir / name
        if not registry.is_sealed(folder):
            break
        found.append(registry.load_manifest(folder))
        name = found[-1].parent
    if not found:
        raise UsageError(f"{models_dir / version} is not a sealed version; `hive-mind models list` shows them")
    return found


def records_of(models_dir: Path, version: str) -> dict[str, list[str]]:
    """Return the ids of all interactions in a version: by the version (itself, its parents) that learnt them.

    A version whose dataset's index is not here any more has none. Raises UsageError if there is no such version.
    """
    return {made.version: records_in(Path(made.dataset["path"])) for made in lineage(models_dir, version)}


def records_in(dataset: Path) -> list[str]:
    """Return the ids of the interactions that stand in a dataset, in its order; none without an index."""
    index = dataset.with_name(index_name(dataset.name))
    if not index.is_file():
        return []
    names = [record for _, row in read_jsonl(index) for record in row["records"]]
    return list(dict.fromkeys(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)))


def versions_with(models_dir: Path, record: str) -> list[str]:
    """Return the versions that hold an interaction, the oldest first."""
    versions = [version.name for version in registry.list_versions(models_dir) if version.manifest is not None]
    return [name for name in versions if any(record in ids for ids in records_of(models_dir, name).values())]


def forgotten_in(models_dir: Path, version: str) -> list[str]:
    """Return the ids of interactions to be forgotten that a version, or one it descends from, has learnt."""
    datasets = [Path(made.dataset["path"]) for made in lineage(models_dir, version)]
    return list(dict.fromkeys(id for dataset in datasets for id in forgotten_of(dataset)))


def forgotten_of(dataset: Path) -> list[str]:
    """Return the ids of a dataset's interactions that were to be forgotten after it was built."""
    note = dataset.with_name(FORGOTTEN_NAME)
    if not note.is_file():
        return []
    gone = {name.removeprefix(PREFIX) for name in read_json(note)["records"]}
    return [id for id in records_in(dataset) if id in gone]

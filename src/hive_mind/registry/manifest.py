"""A sealed version: a flat folder whose manifest.json names every file with its size and sha256.

The manifest is written last, so a folder that has one is complete; from then on nothing in it changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import read_json, sha256_file, write_json
from hive_mind.progress import utc_now

MANIFEST_FILE = "manifest.json"
WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")


@dataclass(frozen=True)
class SealedFile:
    """What a file was when its version was sealed; `size` in bytes."""

    size: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        return {"size": self.size, "sha256": self.sha256}


@dataclass(frozen=True)
class Manifest:
    """The record that seals a version. `base` is {id, revision, digest}, `dataset` {path, digest, examples}."""

    version: str
    created: str
    base: dict[str, Any]
    dataset: dict[str, Any]
    parent: str | None
    files: dict[str, SealedFile]
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all sealed files together."""
        return sum(file.size for file in self.files.values())

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": self.version,
            "created": self.created,
            "base": self.base,
            "dataset": self.dataset,
            "parent": self.parent,
            "files": {name: file.to_dict() for name, file in self.files.items()},
            "extra": self.extra,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Manifest:
        """Read a manifest's JSON. Raises KeyError, TypeError or ValueError if it is not one."""
        if row["format"] != FORMAT:
            raise ValueError(f"its format is {row['format']!r}, this program writes {FORMAT}")
        files = {str(name): SealedFile(int(file["size"]), str(file["sha256"])) for name, file in row["files"].items()}
        if strange := [name for name in files if Path(name).name != name]:
            raise ValueError(f"it names a file outside the version, {strange[0]!r}")
        return cls(
            version=str(row["version"]),
            created=str(row["created"]),
            base={key: row["base"][key] for key in ("id", "revision", "digest")},
            dataset=dict(row["dataset"]),
            parent=row["parent"],
            files=files,
            extra=dict(row["extra"]),
        )


def seal(
    folder: Path,
    *,
    base: Mapping[str, Any],
    dataset: Mapping[str, Any],
    parent: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write manifest.json over a finished version's files, after which the version never changes.

    `base` holds id, revision and digest; `dataset` path, digest and examples. Raises UsageError if the folder is sealed
    already, HiveMindError if it holds what a version must not hold.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name the one that holds the trained adapter")
    refuse_sealed(folder)
    problems = [*_unsuitable(folder), *_unloadable(folder, base)]
    if problems:
        raise HiveMindError(f"{folder} cannot be sealed: {problems[0]}")
    files = {file.name: SealedFile(file.stat().st_size, sha256_file(file)) for file in _regular_files(folder)}
    manifest = Manifest(
        version=folder.resolve().name,
        created=utc_now(),
        base={key: base[key] for key in ("id", "revision", "digest")},
        dataset=dict(dataset),
        parent=parent,
        files=files,
        extra=dict(extra or {}),
    )
    write_json(folder / MANIFEST_FILE, manifest.to_dict())
    return manifest


def refuse_sealed(folder: Path) -> None:
    """Raise UsageError if `folder` is a sealed version; whoever is about to write into one calls this first."""
    if is_sealed(folder):
        raise UsageError(f"{folder} is a sealed version, which never changes; choose another name for the new one")


def is_sealed(folder: Path) -> bool:
    """Tell whether the folder is a finished version."""
    return (folder / MANIFEST_FILE).is_file()


def load_manifest(folder: Path) -> Manifest:
    """Read a version's manifest. Raises UsageError if there is none, HiveMindError if it is not a manifest."""
    file = folder / MANIFEST_FILE
    if not file.is_file():
        raise UsageError(
            f"{folder} is not a sealed version (no {MANIFEST_FILE}); name a version that `hive-mind models list` shows"
        )
    try:
        return Manifest.from_dict(read_json(file))
    except (KeyError, TypeError, ValueError, AttributeError, DataRefused) as error:
        raise HiveMindError(
            f"{file} is not a version's manifest ({error}); restore it from a backup or train the version again"
        ) from None


def verify(folder: Path) -> list[str]:
    """Compare every file with the manifest; returns one sentence a problem, none if the version is as it was sealed.

    Raises UsageError if the folder is not sealed at all.
    """
    try:
        manifest = load_manifest(folder)
    except UsageError:
        raise
    except HiveMindError as error:
        return [str(error)]
    problems = _unsuitable(folder)
    for name, sealed in manifest.files.items():
        file = folder / name
        if not file.is_file():
            problems.append(f"{name} is missing")
        elif (size := file.stat().st_size) != sealed.size:
            problems.append(f"{name} has {size:,} bytes, it was sealed with {sealed.size:,}")
        elif sha256_file(file) != sealed.sha256:
            problems.append(f"{name} was changed after sealing (its sha256 differs)")
    present = {file.name for file in _regular_files(folder)}
    problems += [f"{name} was added after sealing" for name in sorted(present - manifest.files.keys())]
    if WEIGHTS_FILE not in manifest.files:
        problems.append(f"the manifest names no {WEIGHTS_FILE}")
    return problems


def manifest_digest(folder: Path) -> str:
    """Return the sha256 of a version's manifest, which stands for the whole version."""
    return sha256_file(folder / MANIFEST_FILE)


def _regular_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != MANIFEST_FILE:
            yield path


def _unsuitable(folder: Path) -> list[str]:
    """What a version must not hold: pickles, which run code when loaded; links and folders; half-written files."""
    problems = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            problems.append(f"{path.name} is a link; a version holds its files itself")
        elif path.is_dir():
            problems.append(f"{path.name}/ is a folder; a version is flat, move it elsewhere")
        elif path.suffix.lower() in PICKLED:
            problems.append(f"{path.name} is a pickled file, which can run code when loaded; only safetensors are kept")
        elif path.suffix == ".part":
            problems.append(f"{path.name} is a half-written file; remove it")
    return problems


def _unloadable(folder: Path, base: Mapping[str, Any]) -> list[str]:
    """What would keep the adapter from loading on its base, as far as names and the file's own header tell."""
    from safetensors import SafetensorError, safe_open

    weights, config = folder / WEIGHTS_FILE, folder / CONFIG_FILE
    missing = [file.name for file in (weights, config) if not file.is_file()]
    if missing:
        return [f"{name} is missing" for name in missing]
    settings = read_json(config)
    named = settings.get("base_model_name_or_path")
    if named != base["id"]:
        return [f"{CONFIG_FILE} names the base {named!r}, it was trained on {base['id']!r}"]
    if str(named).startswith(("/", ".", "~")):
        return [f"{CONFIG_FILE} names the base by a path of this machine ({named}); a version names it by id"]
    if settings.get("auto_mapping"):
        return [f"{CONFIG_FILE} asks for code of its own (auto_mapping), which is never loaded"]
    try:
        with safe_open(weights, framework="numpy") as tensors:
            if not list(tensors.keys()):
                return [f"{WEIGHTS_FILE} holds no tensors"]
    except SafetensorError as error:
        return [f"{WEIGHTS_FILE} is damaged ({error})"]
    return []

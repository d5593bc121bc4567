"""The versions under a models folder: which there are, what they are called, and where a name leads."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.registry.history import Promotion, history
from hive_mind.registry.manifest import NAME, WEIGHTS_FILE, Manifest, is_sealed, load_manifest
from hive_mind.registry.names import ALIASES, CHAMPION, aliases
from hive_mind.registry.promotion import LATEST, latest, linked

REPORTS = "reports"


@dataclass(frozen=True)
class Version:
    """A trained version as lists show it. `promoted` is its last promotion; `problem` says why there is no manifest.

    `aliases`: champion, previous, candidate, as far as they mean this one.
    """

    name: str
    folder: Path
    manifest: Manifest | None
    problem: str
    promoted: Promotion | None
    is_latest: bool
    aliases: tuple[str, ...] = ()


def list_versions(models_dir: Path) -> list[Version]:
    """Return all versions in the order they were sealed, those without a readable manifest last.

    Raises UsageError if `latest` is not a link into this folder. One that leads nowhere is `latest()`'s to report.
    """
    current, named = linked(models_dir), aliases(models_dir)
    promotions = {promotion.version: promotion for promotion in history(models_dir)}
    versions = []
    for folder in version_folders(models_dir):
        manifest, problem = None, ""
        try:
            manifest = load_manifest(folder)
        except HiveMindError as error:
            problem = str(error)
        name = folder.name
        mine = tuple(alias for alias, version in named.items() if version == name)
        versions.append(Version(name, folder, manifest, problem, promotions.get(name), name == current, mine))
    return sorted(versions, key=_age)


def version_folders(models_dir: Path) -> Iterator[Path]:
    """Yield the folders under `models_dir` that hold an adapter or are sealed, by name."""
    if not models_dir.is_dir():
        return
    for folder in sorted(models_dir.iterdir()):
        if folder.is_symlink() or not folder.is_dir() or folder.name == REPORTS or not NAME.fullmatch(folder.name):
            continue
        if (folder / WEIGHTS_FILE).is_file() or is_sealed(folder):
            yield folder


def next_version(models_dir: Path, name: str) -> str:
    """Return `<name>_v<N>` with N one above every version of that name that is, was promoted, or left a report.

    Raises UsageError if the name cannot be a folder's.
    """
    if not NAME.fullmatch(name) or name in (LATEST, REPORTS, *ALIASES):
        raise UsageError(f"{name!r} cannot name a version; use letters, digits, dots, dashes and underscores")
    pattern = re.compile(rf"{re.escape(name)}_v(\d+)")
    taken = {promotion.version for promotion in history(models_dir)}
    for folder in (models_dir, models_dir / REPORTS):
        taken |= {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    numbers = [int(found[1]) for entry in taken if (found := pattern.fullmatch(entry))]
    return f"{name}_v{max(numbers, default=0) + 1}"


def resolve(models_dir: Path, name: str) -> Path:
    """Return the folder of `latest`, of an alias, of a version, or of a path to one.

    `latest` is followed once, here: whoever loads the folder reads one version even if the link is swapped meanwhile.
    Raises UsageError if there is no such version, naming the nearest.
    """
    if name in (LATEST, CHAMPION):
        current = latest(models_dir)
        if current is None:
            raise UsageError(
                f"no version was promoted yet, {models_dir / LATEST} does not exist; train one with `hive-mind run` "
                "or promote one with `hive-mind models promote VERSION`"
            )
        return models_dir / current
    if name in ALIASES:
        known = aliases(models_dir)
        if name not in known:
            raise UsageError(f"no version is the {name} now; `hive-mind models list` shows the versions there are")
        return models_dir / known[name]
    if NAME.fullmatch(name) and (models_dir / name / WEIGHTS_FILE).is_file():
        return models_dir / name
    path = Path(name).expanduser()
    if (path / WEIGHTS_FILE).is_file():
        return path.resolve()
    if path.is_dir():
        raise UsageError(f"{path} holds no {WEIGHTS_FILE}; name the folder of a trained version")
    raise UsageError(f"there is no version {name!r} in {models_dir}{_hint(models_dir, name)}")


def name_of(models_dir: Path, name: str) -> str:
    """Return the version that `latest`, a version's name or a path to it means.

    Raises UsageError as `resolve` does, and if the path leads out of `models_dir`.
    """
    folder = resolve(models_dir, name)
    if folder.resolve().parent != models_dir.resolve():
        raise UsageError(f"{folder} is not in {models_dir}; move it there and name it as a version")
    return folder.name


def _hint(models_dir: Path, name: str) -> str:
    known = [folder.name for folder in version_folders(models_dir)]
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(known)}" if known else ", nor any other; train one with `hive-mind run`"


def _age(version: Version) -> tuple[bool, str, str]:
    manifest = version.manifest
    return (manifest is None, manifest.created if manifest else "", version.name)

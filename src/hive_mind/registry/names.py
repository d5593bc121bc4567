"""Names that move: `champion` is what is served, `previous` what was before it, `candidate` what was judged last."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.registry import audit
from hive_mind.registry.history import read_log, way_back, write_log
from hive_mind.registry.manifest import NAME, is_sealed
from hive_mind.registry.promotion import LATEST, linked, present, turn

CHAMPION, PREVIOUS, CANDIDATE = "champion", "previous", "candidate"
ALIASES = (CHAMPION, PREVIOUS, CANDIDATE)
REMOVED = ".removed."


def aliases(models_dir: Path) -> dict[str, str]:
    """Return the aliases that are set and the versions they mean.

    Raises UsageError if `latest` is not a link into this folder.
    """
    return _aliases(models_dir, linked(models_dir))


def nominate(models_dir: Path, version: str | None) -> None:
    """Make a version the candidate, or with None leave the name free."""
    with turn(models_dir):
        present(models_dir)
        log = read_log(models_dir)
        if log.candidate != version:
            write_log(models_dir, replace(log, candidate=version))


def remove(models_dir: Path, version: str) -> int:
    """Delete a sealed version's folder, never one that an alias means; returns the bytes that were freed.

    Its reports stay: they say what it was. Raises UsageError if there is no such version, an alias means it, or it is
    not sealed (it may still be in training).
    """
    with turn(models_dir):
        for left in models_dir.glob(f"{REMOVED}*"):  # by a removal that was killed
            shutil.rmtree(left)
        current = present(models_dir)
        folder = models_dir / version
        if not NAME.fullmatch(version) or folder.is_symlink() or not folder.is_dir():
            raise UsageError(f"there is no version {version!r} in {models_dir}; `hive-mind models list` shows them")
        named = [alias for alias, target in _aliases(models_dir, current).items() if target == version]
        if named:
            raise UsageError(
                f"{version} is the {' and the '.join(named)}, which is never removed; promote or judge another version "
                "first"
            )
        if not is_sealed(folder):
            raise UsageError(f"{folder} is not sealed and may still be in training; delete the folder by hand if not")
        return _delete(models_dir, version)


def _delete(models_dir: Path, version: str) -> int:
    """Take the folder out of sight in one step, then delete it: a reader finds all of a version or none."""
    folder = models_dir / version
    size = sum(file.stat().st_size for file in folder.iterdir())
    gone = models_dir / f"{REMOVED}{version}.{os.getpid()}"
    folder.rename(gone)
    link = models_dir / LATEST  # it may have been pointed here by hand meanwhile, which no lock hinders
    if link.is_symlink() and link.resolve() == folder.resolve():
        gone.rename(folder)
        raise HiveMindError(f"{link} was pointed at {version} at this moment, so it was not removed")
    audit.append(models_dir, "removed", {"version": version, "bytes": size})
    shutil.rmtree(gone)
    return size


def _aliases(models_dir: Path, current: str | None) -> dict[str, str]:
    log = read_log(models_dir)
    before = [entry.version for entry in way_back(log.history, current) if (models_dir / entry.version).is_dir()]
    found = {CHAMPION: current, PREVIOUS: before[0] if before else None, CANDIDATE: log.candidate}
    return {alias: version for alias, version in found.items() if version and (models_dir / version).is_dir()}

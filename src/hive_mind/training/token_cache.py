"""Tokenised datasets on disk: flat arrays that are mapped into memory, kept beside the dataset file.

An entry is a folder <dataset's folder>/.tokens/<file name>.<key>, whole or absent: it is written as `.part-...`, synced
and renamed. Its key is a digest of all that decides the tokens, so a stale entry is never found; sizes and digests of
its files are checked at every use, so a damaged one is made anew. Whoever removes an entry harms no run that uses it,
because mapped files stay readable.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from hive_mind.errors import HiveMindError
from hive_mind.files import sha256_file, sync_folder, write_json
from hive_mind.progress import say

FOLDER = ".tokens"
RECORD = "tokens.json"
ARRAYS: dict[str, Any] = {
    "ids": np.int32, "labelled": np.bool_, "offsets": np.int64, "source": np.int16, "row": np.int32
}  # fmt: skip
KEPT = 4  # entries a dataset file may have: two tokenizers at two lengths, say
_PART = ".part-"
_READ_ONLY = (errno.EACCES, errno.EROFS, errno.EPERM)


@dataclass(frozen=True)
class Entry:
    """An intact entry: `record` is what its writer published, `arrays` are mapped read-only."""

    folder: Path
    record: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def find(dataset: Path, key: dict[str, Any]) -> Entry | None:
    """Return the entry of a dataset file under this key; None if there is none. A damaged one is removed, and said."""
    folder = _entry_folder(dataset.parent / FOLDER, dataset, key)
    if not folder.is_dir():
        return None
    entry = _read(folder, key)
    if entry is None:
        say(f"the tokens kept in {folder} are damaged; they are made again")
        _remove(folder)
    return entry


@contextmanager
def writer(dataset: Path, key: dict[str, Any]) -> Iterator[Writer]:
    """Open a new entry for writing. Where the dataset's folder is read-only, the entry lives as long as it is used.

    Raises HiveMindError if the disk is full. What was written is removed unless it is published; what a killed process
    left is removed by the next one.
    """
    home = dataset.parent / FOLDER
    temporary = None
    try:
        part, lock = _new_part(home)
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise _explained(home, error) from error
        say(f"{home} cannot be written ({error.strerror}), so the tokens of {dataset} are not kept for the next time")
        temporary = home = Path(tempfile.mkdtemp(prefix="hive-mind-tokens-"))
        part, lock = _new_part(home)
    try:
        opened = Writer(home, part, dataset, key)
        with opened:
            yield opened
    except OSError as error:
        raise _explained(part, error) from error
    finally:
        os.close(lock)
        shutil.rmtree(part, ignore_errors=True)
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


class Writer:
    """Takes the long arrays piece by piece, so that memory stays bounded however long the dataset is."""

    def __init__(self, home: Path, part: Path, dataset: Path, key: dict[str, Any]) -> None:
        self.home, self.part, self.dataset, self.key = home, part, dataset, key
        self._files = {name: open(part / name, "wb") for name in ARRAYS}  # noqa: SIM115 (closed in __exit__)
        self._digests = {name: hashlib.sha256() for name in ARRAYS}

    def append(self, name: str, content: bytes) -> None:
        """Add bytes, in the array's own type, to one of ARRAYS."""
        self._files[name].write(content)
        self._digests[name].update(content)

    def publish(self, record: dict[str, Any]) -> Entry:
        """Finish the entry and return it as a reader finds it; another process may have been first with the same."""
        files = {}
        for name, file in self._files.items():
            file.flush()
            os.fsync(file.fileno())
            files[name] = {"bytes": file.tell(), "sha256": self._digests[name].hexdigest()}
        write_json(self.part / RECORD, {"dataset": self.dataset.name, "key": self.key, "files": files, **record})
        folder = _entry_folder(self.home, self.dataset, self.key)
        entry = self._rename(folder) or self._rename(folder)
        if entry is None:
            raise HiveMindError(f"{folder} cannot be replaced; remove it and run the command again")
        with _locked(self.home):
            _clean(self.home, self.dataset.name, self.key["dataset"])
        return entry

    def _rename(self, folder: Path) -> Entry | None:
        try:
            self.part.rename(folder)
            sync_folder(folder.parent)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        entry = _read(folder, self.key)
        if entry is None:
            _remove(folder)
        return entry

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()


def _entry_folder(home: Path, dataset: Path, key: dict[str, Any]) -> Path:
    digest = hashlib.sha256(orjson.dumps(key, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return home / f"{dataset.name}.{digest[:16]}"


def _read(folder: Path, key: dict[str, Any] | None) -> Entry | None:
    """Map an entry whose every file is as it was written; None if it is not."""
    try:
        record = orjson.loads((folder / RECORD).read_bytes())
        if record["key"] != key:
            return None
        for name in ARRAYS:
            file, expected = folder / name, record["files"][name]
            if file.stat().st_size != expected["bytes"] or sha256_file(file) != expected["sha256"]:
                return None
        arrays = {name: np.asarray(np.memmap(folder / name, dtype, mode="r")) for name, dtype in ARRAYS.items()}
        with suppress(OSError):  # a read-only folder keeps the time of making
            os.utime(folder / RECORD)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Entry(folder, record, arrays)


def _new_part(home: Path) -> tuple[Path, int]:
    """Make a folder to write in and hold its lock, which says that its maker is alive."""
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home):
        part = Path(tempfile.mkdtemp(prefix=_PART, dir=home))
        part.chmod(home.stat().st_mode & 0o777)  # who may read the dataset's folder may read its tokens
        lock = os.open(part, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return part, lock


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: nobody takes a part that is just being made for one whose maker was killed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _clean(home: Path, dataset: str, digest: str) -> None:
    """Remove parts of killed processes, tokens of files that changed or went, and the oldest where there are many."""
    for part in home.glob(f"{_PART}*"):
        if _abandoned(part):
            shutil.rmtree(part, ignore_errors=True)
    kept: dict[str, list[tuple[float, Path]]] = {}
    for folder in home.glob("[!.]*"):
        name, made_of = _described(folder)
        if not name or not (home.parent / name).is_file() or (name == dataset and made_of != digest):
            _remove(folder)
        else:
            kept.setdefault(name, []).append(((folder / RECORD).stat().st_mtime, folder))
    for entries in kept.values():
        for _, folder in sorted(entries, reverse=True)[KEPT:]:
            _remove(folder)


def _described(folder: Path) -> tuple[str, str]:
    """Return the dataset's file name and digest of an entry; empty if it does not say."""
    try:
        record = orjson.loads((folder / RECORD).read_bytes())
        return str(record["dataset"]), str(record["key"]["dataset"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""


def _abandoned(part: Path) -> bool:
    try:
        handle = os.open(part, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def _remove(folder: Path) -> None:
    """Take an entry out of sight in one step, then delete it; in a read-only folder it stays, and is never used."""
    gone = folder.parent / f"{_PART}gone-{os.getpid()}-{folder.name}"
    with suppress(OSError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _explained(where: Path, error: OSError) -> HiveMindError:
    return HiveMindError(
        f"could not write the tokens, {error.filename or where}: {error.strerror or error}; nothing was left there, "
        "free space or check permissions and run the command again"
    )

"""The spool: redacted entries on disk that the store could not take yet.

Any number of processes append to it, each line whole and fsynced; one at a time moves it to the store.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hive_mind.conversation import JSON
from hive_mind.files import sync_folder
from hive_mind.usage.wire import encode

PENDING, MOVING, REFUSED = "pending.jsonl", "moving.jsonl", "refused.jsonl"
LOCK, TURN = "spool.lock", "moving.lock"
TAIL_BYTES = 1 << 16


class Spool:
    """A folder of entries that wait. Its methods raise OSError when the disk is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, entries: Iterable[JSON], name: str = PENDING) -> None:
        """Add entries; they are on the disk when this returns."""
        lines = memoryview(b"".join(encode(entry) + b"\n" for entry in entries))
        if not lines:
            return
        with self._locked(LOCK):
            new = not (self.folder / name).exists()
            handle = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                _cut_half_line(handle)
                while lines:
                    lines = lines[os.write(handle, lines) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            if new:
                sync_folder(self.folder)

    def take(self) -> Path | None:
        """Return the file that is to be moved now, None if nothing waits; more may be appended meanwhile.

        Whoever takes it holds the turn, and removes it when the store has all of it.
        """
        moving = self.folder / MOVING
        if not moving.exists():
            with self._locked(LOCK):
                if not (self.folder / PENDING).exists():
                    return None
                (self.folder / PENDING).rename(moving)
        return moving

    def waiting(self) -> int:
        """Return how many entries wait."""
        return sum(_lines(self.folder / name) for name in (PENDING, MOVING))

    def refused(self) -> int:
        """Return how many entries the store can never take; `refused.jsonl` holds them with the reasons."""
        return _lines(self.folder / REFUSED)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn of moving entries to the store."""
        with self._locked(TURN):
            yield

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _cut_half_line(handle: int) -> None:
    """Cut off the half line that a killed process left; it was never acknowledged."""
    size = os.fstat(handle).st_size
    keep = size
    while keep and os.pread(handle, 1, keep - 1) != b"\n":
        begin = max(0, keep - TAIL_BYTES)
        keep = begin + os.pread(handle, keep - begin, begin).rfind(b"\n") + 1
    if keep < size:
        os.ftruncate(handle, keep)


def _lines(file: Path) -> int:
    try:
        with open(file, "rb") as lines:
            return sum(1 for line in lines if line.endswith(b"\n"))
    except FileNotFoundError:
        return 0

"""One run an output folder at a time: a lock that ends with its owners, whatever way they end.

The lock is the kernel's (flock), on a file beside the folder that says whose it is. A supervisor hands its lock down to
its workers, so that it holds until the last of them has gone.
"""

from __future__ import annotations

import fcntl
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from hive_mind.errors import UsageError
from hive_mind.progress import say, utc_now

PATIENCE = 60.0
"""Seconds to wait for the worker of a run that was killed: it saves its state and ends."""


@contextmanager
def locked(folder: Path, command: str) -> Iterator[int]:
    """Hold the lock of an output folder; yields its file descriptor, to be handed down.

    Raises UsageError if a run that is alive has it, naming that run.
    """
    file = folder.parent / f".{folder.name}.lock"
    new = not file.parent.exists()
    handle = _acquire(file, folder)
    try:
        with suppress(OSError):  # on a full disk the lock holds all the same; it only says not whose it is
            os.truncate(handle, 0)
            os.pwrite(handle, orjson.dumps(_owner(command)), 0)
        yield handle
    finally:
        with suppress(FileNotFoundError):
            file.unlink()
        os.close(handle)
        if new:
            with suppress(OSError):  # a run that was refused leaves no folder behind; one that trained did fill it
                file.parent.rmdir()


def _acquire(file: Path, folder: Path) -> int:
    told = False
    until = time.monotonic() + PATIENCE
    while True:
        handle = _open(file)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _read(handle)
            os.close(handle)
            if _is_alive(owner) or time.monotonic() > until:
                raise UsageError(
                    f"{folder} is being trained by another run (process {owner.get('pid')} on {owner.get('host')}, "
                    f"since {owner.get('started')}); wait for it, stop it, or use another --output"
                ) from None
            if not told:
                told = True
                say(f"{folder}: the run before was killed; waiting for its worker to save and end")
            time.sleep(0.1)
            continue
        if _is_current(handle, file):
            return handle
        os.close(handle)  # its last owner removed the file between our opening and locking it


def _open(file: Path) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"cannot write in {file.parent}: {error.strerror}; choose another --output") from None


def _owner(command: str) -> dict[str, Any]:
    return {"pid": os.getpid(), "host": platform.node(), "started": utc_now(), "command": command}


def _read(handle: int) -> dict[str, Any]:
    """What the lock file says; nothing where its owner has only just taken it."""
    try:
        found: dict[str, Any] = orjson.loads(os.pread(handle, 1 << 16, 0))
    except orjson.JSONDecodeError:
        return {}
    return found


def _is_alive(owner: dict[str, Any]) -> bool:
    if owner.get("host") != platform.node():
        return bool(owner)
    try:
        os.kill(int(owner["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_current(handle: int, file: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == file.stat().st_ino
    except FileNotFoundError:
        return False

"""models/audit.jsonl: every verdict, promotion, rollback, override and removal, in the order in which they happened.

Lines are only ever added. Each holds the sha256 of the line before it, so that one changed or taken out later shows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Any

import orjson

from hive_mind.errors import HiveMindError
from hive_mind.files import json_line
from hive_mind.progress import utc_now

AUDIT_FILE = "audit.jsonl"
TAIL_BYTES = 1 << 16


def append(models_dir: Path, event: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Add a line and return it; it is on the disk when this returns. Processes take turns.

    Half a line that a killed process left is cut off: it was never finished. Raises HiveMindError if it cannot be
    written, ValueError for a fact with the name of an entry of the log's own.
    """
    if clash := facts.keys() & {"event", "before"}:
        raise ValueError(f"a fact cannot be called {', '.join(sorted(clash))}: the log's own entries are")
    file = models_dir / AUDIT_FILE
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            last = _last_line(handle)
            entry = {"time": utc_now(), "event": event, "before": _digest(last) if last else None, **facts}
            line = memoryview(json_line(entry))
            while line:
                line = line[os.write(handle, line) :]
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise HiveMindError(f"could not write {file}: {error.strerror}; free space or check permissions") from error
    return entry


def read(models_dir: Path) -> list[dict[str, Any]]:
    """Return every line, oldest first; none if there is no log.

    Raises HiveMindError naming the first line that does not follow from the one before it.
    """
    file = models_dir / AUDIT_FILE
    if not file.is_file():
        return []
    *lines, _ = file.read_bytes().split(b"\n")
    entries: list[dict[str, Any]] = []
    last: bytes | None = None
    for number, line in enumerate(lines, 1):
        try:
            entry = orjson.loads(line)
            follows = entry["before"] == (_digest(last) if last is not None else None)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            follows = False
        if not follows:
            raise HiveMindError(
                f"{file}, line {number} does not follow from the line before it: the log was changed by hand; restore "
                "it from a backup, or move it away to begin a new one"
            )
        entries.append(entry)
        last = line
    return entries


def _last_line(handle: int) -> bytes:
    """Return the last finished line without its end, empty if there is none; cut off what follows it."""
    size = os.fstat(handle).st_size
    tail, begin = b"", size
    while begin > 0 and tail.count(b"\n") < 2:
        step = min(TAIL_BYTES, begin)
        begin -= step
        tail = os.pread(handle, step, begin) + tail
    end = tail.rfind(b"\n")
    if end + 1 < len(tail):
        os.ftruncate(handle, begin + end + 1)
    return tail[:end].rpartition(b"\n")[2] if end >= 0 else b""


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()

"""A folder a day with the record of its cycle, step by step; and cycles.jsonl, a line for every finished cycle.

A step whose result stands in the record is not done again, so a cycle that was killed goes on where it was.
"""

from __future__ import annotations

import fcntl
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from hive_mind.conversation import JSON
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import json_line, read_json, write_json
from hive_mind.progress import stamp
from hive_mind.training.faults import planted

CYCLE_FILE = "cycle.json"
HISTORY_FILE = "cycles.jsonl"
LOCK_FILE = ".lock"
COLLECTED_FILE = "collected.json"
"""What a day found approved, which the next one needs to know what is new."""
FORMAT = 1

Decision = Literal["declined", "too few", "promoted", "held", "rejected", "failed"]
"""`declined`: not enough to learn from; `too few`: not enough to measure on. Neither is an attempt."""


@dataclass
class Day:
    """One day's folder and record. Writing the record is the last thing that a step does."""

    folder: Path
    record: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.record["day"])

    @property
    def now(self) -> datetime:
        """The moment at which the cycle began, which stays its own however late it goes on."""
        return datetime.fromisoformat(self.record["now"])

    @property
    def finished(self) -> bool:
        return self.record["outcome"] is not None

    @property
    def is_attempt(self) -> bool:
        return bool(self.record["attempt"])

    def save(self) -> None:
        write_json(self.folder / CYCLE_FILE, self.record)

    def result(self, step: str) -> JSON:
        """Return what a step that is done came to."""
        result: JSON = self.record["steps"][step]["result"]
        return result

    def step(self, name: str, work: Callable[[], JSON], inputs: Mapping[str, Any] | None = None) -> JSON:
        """Do a step, or return what it came to before. `inputs` are digests of what it works on, for the record."""
        done = self.record["steps"].get(name)
        if done is not None:
            return dict(done["result"])
        self.record["running"] = name
        self.save()
        faults, began = planted(), time.monotonic()
        faults.reach(f"learn_{name}")
        result = work()
        faults.reach(f"learn_{name}_done")
        self.record["running"] = None
        self.record["steps"][name] = {
            "seconds": round(time.monotonic() - began, 3), "inputs": dict(inputs or {}), "result": result,
        }  # fmt: skip
        self.save()
        return result


def open_day(folder: Path, now: datetime) -> Day:
    """Return the day of `now`: as it was left, or begun. A day that came to no attempt may be begun again."""
    day, file = now.date().isoformat(), folder / now.date().isoformat() / CYCLE_FILE
    before = _read(file) if file.is_file() else None
    if before is not None and before["attempt"]:
        return Day(file.parent, before)
    run = before["run"] + 1 if before is not None else 1
    record: dict[str, Any] = {
        "format": FORMAT, "day": day, "run": run, "now": stamp(now), "starts": 0, "attempt": False, "running": None,
        "taken_back": before["taken_back"] if before is not None else None, "steps": {}, "outcome": None,
    }  # fmt: skip
    return Day(file.parent, record)


def unfinished(folder: Path) -> list[Day]:
    """Return the attempts that were begun and not finished, the oldest first.

    A cycle that was killed before it was an attempt has changed nothing; what it saw stays in the pool.
    """
    return [day for day in all_days(folder) if day.is_attempt and not day.finished]


def all_days(folder: Path) -> list[Day]:
    """Return every day's record, the oldest first."""
    return [Day(file.parent, _read(file)) for file in sorted(folder.glob(f"*/{CYCLE_FILE}"))]


def _read(file: Path) -> dict[str, Any]:
    record: dict[str, Any] = read_json(file)
    if record.get("format") != FORMAT:
        raise HiveMindError(
            f"{file} has the format {record.get('format')!r}, this program writes {FORMAT}; move that day's folder away"
        )
    return record


def history(folder: Path) -> list[dict[str, Any]]:
    """Return a line for every finished cycle, the oldest first; half a line that a killed process left is none."""
    file = folder / HISTORY_FILE
    if not file.is_file():
        return []
    *lines, _ = file.read_bytes().split(b"\n")
    return [orjson.loads(line) for line in lines]


def add_to_history(folder: Path, line: Mapping[str, Any]) -> None:
    """Add a finished cycle's line, once: one that is there already (same day and run) is not added again."""
    if any((known["day"], known["run"]) == (line["day"], line["run"]) for known in history(folder)):
        return
    handle = os.open(folder / HISTORY_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        written = os.pread(handle, os.fstat(handle).st_size, 0)
        whole = written.rfind(b"\n") + 1
        os.ftruncate(handle, whole)
        os.pwrite(handle, json_line(dict(line)), whole)
        os.fsync(handle)
    finally:
        os.close(handle)


def day_of_version(folder: Path, version: str) -> Day | None:
    """Return the day whose attempt made a version."""
    planned = [day for day in all_days(folder) if "plan" in day.record["steps"]]
    return next((day for day in planned if day.result("plan")["version"] == version), None)


def last_judged(folder: Path, before: Day | None = None) -> Day | None:
    """Return the newest day, before the day `before`, whose attempt came to a verdict.

    What an attempt that failed was about to learn is as new afterwards as it was.
    """
    days = [
        day for day in all_days(folder) if "judge" in day.record["steps"] and (before is None or day.name < before.name)
    ]
    return days[-1] if days else None


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock that keeps two cycles apart; it ends with its holder. Raises UsageError if another has it."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
            raise UsageError(f"a cycle is running in {folder} already ({owner}); wait for it to end") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)

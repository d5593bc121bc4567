"""What this machine has taught: the footprint and the measures that worked where the first choice failed.

Kept in machine.json under $HIVE_MIND_CACHE, else hive-mind in $XDG_CACHE_HOME or ~/.cache, so that the next run begins
with them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from hive_mind.errors import DataRefused, HiveMindError
from hive_mind.files import read_json, write_json
from hive_mind.progress import say, utc_now
from hive_mind.training.attempt import Measure
from hive_mind.training.footprint import Footprint


def machine_file() -> Path:
    """Return where the lessons of this machine lie."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HIVE_MIND_CACHE") or caches / "hive-mind") / "machine.json"


def memory_key(device: str, base_digest: str, recipe: dict[str, Any]) -> str:
    """Name what decides how much memory a step takes: the device, the base, and these settings."""
    parts = [device, base_digest, *(str(recipe[name]) for name in ("dtype", "max_length", "lora_r", "step_size"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def remembered_footprint(key: str) -> Footprint | None:
    """Return the footprint that this kind of run ended with, if it had to become smaller."""
    found = _read()["memory"].get(key)
    return Footprint.from_dict(found["footprint"]) if found else None


def remember_footprint(key: str, footprint: Footprint, about: str) -> None:
    """Keep what worked; `about` is for the person who reads the file."""
    _write("memory", key, {"footprint": footprint.to_dict(), "when": utc_now(), "about": about})


def remembered_measures() -> tuple[Measure, ...]:
    """Return the measures against GPU faults that worked here, with this version of torch."""
    found = _read()["faults"].get(torch.__version__)
    return tuple(found["measures"]) if found else ()


def remember_measures(measures: Sequence[Measure]) -> None:
    """Keep the measures with which a run finished that had failed without them."""
    _write("faults", torch.__version__, {"measures": list(measures), "when": utc_now()})


def _read() -> dict[str, Any]:
    empty: dict[str, Any] = {"memory": {}, "faults": {}}
    file = machine_file()
    if not file.is_file():
        return empty
    try:
        found: dict[str, Any] = read_json(file)
    except DataRefused as error:
        say(f"{error}; going on without what it held")
        return empty
    return empty | found


def _write(section: str, key: str, value: dict[str, Any]) -> None:
    lessons = _read()
    lessons[section][key] = value
    try:
        write_json(machine_file(), lessons)
    except HiveMindError as error:  # a run that is done must not fail of what is only for the next one
        say(f"what worked here is not kept: {error}")

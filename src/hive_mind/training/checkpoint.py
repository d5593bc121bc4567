"""Checkpoints that are whole or absent, and the search for the newest one that is undamaged.

A checkpoint is a folder, written under another name, every file fsynced, its manifest (sizes and sha256) last, then
renamed. Only safetensors and JSON: nothing in it is run when it is read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor

from hive_mind.errors import HiveMindError
from hive_mind.files import sha256_file, sync_folder
from hive_mind.progress import say

MANIFEST = "manifest.json"
STATE = "state.json"
TENSORS = ("adapter", "optimizer", "random")
MARGIN = 1 << 20
"""Bytes for the small files beside the tensors."""
_NAME = re.compile(r"step-(\d+)")


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on: `state` is plain JSON, `tensors` hold adapter, optimizer and random states."""

    folder: Path
    state: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]

    @property
    def step(self) -> int:
        return int(self.state["step"])


def save_checkpoint(folder: Path, state: Mapping[str, Any], tensors: Mapping[str, Mapping[str, Tensor]]) -> Path:
    """Write the checkpoint of `state["step"]` under `folder`; one that is there already is kept.

    Raises HiveMindError if it cannot be written, a full disk above all; earlier checkpoints stay.
    """
    target = folder / f"step-{state['step']:08d}"
    if target.is_dir() and not damage(target):
        return target
    part = folder / f".{target.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove(part)
        _make_room(folder, sum(tensor.nbytes for group in tensors.values() for tensor in group.values()))
        part.mkdir()
        _write_files(part, state, tensors)
        _remove(target)
        os.replace(part, target)
        sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            _remove(part)
        raise HiveMindError(
            f"could not save a checkpoint to {target}: {error.strerror or error}; earlier checkpoints are untouched, "
            "free space or check permissions and run the same command again to continue"
        ) from error
    return target


def require_space(output: Path, trainable: int, kept: int) -> None:
    """Raise HiveMindError unless the disk has room for the checkpoints to keep, one in the making, and the result.

    A checkpoint holds the adapter and AdamW's two moments in fp32; the adapter is saved in bf16.
    """
    checkpoint = 12 * trainable + MARGIN
    held = sum(file.stat().st_size for file in output.rglob("*") if file.is_file()) if output.is_dir() else 0
    needed = max(0, checkpoint * (kept + 1) + 2 * trainable + MARGIN - held)
    existing = next(folder for folder in (output, *output.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise HiveMindError(
            f"training into {output} needs about {needed / 1e6:,.0f} MB for checkpoints and result, and its disk has "
            f"{free / 1e6:,.0f} MB left; free space, lower training.keep_checkpoints or use another --output"
        )


def _make_room(folder: Path, needed: int) -> None:
    """Remove older checkpoints, never the newest valid one, where the next one would not fit beside them.

    Raises OSError (no space) if it does not fit even then, before anything is written.
    """
    if shutil.disk_usage(folder).free >= needed + MARGIN:
        return
    newest = next((checkpoint for checkpoint in checkpoints(folder) if not damage(checkpoint)), None)
    for old in reversed([checkpoint for checkpoint in checkpoints(folder) if checkpoint != newest]):
        say(f"the disk is nearly full: {old} makes room for the next checkpoint")
        _remove(old)
        if shutil.disk_usage(folder).free >= needed + MARGIN:
            return
    if shutil.disk_usage(folder).free < needed + MARGIN:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the newest undamaged checkpoint; damaged ones are named and passed over. None if there is none."""
    for candidate in checkpoints(folder):
        problem = damage(candidate)
        if problem:
            say(f"checkpoint {candidate} is passed over: {problem}")
            continue
        return _read(candidate)
    return None


def checkpoints(folder: Path) -> Iterator[Path]:
    """Yield the checkpoint folders there are, newest first, damaged ones included."""
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)] if folder.is_dir() else []
    yield from sorted(found, reverse=True)


def keep_newest(folder: Path, count: int, newest: Path) -> None:
    """Remove all but the `count` up to `newest`, which was just written, and what interrupted saves left behind.

    One with a higher number was damaged, and passed over when the run was taken up.
    """
    found = list(checkpoints(folder))
    for old in [path for path in found if path.name > newest.name] + [p for p in found if p.name <= newest.name][
        count:
    ]:
        _remove(old)
    for part in folder.glob(".step-*.part"):
        _remove(part)


def damage(folder: Path) -> str:
    """Say what is wrong with a checkpoint; empty if it is as it was written."""
    try:
        files = orjson.loads((folder / MANIFEST).read_bytes())["files"]
        for name, expected in files.items():
            file = folder / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != expected["size"]:
                return f"{name} has {file.stat().st_size} bytes instead of {expected['size']}"
            if sha256_file(file) != expected["sha256"]:
                return f"the content of {name} has changed"
        missing = {STATE, *(f"{name}.safetensors" for name in TENSORS)} - files.keys()
    except FileNotFoundError:
        return f"it has no {MANIFEST}, so its writing was cut off"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return f"its {MANIFEST} is damaged"
    return f"{min(missing)} is not in its {MANIFEST}" if missing else ""


def random_states() -> dict[str, Tensor]:
    """Return torch's random states, so that whatever draws from them goes on where it was."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: Mapping[str, Tensor]) -> None:
    """Put `random_states()` back; a state of a device that this machine lacks is left."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def _write_files(folder: Path, state: Mapping[str, Any], tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
    from safetensors.torch import save

    contents = {
        f"{name}.safetensors": save({k: v.cpu().contiguous() for k, v in tensors[name].items()}) for name in TENSORS
    }
    contents[STATE] = orjson.dumps(state, option=orjson.OPT_INDENT_2)
    files = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }
    for name, content in contents.items():
        _write(folder / name, content)
    _write(folder / MANIFEST, orjson.dumps({"files": files}, option=orjson.OPT_INDENT_2))
    sync_folder(folder)


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(folder: Path) -> Checkpoint:
    from safetensors.torch import load_file

    state = orjson.loads((folder / STATE).read_bytes())
    return Checkpoint(folder, state, {name: load_file(folder / f"{name}.safetensors") for name in TENSORS})


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

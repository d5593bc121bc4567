"""An environment of its own for each peer that a benchmark compares with, made once in the scratch folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hive_mind.errors import HiveMindError
from hive_mind.progress import say

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
DONE = "made-by-benchmark"
ERROR_TAIL = 1500


def environment(
    work: Path, name: str, packages: Sequence[str], constraints: Path | None = CONSTRAINTS, given: Path | None = None
) -> Path:
    """Return the Python of an environment with `packages`, installing them if they are not there.

    `given` is a Python to use as it is. Without `constraints` pip alone chooses what fits the peer. Raises
    HiveMindError with pip's own words if it cannot be made.
    """
    if given is not None:
        return given
    folder = (work / name).resolve()
    python = folder / "bin" / "python"
    if (folder / DONE).is_file():
        return python
    say(f"making an environment for {', '.join(packages)} in {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    pinned = ["-c", str(constraints)] if constraints else []
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", *pinned, *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise HiveMindError(f"{' '.join(packages)} cannot be installed: {done.stderr.strip()[-ERROR_TAIL:]}")
    (folder / DONE).touch()
    return python

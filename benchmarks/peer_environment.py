"""What a benchmark beside others stands on: the machine, and an environment of its own for each peer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hive_mind.errors import HiveMindError
from hive_mind.parallel import cores
from hive_mind.progress import say

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
DONE = "made-by-benchmark"
ERROR_TAIL = 1500


def environment(
    work: Path, name: str, packages: Sequence[str], *, pinned: bool = True, given: Path | None = None
) -> Path:
    """Return the Python of an environment with `packages`, installing them if they are not there.

    `given` is a Python to use as it is. `pinned` takes the versions of constraints.txt; without, pip alone chooses what
    fits the peer. Raises HiveMindError with pip's own words if it cannot be made.
    """
    if given is not None:
        return given
    folder = (work / name).resolve()
    python = folder / "bin" / "python"
    if (folder / DONE).is_file():
        return python
    say(f"making an environment for {', '.join(packages)} in {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    versions = ["-c", str(CONSTRAINTS)] if pinned else []
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", *versions, *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise HiveMindError(f"{' '.join(packages)} cannot be installed: {done.stderr.strip()[-ERROR_TAIL:]}")
    (folder / DONE).touch()
    return python


def real_data(given: Path | None) -> Path:
    """Return the folder of the real rows: the one given, else HIVE_MIND_REAL_DATA. Ends with exit code 2 without."""
    folder = given or os.environ.get("HIVE_MIND_REAL_DATA")
    if not folder:
        print(
            "HIVE_MIND_REAL_DATA is not set: the rows of this benchmark are made from the real ones in that folder",
            file=sys.stderr,
        )
        raise SystemExit(2)
    return Path(folder)


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = Counter(line.partition(": ")[2] for line in lines if line.startswith("model name")).most_common(1)
    return {"processor": model[0][0] if model else "unknown", "cores": cores(), "load": os.getloadavg()[0]}

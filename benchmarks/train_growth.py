"""Train on some rows and on twice as many, in turn: time must grow as rows do, and memory must not grow with them.

    .venv/bin/python benchmarks/train_growth.py --rows 600 --rounds 3

Each run is a process of its own: `hive-mind train` for one epoch on the packaged tiny base, on the first rows of the
sample's dataset and on the same rows twice. What is compared are the steps' seconds that the run itself records (set-up
and the kernels' first use, which do not grow, are in them) and the peak of its resident memory.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from peer_environment import machine

from hive_mind.config import load
from hive_mind.device import versions
from hive_mind.files import read_json, write_json
from hive_mind.pipeline import RunSettings, prepare_data
from hive_mind.progress import say, utc_now
from hive_mind.training.records import METRICS_FILE

RESULTS = Path(__file__).absolute().parent / "results" / "train_growth.json"
CONFIG = Path(__file__).absolute().parents[1] / "configs" / "sample.yaml"
FIGURES = ("seconds", "tokens", "steps", "peak_memory_bytes")


def write_rows(scratch: Path, rows: int) -> dict[str, Path]:
    """Write the sample's first rows, and the same twice; returns both files."""
    with contextlib.chdir(scratch):
        lines = prepare_data(load(RunSettings, CONFIG)).train.read_bytes().splitlines(keepends=True)[:rows]
    files = {"once": scratch / "once.jsonl", "twice": scratch / "twice.jsonl"}
    for times, file in enumerate(files.values(), 1):
        file.write_bytes(b"".join(lines * times))
    return files


def train(file: Path, folder: Path) -> dict[str, Any]:
    """Train one epoch on a file in a process of its own; returns what the run recorded."""
    command = [sys.executable, "-c", "from hive_mind.cli.main import main; main()", "train"]
    options = ["--config", str(CONFIG), "--dataset", str(file), "--output", str(folder), "training.validate_every=null"]
    subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    metrics = read_json(folder / METRICS_FILE)
    return {name: metrics[name] for name in FIGURES}


def main() -> None:
    """Alternate the two, and write the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=600, help="rows of the smaller run")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the result goes")
    arguments = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {"once": [], "twice": []}
    with tempfile.TemporaryDirectory() as scratch:
        files = write_rows(Path(scratch), arguments.rows)
        for number in range(arguments.rounds):
            for name, file in files.items():
                runs[name].append(train(file, Path(scratch) / f"{name}_v{number + 1}"))
                say(f"round {number + 1}, {name}: {runs[name][-1]['seconds']:.1f} s")
    ratios = {
        figure: [twice[figure] / once[figure] for once, twice in zip(runs["once"], runs["twice"], strict=True)]
        for figure in FIGURES
    }
    result = {
        "what": "one epoch on twice the rows over one epoch on the rows, tiny base, in turn",
        "created": utc_now(), "machine": machine(), "versions": versions()["libraries"], "rows": arguments.rows,
        "runs": runs, "ratios": ratios,
        "time_ratio": statistics.median(ratios["seconds"]),
        "memory_ratio": statistics.median(ratios["peak_memory_bytes"]),
    }  # fmt: skip
    write_json(arguments.output, result)
    print(
        f"twice the rows: {result['time_ratio']:.2f} times the time ({min(ratios['seconds']):.2f} to "
        f"{max(ratios['seconds']):.2f}), {result['memory_ratio']:.2f} times the memory; written to {arguments.output}"
    )


if __name__ == "__main__":
    main()

"""Time raw files to a tokenised training set at the size of the public sets, and a part of it beside TRL.

    make bench-data                                     145,000 rows and twice as many, then 20,000 beside TRL
    .venv/bin/python benchmarks/data_build.py --scales 0.1 --trl-rows 2000

Everything is on: redaction, near-duplicates, decontamination against four suites, missing-tool negatives, the last scan
and Qwen2.5's tokens. The rows are made from the real ones in HIVE_MIND_REAL_DATA (see data_rows.py) and stay in the
scratch folder. Reported are the clock's seconds and the processors' (all processes together, which other work on the
machine hardly changes), the peak of the memory of all processes, what became of the rows, and the share of the planted
near-duplicates that was found. TRL gets an environment of its own in the scratch folder.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from data_rows import PLANTED_NAME, SEED, write_raw
from peer_environment import environment, machine, real_data

from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.manifest import REMOVED_NAME, TRAIN_NAME
from hive_mind.device import versions
from hive_mind.files import json_line, read_json, read_jsonl, write_json
from hive_mind.parallel import cores
from hive_mind.progress import say, utc_now

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "data_build.json"
SUITES = ("bfcl", "nl2sh_alfa", "humaneval", "mbpp")
MAX_LENGTH = 2048
SAMPLE_SECONDS = 0.25
TRL = "trl==1.16.*"


def build_and_tokenise(real: Path, folder: Path) -> dict[str, Any]:
    """Do what is timed; runs in a process of its own. Returns the seconds of each half, and what came out."""
    from hive_mind.chat.tokenizer import load_tokenizer
    from hive_mind.training.tokens import tokenise

    settings = DataSettings(
        dir=folder / "dataset", raw_dir=folder / "raw", missing_tool_share=0.03,
        decontaminate={name: real / "eval" / name for name in SUITES},
    )  # fmt: skip
    began = time.perf_counter()
    manifest = build(settings)
    built = time.perf_counter()
    made = tokenise(manifest.train, load_tokenizer(real / "qwen2.5-0.5b"), MAX_LENGTH)
    return {
        "build_seconds": built - began, "tokens_seconds": time.perf_counter() - built,
        "examples": len(made.examples), "tokens": len(made.examples.ids), "dropped": dict(made.dropped),
        "digest": manifest.digest,
    }  # fmt: skip


def tokenise_file(real: Path, file: Path) -> dict[str, Any]:
    """Time the tokens of a file of conversations alone; imports and the loading of the tokenizer are not counted."""
    from hive_mind.chat.tokenizer import load_tokenizer
    from hive_mind.training.tokens import tokenise

    tokenizer = load_tokenizer(real / "qwen2.5-0.5b")
    began, used = time.perf_counter(), processor_seconds()
    made = tokenise(file, tokenizer, MAX_LENGTH)
    return {
        "seconds": time.perf_counter() - began, "processor_seconds": processor_seconds() - used,
        "rows": made.rows_read, "examples": len(made.examples), "tokens": len(made.examples.ids),
        "dropped": dict(made.dropped),
    }  # fmt: skip


def processor_seconds() -> float:
    """Return what this process and the children that have ended used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measured(command: list[str]) -> dict[str, Any]:
    """Run a command and return what it printed last, as JSON, with its seconds and the memory of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = _Peak(process.pid)
    printed, _ = process.communicate()
    wall = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{command[1]} failed with exit code {process.returncode}; its error stands above")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result: dict[str, Any] = orjson.loads(printed.splitlines()[-1])
    return {**result, "wall_seconds": wall, "cpu_seconds": cpu, "peak_memory_bytes": peak.stop()}


class _Peak:
    """Watches the memory of a process and its descendants: pages that several share count once (PSS)."""

    def __init__(self, pid: int) -> None:
        self.pid, self.bytes = pid, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self.bytes

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, _memory(self.pid))


def _memory(pid: int) -> int:
    total = 0
    with suppress(OSError):  # it has ended in the meantime
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            total += sum(_memory(int(child)) for child in children.read_text().split())
    return total


def found_share(folder: Path) -> dict[str, float]:
    """Return the share of the planted near-duplicates that was found, and of the other rows that stayed.

    A cluster of n rows has n - 1 to find: which one of them stays is the deduplication's choice.
    """
    removed = set()
    for _, row in read_jsonl(folder / "dataset" / REMOVED_NAME):
        if row["source"] == "glaive_tools" and row["reason"] in ("duplicate", "near_duplicate"):
            removed.add(int(row["record"].rpartition(":")[2]))
    clusters = read_json(folder / PLANTED_NAME)["clusters"]
    planted = sum(len(cluster) - 1 for cluster in clusters)
    found = sum(min(len(removed.intersection(cluster)), len(cluster) - 1) for cluster in clusters)
    counts = DatasetManifest.load(folder / "dataset" / "manifest.json").sources["glaive_tools"]
    others = counts.read - planted
    # rows that are equal to the letter are not listed one by one, only counted
    lost = counts.duplicates + counts.near_duplicates - found
    return {"planted": planted, "found": found / planted, "others_survive": 1 - lost / others}


def run_scale(real: Path, work: Path, scale: float) -> dict[str, Any]:
    """Make the rows of one scale, build their dataset in a process of its own, and say what it took."""
    folder = work / f"scale-{scale:g}"
    if not (folder / PLANTED_NAME).is_file():
        say(f"making the raw rows of scale {scale:g} in {folder}")
        write_raw(real, folder, scale)
    shutil.rmtree(folder / "dataset", ignore_errors=True)
    rows = read_json(folder / PLANTED_NAME)["rows"]
    result = measured([sys.executable, __file__, "--build", str(folder), "--real", str(real)])
    counts = DatasetManifest.load(folder / "dataset" / "manifest.json").sources
    stages = {name: count.stages() for name, count in counts.items()}
    result |= {"scale": scale, "raw_rows": rows, "rows": sum(rows.values()), **found_share(folder), "stages": stages}
    say(
        f"scale {scale:g}: {result['rows']:,} rows in {result['wall_seconds']:.0f} s ({result['cpu_seconds']:.0f} "
        f"processor seconds), {result['peak_memory_bytes'] / 1e9:.2f} GB, {result['found']:.1%} of the planted found, "
        f"{result['others_survive']:.1%} of the others stay"
    )
    return result


def beside_trl(real: Path, work: Path, dataset: Path, rows: int) -> dict[str, Any]:
    """Prepare the same rows here and with TRL, on one core and on all; each twice, alternately, the faster counts."""
    file = work / "rows.jsonl"
    with file.open("wb") as out:
        for source in ("code_alpaca", "glaive_tools"):
            own = (row for _, row in read_jsonl(dataset) if row["metadata"]["source"] == source)
            out.writelines(json_line(row) for row in islice(own, rows // 2))
    python = environment(work, "trl-venv", [TRL])
    theirs = [str(python), str(HERE / "data_build_trl.py"), str(file), str(real / "qwen2.5-0.5b"), str(MAX_LENGTH)]
    sides = {
        "ours": [sys.executable, __file__, "--tokenise", str(file), "--real", str(real)],
        "trl_one_process": [*theirs, "1"],
        "trl_all_cores": [*theirs, str(cores())],
    }
    results: dict[str, dict[str, Any]] = {}
    for _ in range(2):
        for name, command in sides.items():
            shutil.rmtree(work / ".tokens", ignore_errors=True)
            result = measured(command)
            result["rows_per_second"] = result["rows"] / result["seconds"]
            say(f"{name}: {result['rows_per_second']:,.0f} rows/s, {result['tokens']:,} tokens")
            if name not in results or result["rows_per_second"] > results[name]["rows_per_second"]:
                results[name] = result
    theirs_best = {
        figure: min(results[name][figure] for name in sides if name != "ours")
        for figure in ("seconds", "processor_seconds")
    }
    padding = results["trl_one_process"]["null_padding"]
    say(f"Arrow's types make {padding['tokens_through_arrow']:,} tokens of {padding['tokens']:,}")
    return {
        **results,
        "ratio": theirs_best["seconds"] / results["ours"]["seconds"],
        "processor_ratio": theirs_best["processor_seconds"] / results["ours"]["processor_seconds"],
    }


def main() -> None:
    """Measure every scale, then beside TRL, and write the result."""
    arguments = parse()
    real = real_data(arguments.real)
    if arguments.build:
        print(json_line(build_and_tokenise(real, arguments.build)).decode(), end="")
        return
    if arguments.tokenise:
        print(json_line(tokenise_file(real, arguments.tokenise)).decode(), end="")
        return
    with tempfile.TemporaryDirectory(prefix="hive-mind-bench-") as scratch:
        measure(real, arguments.work or Path(scratch), arguments)
    print(f"written to {arguments.output}")


def measure(real: Path, work: Path, arguments: argparse.Namespace) -> None:
    """Measure what is asked for, one after the other, and write each into the result; what else stands there stays."""
    result: dict[str, Any] = {
        "what": "raw files to a tokenised training set, everything on; then the tokens of a part beside TRL",
        "seed": SEED, "scales": [],
    }  # fmt: skip
    if arguments.output.is_file():
        result |= read_json(arguments.output)
    result["versions"] = versions()["libraries"]
    for scale in arguments.scales:
        about = {"created": utc_now(), "machine": machine()}
        measured_now = {**about, **run_scale(real, work, scale)}
        scales = {other["scale"]: other for other in (*result["scales"], measured_now)}
        result["scales"] = [scales[number] for number in sorted(scales)]
        if 1 in scales and 2 in scales:
            result["growth"] = {
                name: scales[2][name] / scales[1][name] for name in ("rows", "wall_seconds", "cpu_seconds")
            }
        write_json(arguments.output, result)
    if arguments.trl_rows:
        train = work / f"scale-{arguments.trl_scale:g}" / "dataset" / TRAIN_NAME
        about = {"created": utc_now(), "machine": machine()}
        result["beside_trl"] = {**about, **beside_trl(real, work, train, arguments.trl_rows)}
        say(f"rows/s against TRL's faster run: {result['beside_trl']['ratio']:.1f} times")
        write_json(arguments.output, result)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scales", type=float, nargs="*", default=[1, 2], help="1 is 145,000 rows")
    parser.add_argument("--trl-scale", type=float, default=1, help="the scale whose dataset the rows for TRL are from")
    parser.add_argument("--trl-rows", type=int, default=20_000, help="rows to prepare beside TRL; 0 leaves it out")
    parser.add_argument("--work", type=Path, help="scratch folder to keep; without it, one that is removed at the end")
    parser.add_argument("--real", type=Path, help="the real data; without it, the folder in HIVE_MIND_REAL_DATA")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the result goes")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tokenise", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

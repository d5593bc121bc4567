"""Train side by side with other trainers: alternating, the same rows, base, batch and threads, each in its environment.

    make bench-train                                                        everything, hours on two cores
    .venv/bin/python benchmarks/train_peers.py --only trl-ids-1x16 --steps 6
    .venv/bin/python benchmarks/train_peers.py --base tiny --only report --steps 2 --work /tmp/bench

For each contender two workers are alive at once, Hive-Mind's trainer and the contender's. Both do the first step, which
is not timed; then one step each in turn, of the same sixteen examples. Every step is recorded. What is compared are the
seconds as a ratio, the peak of each process's memory, the share of the matrix rate that this machine reaches on the
step's own shapes, measured in our process, and the losses, which must agree before the first update. Results of several
runs are merged by contender, so a part can be run anew. docs/BENCHMARK_TRAINING.md says how each contender is set.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peer_environment import environment, machine, real_data
from train_contenders import CONTENDERS, LLAMA_FACTORY, Contender, chosen
from train_figures import compare, table, write_into
from train_protocol import OutOfMemory, Worker, WorkerFailed
from train_rows import MAX_LENGTH, QWEN, SEED, Made, make

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import read_json, write_json
from hive_mind.model.base import TINY
from hive_mind.parallel import cores
from hive_mind.progress import say, utc_now

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "train_peers.json"
PAGE = HERE.parent / "docs" / "BENCHMARK_TRAINING.md"
WHAT = "an optimizer step of 16 examples, each contender's seconds over Hive-Mind's, in turn on the same rows"
LEAST_FREE = 1 << 30
"""A contender that leaves less memory than this on the machine is ended: it needs more than there is."""
REST = 0.5
"""Seconds between two sides' steps, in which the first one's waiting threads come to rest."""
FIRST_LOSS_TOLERANCE = 1e-2
PATHS = re.compile(r"(?:file://|https?://)?(?:/[\w.+@%-]+){2,}/?|https?://\S+")


def workers_environment(work: Path) -> dict[str, str]:
    """Return what is set for every worker: all cores, nothing fetched, caches in the scratch folder."""
    return {
        "OMP_NUM_THREADS": str(cores()), "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(work / "hf"), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip


def start_ours(contender: Contender, made: Made, work: Path, options: list[str]) -> Worker:
    """Start our own worker."""
    scratch = fresh(work / "hive-mind")
    command = [sys.executable, str(HERE / "train_hive_mind.py"), str(made.base), str(made.folder), str(scratch)]
    return Worker("Hive-Mind", [*command, *contender.ours, *options], work / "hive-mind.log", workers_environment(work))


def start_theirs(contender: Contender, made: Made, work: Path, python: Path, dtype: str) -> Worker:
    """Start a contender's worker."""
    scratch = fresh(work / contender.name)
    command = [str(python), str(HERE / contender.peer.script), str(made.base), str(made.folder), str(scratch)]
    command += [*contender.arguments, "--dtype", dtype]
    alone = {**workers_environment(work), "PYTHONPATH": ""}
    return Worker(contender.name, command, work / f"{contender.name}.log", alone, LEAST_FREE)


def fresh(folder: Path) -> Path:
    """Return the folder, emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


Steps = list[dict[str, Any]]


def in_turn(ours: Worker, theirs: Worker, steps: int) -> tuple[Steps, Steps]:
    """Do the first step and `steps` more on both sides, in turn; returns every step of each side."""
    done: tuple[Steps, Steps] = ([], [])
    for number in range(steps + 1):
        for worker, own in zip((ours, theirs), done, strict=True):
            time.sleep(REST)
            own.append(worker.step())
        mine, other = done[0][-1], done[1][-1]
        say(
            f"  step {number}{' (not timed)' if not number else ''}: {other['seconds'] / mine['seconds']:.2f} times "
            f"ours; losses {mine['loss']:.4f} and {other['loss']:.4f}"
        )
    return done


@dataclass
class Recorded:
    """What two workers said: their first messages, every step of each, and the machine's matrix rate."""

    ours: Worker
    theirs: Worker
    steps: tuple[Steps, Steps]
    matrix_rate: dict[str, Any]
    alternating: bool


def side_by_side(contender: Contender, made: Made, work: Path, python: Path, arguments: argparse.Namespace) -> Recorded:
    """Both alive at once, a step each in turn. Raises WorkerFailed if a side fails, OutOfMemory if they do not fit."""
    ours = start_ours(contender, made, work, arguments.ours)
    try:
        theirs = start_theirs(contender, made, work, python, ours.ready["dtype"])
        try:
            steps = in_turn(ours, theirs, arguments.steps or contender.steps)
        finally:
            theirs.end()
        return Recorded(ours, theirs, steps, ours.ask("matrix_rate"), True)
    finally:
        ours.end()


def one_by_one(contender: Contender, made: Made, work: Path, python: Path, arguments: argparse.Namespace) -> Recorded:
    """First all steps of ours, then all of theirs, where the two do not fit in memory together."""
    count = 1 + (arguments.steps or contender.steps)
    ours = start_ours(contender, made, work, arguments.ours)
    try:
        mine, rate = [ours.step() for _ in range(count)], ours.ask("matrix_rate")
    finally:
        ours.end()
    theirs = start_theirs(contender, made, work, python, ours.ready["dtype"])
    try:
        others = [theirs.step() for _ in range(count)]
    finally:
        theirs.end()
    return Recorded(ours, theirs, (mine, others), rate, False)


def row_of(contender: Contender, recorded: Recorded) -> dict[str, Any]:
    """Put together what was recorded; the first step of each side is kept and not counted."""
    mine, others = recorded.steps
    ours, theirs = recorded.ours.ready, recorded.theirs.ready
    first = {"ours": mine[0]["loss"], "theirs": others[0]["loss"]}
    same_tokens = all(a["tokens"] == b["tokens"] for a, b in zip(mine, others, strict=True))
    agrees = abs(first["ours"] - first["theirs"]) <= FIRST_LOSS_TOLERANCE
    if same_tokens and not agrees:
        say(f"  THE FIRST LOSSES DIFFER on the same tokens: {first}")
    pairs = [{"ours": a, "theirs": b} for a, b in zip(mine, others, strict=True)]
    return {
        **contender.about(), "created": utc_now(), "machine": machine(), "alternating": recorded.alternating,
        "first_loss": {**first, "agrees": agrees, "same_tokens": same_tokens},
        "figures": compare(mine[1:], others[1:], ours, recorded.matrix_rate["best"]),
        "first_step": pairs[0], "steps": pairs[1:], "matrix_rate": recorded.matrix_rate,
        "ours": ours, "theirs": theirs,
    }  # fmt: skip


def run(contender: Contender, made: Made, work: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the contender's row: measured, or with the reason why not."""
    reason = contender.reason(torch.cuda.is_available())
    if reason is None:
        say(f"{contender.name}:")
        given = arguments.llama_factory_python if contender.peer is LLAMA_FACTORY else arguments.trl_python
        peer = contender.peer
        try:
            python = environment(work, peer.environment, peer.packages, given=given, pinned=peer.pinned)
            try:
                recorded = side_by_side(contender, made, work, python, arguments)
            except OutOfMemory:
                say("  the two do not fit in memory at once: one after the other")
                recorded = one_by_one(contender, made, work, python, arguments)
            return row_of(contender, recorded)
        except (WorkerFailed, HiveMindError) as error:
            reason = without_paths(str(error))
    say(f"{contender.name} is not timed: {reason}")
    return {**contender.about(), "created": utc_now(), "not_run": reason}


def without_paths(text: str) -> str:
    """Return the last line of an error, without this machine's paths and addresses: it goes into the results."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return PATHS.sub("...", lines[-1] if lines else "it ended without a word").rstrip(" .")


def merged(output: Path, made: Made, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the results with `rows` in the place of what stood there for the same contenders, in the table's order."""
    identity = {"base": made.base_name, "max_length": MAX_LENGTH, "seed": SEED}
    old = read_json(output) if output.is_file() else {}
    if old and old["rows"] != identity:
        raise UsageError(f"{output} holds results of other rows ({old['rows']}); give another --output")
    by_name = {row["name"]: row for row in (*old.get("contenders", []), *rows)}
    order = [contender.name for contender in CONTENDERS if contender.name in by_name]
    return {"what": WHAT, "rows": identity, "contenders": [by_name[name] for name in order]}


def main() -> None:
    """Measure what is asked for, one contender after the other; every row is written as soon as it is known."""
    arguments = parse()
    real = real_data(arguments.real)
    try:
        contenders = chosen(arguments.only)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="hive-mind-bench-") as scratch:
        work = (arguments.work or Path(scratch)).resolve()
        published = arguments.base != TINY
        output = arguments.output or (RESULTS if published else work / RESULTS.name)
        steps = 1 + max((arguments.steps or contender.steps) for contender in contenders)
        made = make(real, work, arguments.base, max(steps, arguments.rows_for))
        say(f"tokens a step: {made.tokens}, labelled: {made.labelled_tokens}")
        result: dict[str, Any] = {}
        for contender in contenders:
            result = merged(output, made, [run(contender, made, work, arguments)])
            write_json(output, result)
            if output == RESULTS:
                write_into(PAGE, table(result["contenders"]))
        print(table(result["contenders"]))
        print(f"written to {output}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", help="names of contenders, or how they begin; without it, all")
    parser.add_argument("--steps", type=int, help="timed steps of each; without it, each contender's own number")
    parser.add_argument("--rows-for", type=int, default=8, help="rows are made for so many steps, or more if needed")
    parser.add_argument("--base", choices=(QWEN, TINY), default=QWEN, help="tiny: the packaged base, to try it out")
    parser.add_argument("--ours", nargs=argparse.REMAINDER, default=[], help="last: options of train_hive_mind.py")
    parser.add_argument("--trl-python", type=Path, help="an environment with TRL and PEFT (and Liger) to use as it is")
    parser.add_argument("--llama-factory-python", type=Path, help="an environment with LLaMA-Factory to use as it is")
    parser.add_argument("--work", type=Path, help="scratch folder to keep, with its environments")
    parser.add_argument("--real", type=Path, help="the real data; without it, the folder in HIVE_MIND_REAL_DATA")
    parser.add_argument("--output", type=Path, help="where the result goes; of the tiny base, the scratch folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()

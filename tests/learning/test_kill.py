"""kill -9 while building, training, judging and promoting: the cycle is done once, and `latest` is never missing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from random import Random

import pytest

from hive_mind import registry
from hive_mind.files import read_json
from hive_mind.learning import days
from tests.learning.world import copy

PLACES = ("learn_dataset_done", "optimizer:step=15", "learn_judge_done", "learn_promote_done")


def start(world, *faults, before=()):
    """Start the cycle once with each of the faults and once without; returns a line for each start."""
    command = [*before, sys.executable, "-m", "tests.learning.cycle_process", world.folder, world.base.folder, *faults]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.stdout, done.stderr[-3000:]
    return done.stdout.split()


@pytest.fixture(scope="module")
def killed_four_times(made_world, tmp_path_factory):
    """A world whose cycle was killed at four places and then came to its end, without a network where that can be."""
    world = copy(made_world, tmp_path_factory.mktemp("killed"))
    world.use(24)
    problem, before = empty_network()
    lines = start(world, *(f"kill:at={place}" for place in PLACES), before=before)
    assert lines == [str(-signal.SIGKILL)] * len(PLACES) + ["promoted"]
    return world, problem


def test_killed_at_every_stage_it_ends_once(killed_four_times):
    world, _ = killed_four_times
    the_cycle_was_done_once(world, starts=5)
    assert read_json(world.models / "daily_v1" / "run.json")["resumed_from"] == [10], "training went on where it was"


def test_the_whole_cycle_needs_no_network(killed_four_times):
    _, problem = killed_four_times
    if problem:
        pytest.skip(problem)
    _, without_network = empty_network()
    look = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    tried = subprocess.run([*without_network, sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in tried.stderr, "not even this machine could be reached in what it ran in"


def the_cycle_was_done_once(world, starts):
    history = days.history(world.settings().dir)
    assert [(line["day"], line["attempt"], line["starts"]) for line in history] == [("2026-02-02", True, starts)]
    assert registry.latest(world.models) == "daily_v1"
    assert not (world.models / "daily_v2").exists()
    events = [
        (entry["event"], entry.get("candidate") or entry.get("version")) for entry in registry.audit.read(world.models)
    ]
    assert events.count(("verdict", "daily_v1")) == events.count(("promotion", "daily_v1")) == 1


STAGES = {
    "building": (("choose", "dataset"), 8, 2.5), "training": (("train",), 8, 5.0), "judging": (("judge",), 7, 3.0),
    "promoting": (("promote", "end"), 7, 0.05),
}  # fmt: skip
"""Steps of the cycle, how often it is killed in them, and within how many seconds of their beginning at first.

A try that comes too late tells how long the steps take on this machine, and the next ones are within that.
"""


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_random_instants_it_ends_once(made_world, tmp_path, stage):
    steps, wanted, within = STAGES[stage]
    rng, hit, tried = Random(stage), 0, 0
    while hit < wanted:
        tried += 1
        assert tried <= 4 * wanted, "the cycle was over before it could be killed, again and again"
        world = copy(made_world, tmp_path / str(tried))
        world.use(24)
        at, took = killed_in(world, steps, rng.uniform(0, within))
        assert start(world) == ["promoted"]
        if at in steps:
            hit += 1
            the_cycle_was_done_once(world, starts=2)
        else:
            within = min(within, took or within)
        print(f"{stage} {hit}: killed in {at}", flush=True)


def killed_in(world, steps, seconds):
    """Kill a cycle so long after one of the steps began.

    Returns the step that it was in, None if it was over, and how many seconds the steps that were done took.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.learning.cycle_process", str(world.folder), str(world.base.folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # fmt: skip
    record = world.settings().dir / "2026-02-02" / days.CYCLE_FILE
    while process.poll() is None and not (record.is_file() and read_json(record)["running"] in steps):
        assert registry.latest(world.models) in ("foundation_v1", "daily_v1")
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        assert registry.latest(world.models) in ("foundation_v1", "daily_v1")
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)  # the cycle is a child of the process that was started
    process.wait()
    found = read_json(record)
    return found["running"], sum(found["steps"][step]["seconds"] for step in steps if step in found["steps"])


def empty_network():
    """Return why no network namespace can be made ("" if one can), and the command that runs another in one."""
    program = shutil.which("unshare")
    if program is None:
        return "there is no unshare (util-linux), which makes an empty network namespace", []
    tried = subprocess.run([program, "-rn", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"this system allows no network namespace of one's own: {tried.stderr.strip()}", []
    return "", [program, "-rn"]

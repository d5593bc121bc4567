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


def start(world, faults="", before=()):
    environment = {**os.environ, "HIVE_MIND_FAULTS": faults, "OMP_NUM_THREADS": "1"}
    command = [*before, sys.executable, "-m", "tests.learning.cycle_process", world.folder, world.base.folder]
    return subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_killed_at_every_stage_it_ends_once(world):
    world.use(24)
    for place in PLACES:
        killed = start(world, f"kill:at={place}")
        assert killed.returncode == -signal.SIGKILL, (place, killed.stderr[-2000:])
        assert registry.latest(world.models) == ("daily_v1" if place == PLACES[-1] else "foundation_v1")
        assert days.history(world.settings().dir) == [], "it is not finished"
    done = start(world)
    assert done.stdout.strip() == "promoted", done.stderr[-2000:]
    the_cycle_was_done_once(world, starts=5)
    assert read_json(world.models / "daily_v1" / "run.json")["resumed_from"] == [10], "training went on where it was"


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
"""Steps of the cycle, how often it is killed in them, and within how many seconds of their beginning."""


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
        at = killed_in(world, steps, rng.uniform(0, within))
        done = start(world)
        assert done.stdout.strip() == "promoted", done.stderr[-2000:]
        if at in steps:
            hit += 1
            the_cycle_was_done_once(world, starts=2)
        print(f"{stage} {hit}: killed in {at}", flush=True)


def killed_in(world, steps, seconds):
    """Kill a cycle so long after one of the steps began; returns the step that it was in, None if it was over."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.learning.cycle_process", str(world.folder), str(world.base.folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    record = world.settings().dir / "2026-02-02" / days.CYCLE_FILE
    while process.poll() is None and not (record.is_file() and read_json(record)["running"] in steps):
        assert registry.latest(world.models) in ("foundation_v1", "daily_v1")
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        assert registry.latest(world.models) in ("foundation_v1", "daily_v1")
    process.kill()
    process.wait()
    return read_json(record)["running"]


def empty_network():
    """A command that runs another in a network namespace without any interface that is up, or why there is none."""
    program = shutil.which("unshare")
    if program is None:
        pytest.skip("there is no unshare (util-linux), which makes an empty network namespace")
    tried = subprocess.run([program, "-rn", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this system allows no network namespace of one's own: {tried.stderr.strip()}")
    return [program, "-rn"]


def test_the_whole_cycle_needs_no_network(world):
    without_network = empty_network()
    look = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    refused = subprocess.run(
        [*without_network, sys.executable, "-c", look], capture_output=True, text=True, check=False
    )
    assert "Network is unreachable" in refused.stderr, "not even this machine can be reached"
    world.use(24)
    done = start(world, before=without_network)
    assert done.stdout.strip() == "promoted", done.stderr[-2000:]

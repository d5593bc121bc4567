"""kill -9 while building, training, judging and promoting: the cycle is done once, and `latest` is never missing."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from hive_mind import registry
from hive_mind.files import read_json
from hive_mind.learning import days

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

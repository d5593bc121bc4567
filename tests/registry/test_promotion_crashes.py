"""Readers while the link is swapped, writers at the same moment, and kill -9 at every step of a promotion."""

import signal
import subprocess
import sys
import threading

import pytest

from hive_mind import registry
from tests.registry.versions import PROMOTE, sealed

KILLED_AT_A_CALL = """
import os, signal, sys
from pathlib import Path
models, limit = Path(sys.argv[1]), int(sys.argv[2])
calls = 0

def counted(real):
    def call(*arguments, **names):
        global calls
        calls += 1
        if calls == limit:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **names)
    return call

from hive_mind import registry
for name in ("replace", "symlink", "fsync", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
registry.promote(models, "b_v1", {"decision": "promote", "reasons": ["test"]})
print(calls)
"""

PROMOTE_AND_ROLL_BACK = """
import sys
from pathlib import Path
from hive_mind import registry
models, mine = Path(sys.argv[1]), sys.argv[2]
for _ in range(15):
    registry.promote(models, mine, {"decision": "promote"})
    registry.promote(models, "a_v1", {"decision": "promote"})
"""


@pytest.fixture
def models(tmp_path):
    for number, name in enumerate(("a_v1", "b_v1", "c_v1")):
        sealed(tmp_path, name, seed=number)
    registry.promote(tmp_path, "a_v1", PROMOTE)
    return tmp_path


def run(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_kill_9_at_any_step_leaves_the_old_or_the_new_version_and_a_true_log(models):
    states, limit = [], 1
    while True:
        done = run(KILLED_AT_A_CALL, models, limit)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        served = (models / "latest").resolve().name
        assert served in ("a_v1", "b_v1")
        assert registry.latest(models) == served
        history = registry.history(models)
        assert history[-1].version == served
        assert {entry.by for entry in history} <= {"gate", "rollback"}, "a crashed promotion was taken for a hand's"
        states.append(served)
        if served == "b_v1":
            assert registry.rollback(models).version == "a_v1"
        assert registry.promote(models, "c_v1", PROMOTE).previous == "a_v1", "the lock died with its holder"
        assert registry.rollback(models).version == "a_v1"
        assert not list(models.glob(".*.part")), "what the killed process left was not cleared away"
        limit += 1
    assert registry.latest(models) == "b_v1"
    assert limit - 1 == int(done.stdout) >= 6
    assert states == sorted(states), "once the link is swapped the promotion stands"
    assert set(states) == {"a_v1", "b_v1"}


def test_readers_never_find_the_link_missing_or_wrong_during_swaps(models):
    stop, seen, wrong = threading.Event(), set(), []

    def read():
        while not stop.is_set():
            version = registry.latest(models)
            seen.add(version)
            folder = registry.resolve(models, "latest")
            if version not in ("a_v1", "b_v1") or not (folder / "adapter_model.safetensors").is_file():
                wrong.append(version)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(40):
        registry.promote(models, "b_v1", PROMOTE)
        registry.promote(models, "a_v1", PROMOTE)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert seen == {"a_v1", "b_v1"}
    assert len(registry.history(models)) == 81
    assert "adopted" not in {entry.by for entry in registry.history(models)}


def test_promotions_of_several_processes_take_turns(models):
    command = [sys.executable, "-c", PROMOTE_AND_ROLL_BACK, str(models)]
    writers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in ("b_v1", "c_v1")]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    history = registry.history(models)
    assert history[-1].version == registry.latest(models) == "a_v1"
    assert [entry.previous for entry in history[1:]] == [entry.version for entry in history[:-1]], "a swap was lost"

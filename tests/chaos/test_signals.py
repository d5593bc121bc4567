"""Ctrl-C, SIGTERM, a second one, and a supervisor that is killed: what was done is saved, and nobody trains unseen."""

import os
import signal
import subprocess
import sys
import time

import orjson
import pytest

from hive_mind.files import sha256_file
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import train
from hive_mind.training.checkpoint import newest_checkpoint
from hive_mind.training.faults import TRACE, VARIABLE
from hive_mind.training.interrupt import SAME_WISH
from hive_mind.training.log import LOG_FILE, read_log
from tests.chaos.test_kill import RUN, _lives

LONG = {"epochs": 200, "checkpoint_every_steps": 1000}


@pytest.fixture
def begun(request_for, tmp_path, monkeypatch):
    """A supervised run in a process of its own, once its first steps are done; its worker's id beside it."""
    started = []

    def begin(**changes):
        request = request_for(**{**LONG, **changes})
        trace = tmp_path / "trace"
        command = [sys.executable, "-c", RUN, orjson.dumps(request.to_dict()).decode()]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, TRACE: str(trace)}, text=True)
        started.append(process)
        while not (trace.exists() and b"optimizer_done 3" in trace.read_bytes()):
            assert process.poll() is None
            time.sleep(0.01)
        return request, process, int(trace.read_bytes().split()[0])

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.chaos)])
def test_the_first_signal_saves_and_ends_with_130(begun, number):
    request, process, worker = begun()
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    done = read_log(request.output / LOG_FILE)[-1]["step"]
    assert f"stopped after step {done:,} of 600" in errors
    assert newest_checkpoint(request.output / "checkpoints").step == done
    assert not _lives(worker)
    whole, result = train(_moved(request, "whole_v1")), train(request)
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)


@pytest.mark.chaos
def test_the_second_stops_at_once(begun, monkeypatch):
    """While it stands still, which no wish to stop would end."""
    monkeypatch.setenv(VARIABLE, "hang:step=9")
    _, process, worker = begun()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    time.sleep(SAME_WISH + 0.2)
    assert process.poll() is None
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "stopped at once; what the last checkpoint holds is kept" in errors
    assert time.monotonic() - started < 10
    assert not _lives(worker)


def test_a_worker_whose_supervisor_was_killed_saves_and_ends(begun):
    request, process, worker = begun()
    process.kill()
    process.wait()
    until = time.monotonic() + 30
    while _lives(worker) and time.monotonic() < until:
        time.sleep(0.01)
    assert not _lives(worker)
    done = read_log(request.output / LOG_FILE)[-1]["step"]
    assert newest_checkpoint(request.output / "checkpoints").step == done
    assert train(request).run["resumed_from"] == [done]


@pytest.mark.chaos
def test_a_pause_between_restarts_can_be_interrupted(request_for, monkeypatch):
    monkeypatch.setenv(VARIABLE, "error:step=2:always")
    request = request_for(restart_pause=60.0)
    command = [sys.executable, "-c", RUN, orjson.dumps(request.to_dict()).decode()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "(restart 1 of" in line:
                break
        process.send_signal(signal.SIGINT)
        assert "stopped before the next restart" in process.communicate(timeout=10)[1]
    assert process.returncode == 130


def _moved(request, name):
    from dataclasses import replace

    return replace(request, output=request.output.with_name(name))

"""Two runs never train into one folder; a lock ends with the process that held it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from hive_mind.errors import UsageError
from hive_mind.training import lock, train
from hive_mind.training.lock import locked

HOLDER = """
import sys, time
from pathlib import Path
from hive_mind.training.lock import locked
with locked(Path(sys.argv[1]), "hive-mind train"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(folder, seconds=60.0):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, folder, str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_second_run_is_refused_and_told_who_has_it(tmp_path, request_for):
    request = request_for()
    process = hold(request.output)
    try:
        with pytest.raises(UsageError, match=rf"another run \(process {process.pid} on .*use another --output"):
            train(request)
    finally:
        process.kill()
        process.wait()
    assert train(request).version == "small_v1"


def test_it_is_free_again_afterwards_and_leaves_no_file(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "one_v1", "a command"):
            owner = json.loads((tmp_path / ".one_v1.lock").read_bytes())
            assert (owner["pid"], owner["command"]) == (os.getpid(), "a command")
            with pytest.raises(UsageError), locked(tmp_path / "one_v1", ""):
                pass
    assert list(tmp_path.iterdir()) == []


def test_a_dead_owners_lock_is_taken_over(tmp_path):
    process = hold(tmp_path / "one_v1")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / ".one_v1.lock").exists()
    with locked(tmp_path / "one_v1", ""):
        pass


def test_the_worker_of_a_killed_run_is_waited_for(tmp_path, monkeypatch, capsys):
    """The lock is still held, but by nobody whose id it names: a worker that is saving its state."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    process = hold(tmp_path / "one_v1")
    file = tmp_path / ".one_v1.lock"
    owner = json.loads(file.read_bytes())
    file.write_text(json.dumps({**owner, "pid": gone.pid}))
    threading.Timer(1.0, process.kill).start()
    started = time.monotonic()
    with locked(tmp_path / "one_v1", ""):
        assert time.monotonic() - started > 0.1
    assert "waiting for its worker to save and end" in capsys.readouterr().err
    process.wait()


def test_it_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 0.2)
    process = hold(tmp_path / "one_v1")
    file = tmp_path / ".one_v1.lock"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "pid": 2**22 + 1}))
    with pytest.raises(UsageError, match="another run"), locked(tmp_path / "one_v1", ""):
        pass
    process.kill()
    process.wait()


def test_many_take_it_in_turn(tmp_path):
    """Processes that open, lock and remove the file at once: never two inside."""
    script = """
import sys, time
from pathlib import Path
from hive_mind.errors import UsageError
from hive_mind.training.lock import locked
folder, count = Path(sys.argv[1]), 0
until = time.monotonic() + 1.5
while time.monotonic() < until:
    try:
        with locked(folder, ""):
            inside = folder.with_name("inside")
            inside.mkdir()
            inside.rmdir()
            count += 1
    except UsageError:
        pass
print(count)
"""
    command = [sys.executable, "-c", script, tmp_path / "one_v1"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    results = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, results
    assert sum(int(out) for out, _ in results) > 20

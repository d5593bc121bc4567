"""A disk that is really full: a small tmpfs of its own. Nothing that was saved is lost, and the run goes on later."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from hive_mind.files import sha256_file
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import train
from hive_mind.training.checkpoint import checkpoints, damage, newest_checkpoint
from tests.chaos.test_kill import RUN

SIZE = 12 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A folder that holds SIZE bytes and no more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here (it takes root), so there is no disk to fill")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk up but for `leave` bytes."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:  # takes what there is, should a run take some of it meanwhile
        file.write(b"\0" * max(0, shutil.disk_usage(folder).free - leave))
    return ballast


def run(request):
    command = [sys.executable, "-c", RUN, orjson.dumps(request.to_dict()).decode()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ)


def test_no_run_begins_without_room_for_its_checkpoints(request_for, small_disk):
    request = request_for(small_disk / "models" / "small_v1")
    fill(small_disk, leave=1 << 20)
    ended = run(request)
    assert ended.returncode == 1
    assert "MB for checkpoints and result, and its disk has 1 MB left; free space" in ended.stderr
    assert not list(checkpoints(request.output / "checkpoints"))


def test_a_disk_that_fills_up_in_training_keeps_the_last_checkpoint(request_for, small_disk, tmp_path):
    changes = {"epochs": 30, "checkpoint_every_steps": 1, "lora_r": 32, "learning_rate": 1e-3, "keep_checkpoints": 2}
    whole = train(request_for("models/whole_v1", **changes))
    request = request_for(small_disk / "models" / "small_v1", **changes)
    command = [sys.executable, "-c", RUN, orjson.dumps(request.to_dict()).decode()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while len(list(checkpoints(request.output / "checkpoints"))) < 2:
            assert process.poll() is None
        ballast = fill(small_disk, leave=0)
        errors = process.communicate(timeout=120)[1]
    assert process.returncode == 1, errors
    assert "run the same command again to continue" in errors
    newest = newest_checkpoint(request.output / "checkpoints")
    assert newest is not None
    assert not damage(newest.folder)
    ballast.unlink()
    result = train(request)
    assert result.run["resumed_from"][0] == newest.step
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)

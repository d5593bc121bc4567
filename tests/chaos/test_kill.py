"""SIGKILL at random instants of a supervised run, many of them inside an optimizer step or a checkpoint's writing.

Where the process was at each is proven by the trace that it writes before and after (HIVE_MIND_TRACE): the last line of
a killed process. In the end stands bitwise the adapter of the run that nobody disturbed.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from hive_mind.files import sha256_file
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import train
from hive_mind.training.faults import TRACE
from tests.chaos.conftest import losses

RUN = """
import sys
from pathlib import Path
import orjson
from hive_mind.errors import HiveMindError
from hive_mind.training import TrainRequest, train
try:
    train(TrainRequest.from_dict(orjson.loads(sys.argv[1])))
except HiveMindError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Killer:
    """Starts a run, and kills its worker (sometimes the supervisor as well) at chosen places."""

    def __init__(self, request, trace, seed):
        import orjson

        self.command = [sys.executable, "-c", RUN, orjson.dumps(request.to_dict()).decode()]
        self.trace, self.draw = trace, random.Random(seed)
        self.found = Counter()
        self.process = self.start()

    def start(self):
        return subprocess.Popen(self.command, stderr=subprocess.DEVNULL, env={**os.environ, TRACE: str(self.trace)})

    def lines(self, start):
        """The whole lines that were written since the trace had `start` bytes."""
        if not self.trace.exists():
            return []
        with open(self.trace, "rb") as file:
            file.seek(start)
            return file.read().decode().split("\n")[:-1]

    def kill(self, place, supervisor_too=False):
        """Wait for a random occasion of `place` in a new process, then a random moment more; returns where it was."""
        begun = self.trace.stat().st_size if self.trace.exists() else 0
        occasion, delay = self.draw.randrange(1, 6), self.draw.random()
        window = {"optimizer": 0.0008, "checkpoint": 0.01, "micro_batch": 0.01}[place]
        while True:
            assert self.process.poll() is None, "the run ended before it had been killed often enough"
            found = [line for line in self.lines(begun) if line.split()[1] == place]
            if len(found) >= occasion:
                break
            time.sleep(0.0002)
        pid = int(found[-1].split()[0])
        until = time.perf_counter() + delay * window
        while time.perf_counter() < until:
            pass
        if supervisor_too:
            self.process.kill()
        os.kill(pid, signal.SIGKILL)
        if supervisor_too:
            self.process.wait()
            self.process = self.start()
        while _lives(pid):
            time.sleep(0.001)
        last = [line for line in self.lines(begun) if line.startswith(f"{pid} ")][-1].split()[1]
        self.found[last] += 1
        return last

    def finish(self):
        assert self.process.wait(timeout=300) == 0


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("kills", "optimizer", "checkpoint"),
    [pytest.param(5, 2, 1, id="few"), pytest.param(50, 20, 10, id="fifty", marks=pytest.mark.chaos)],
)
@pytest.mark.timeout(3600)
def test_killed_anywhere_it_ends_with_the_same_adapter(request_for, tmp_path, kills, optimizer, checkpoint):
    changes = {
        "epochs": 100 if kills < 10 else 300, "checkpoint_every_steps": 2, "max_restarts": 10_000, "lora_r": 32,
        "learning_rate": 1e-3,
    }  # fmt: skip
    whole = train(request_for("models/whole_v1", **changes))
    killer = Killer(request_for("models/killed_v1", **changes), tmp_path / "trace", seed=kills)
    wanted = {"optimizer": optimizer, "checkpoint": checkpoint}
    done = 0
    while done < kills or any(killer.found[place] < least for place, least in wanted.items()):
        assert done < 4 * kills, killer.found
        lacking = [place for place, least in wanted.items() if killer.found[place] < least]
        killer.kill(lacking[0] if lacking else "micro_batch", supervisor_too=done % 7 == 3)
        done += 1
    killer.finish()
    folder = tmp_path / "models" / "killed_v1"
    print(f"{done} kills: {dict(killer.found)}")
    assert sha256_file(folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)
    assert losses(folder) == losses(whole.folder)

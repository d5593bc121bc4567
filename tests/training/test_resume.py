"""However a run is stopped, the continued one ends with bitwise the adapter of the one that was never stopped."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from hive_mind.errors import Interrupted, UsageError
from hive_mind.files import sha256_file
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import log as log_module
from hive_mind.training import run, train
from hive_mind.training.checkpoint import checkpoints
from hive_mind.training.log import LOG_FILE, TrainerLog, read_log
from tests.training.conftest import row, write_rows


def losses(folder):
    """What the log says of the course of a run, without times."""
    keys = ("step", "epoch", "loss", "learning_rate", "grad_norm", "validation_loss")
    return [{key: row[key] for key in keys if key in row} for row in read_log(folder / LOG_FILE)]


def interrupt_after(monkeypatch, step, number=signal.SIGINT):
    """Send this process a signal as soon as the row of `step` is in the log."""
    right = TrainerLog.write

    def write(self, row):
        right(self, row)
        if row["step"] == step and "loss" in row:
            monkeypatch.setattr(log_module.TrainerLog, "write", right)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(log_module.TrainerLog, "write", write)


@pytest.fixture
def validation(tmp_path):
    return write_rows(tmp_path / "validation.jsonl", [row(number) for number in range(30, 36)])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_at_any_step_it_goes_on_bitwise(request_for, validation, monkeypatch, number, capsys):
    whole = train(request_for("models/whole_v1", validation))
    before = signal.getsignal(number)
    for step in range(1, whole.metrics["steps"] + 1):
        request = request_for(f"models/cut{step}_v1", validation)
        interrupt_after(monkeypatch, step, number)
        with pytest.raises(Interrupted, match=f"stopped after step {step} of 6.*same command again"):
            train(request)
        assert signal.getsignal(number) == before
        assert not (request.output / WEIGHTS_FILE).exists()
        result = train(request)
        assert f"continuing after step {step} of 6" in capsys.readouterr().err
        assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)
        assert losses(result.folder) == losses(whole.folder)
        assert result.run["resumed_from"] == [step]
        assert result.metrics["examples_seen"] == whole.metrics["examples_seen"]
        assert result.metrics["tokens"] == whole.metrics["tokens"]


def test_stopped_before_the_first_step_it_starts_over(request_for, monkeypatch):
    from hive_mind.training.loop import Trainer

    def signalled(self, step, stop, right=Trainer._launch):
        os.kill(os.getpid(), signal.SIGINT)
        return right(self, step, stop)

    request = request_for()
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_launch", signalled)
        with pytest.raises(Interrupted, match="before the first step"):
            train(request)
    assert train(request).run["resumed_from"] == []


def test_the_recorded_micro_batches_are_used_again(request_for, monkeypatch):
    """batch_size and grad_accum may differ on resume, for they do not change the result; the step size may not."""
    request = request_for(batch_size=2, grad_accum=4)
    interrupt_after(monkeypatch, 2)
    with pytest.raises(Interrupted):
        train(request)
    result = train(replace(request, settings=request_for(batch_size=4, grad_accum=2).settings))
    assert result.run["batch"]["micro"] == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"learning_rate": 1e-3}, "learning_rate was 0.01 and is now 0.001"),
        ({"grad_accum": 8}, "step_size was 8 and is now 16"),
        ({"epochs": 5}, "epochs was 2 and is now 5"),
        ({"max_steps": 4}, "max_steps was None and is now 4"),
        ({"dtype": "bf16"}, "dtype was float32 and is now bfloat16"),
    ],
)
def test_another_recipe_is_not_continued(request_for, monkeypatch, changes, reason):
    interrupt_after(monkeypatch, 2)
    with pytest.raises(Interrupted):
        train(request_for())
    with pytest.raises(UsageError, match=reason):
        train(request_for(**changes))


def test_another_dataset_or_base_is_not_continued(request_for, monkeypatch, tmp_path):
    interrupt_after(monkeypatch, 2)
    request = request_for()
    with pytest.raises(Interrupted):
        train(request)
    other = write_rows(tmp_path / "other.jsonl", [row(number) for number in range(21)])
    with pytest.raises(UsageError, match="dataset was"):
        train(replace(request, dataset=other))
    with pytest.raises(UsageError, match="base was"):
        train(replace(request, base=replace(request.base, digest="0" * 64)))
    same = write_rows(tmp_path / "moved.jsonl", [])
    same.write_bytes(request.dataset.read_bytes())
    assert train(replace(request, dataset=same)).run["resumed_from"] == [2]


def test_a_checkpoint_of_another_program_version_is_not_continued(request_for, monkeypatch):
    request = request_for()
    interrupt_after(monkeypatch, 2)
    with pytest.raises(Interrupted):
        train(request)
    monkeypatch.setattr(run, "FORMAT", 99)
    with pytest.raises(UsageError, match="another version of Hive-Mind"):
        train(request)


def test_checkpoints_are_kept_as_told_while_training_and_removed_at_the_end(request_for, monkeypatch):
    request = request_for(checkpoint_every_steps=1, keep_checkpoints=3)
    interrupt_after(monkeypatch, 5)
    with pytest.raises(Interrupted):
        train(request)
    folder = request.output / "checkpoints"
    assert [path.name[-1] for path in checkpoints(folder)] == ["5", "4", "3"]
    train(request)
    assert not folder.exists()


def test_a_damaged_newest_checkpoint_costs_only_the_steps_since_the_one_before(request_for, monkeypatch):
    whole = train(request_for("models/whole_v1"))
    request = request_for(checkpoint_every_steps=1)
    interrupt_after(monkeypatch, 4)
    with pytest.raises(Interrupted):
        train(request)
    newest = next(checkpoints(request.output / "checkpoints"))
    (newest / "adapter.safetensors").write_bytes(b"")
    result = train(request)
    assert result.run["resumed_from"] == [3]
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)


KILLED_RUN = """
import sys, torch
from pathlib import Path
from hive_mind.errors import HiveMindError
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.training import TrainRequest, TrainingSettings, train
torch.set_num_threads(1)
dataset, base, output, settings = sys.argv[1:]
settings = TrainingSettings.model_validate_json(settings)
try:
    train(TrainRequest(Path(dataset), resolve_base(ModelSettings(base=base)), settings, Path(output)))
except HiveMindError as error:
    sys.exit(error.exit_code)
"""


def test_killed_at_random_instants_it_goes_on_bitwise(request_for):
    """Real processes: SIGKILL twice at a random instant after a random step, SIGINT once, then left to finish."""
    draw = random.Random(11)
    changes = {"epochs": 60, "checkpoint_every_steps": 1}
    whole = train(request_for("models/whole_v1", **changes))
    request = request_for(**changes)
    settings = request.settings.model_dump_json()
    command = [sys.executable, "-c", KILLED_RUN, request.dataset, request.base.folder, request.output, settings]
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, None):
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            begun = last_step(request.output)
            while number is not None and process.poll() is None and last_step(request.output) < begun + 12:
                time.sleep(0.002)
            if number is not None:
                time.sleep(draw.uniform(0, 0.05))
                process.send_signal(number)
            errors = process.communicate()[1].decode()
        expected = {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130, None: 0}[number]
        assert process.returncode == expected, errors
    assert sha256_file(request.output / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)
    assert losses(request.output) == losses(whole.folder)


def last_step(folder):
    rows = read_log(folder / LOG_FILE)
    return rows[-1]["step"] if rows else 0

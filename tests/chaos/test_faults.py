"""Planted faults in real processes: each run ends with a finished adapter, or stops cleanly and can go on."""

import json
import time

import pytest
import torch
from safetensors.torch import load_file

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import read_json, sha256_file
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import run, train
from hive_mind.training.attempt import Attempt, Suspect
from hive_mind.training.checkpoint import newest_checkpoint
from hive_mind.training.faults import VARIABLE
from hive_mind.training.log import LOG_FILE, read_log
from hive_mind.training.records import RUN_FILE
from hive_mind.training.recovery import GivenUp
from tests.chaos.conftest import losses
from tests.training.conftest import row, write_rows

ONCE = {
    "gpu_fault:step=4": "met a fault of the GPU at step 4 (Memory access fault by GPU node-1",
    "kill:step=4": "was killed from outside at step 4 (signal SIGKILL)",
    "error:step=4": "crashed at step 4 (RuntimeError: an error that was planted)",
    "hang:step=4": "stood still at step 4",
    "abort:step=4": "crashed at step 4",
    "gpu_fault:at=optimizer:step=4": "met a fault of the GPU at step 4",
    "gpu_fault:at=loading": "met a fault of the GPU at loading the model",
}
SHORT = ("gpu_fault:step=4", "hang:step=4")
"""What the suite itself runs of these; `make test-chaos` runs all."""

chaos = pytest.mark.chaos


def cases(faults, short=()):
    return [pytest.param(fault, marks=[] if fault in short else [chaos]) for fault in faults]


@pytest.mark.parametrize("fault", cases(ONCE, SHORT))
def test_a_death_costs_nothing_but_the_steps_since_the_last_checkpoint(fault, request_for, monkeypatch, capfd):
    """Bitwise the undisturbed adapter, and what happened is told, logged and recorded."""
    changes = {"checkpoint_every_steps": 2, "hang_minutes": 0.2 if "hang" in fault else 10.0}
    whole = train(request_for("models/whole_v1", **changes))
    monkeypatch.setenv(VARIABLE, fault)
    result = train(request_for("models/disturbed_v1", **changes))
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)
    assert losses(result.folder) == losses(whole.folder)
    (issue,) = result.run["issues"]
    assert ONCE[fault] in issue
    assert issue.endswith("it was started again")
    assert result.run["restarts"] == 1
    assert f"{issue} (restart 1 of at most 15)" in capfd.readouterr().err
    (restart,) = [row for row in read_log(result.folder / LOG_FILE) if "restart" in row]
    assert restart["why"] + "; it was started again" == issue
    assert result.run["resumed_from"] == ([] if "loading" in fault else [2])


def test_the_report_has_its_line(request_for, monkeypatch):
    from hive_mind.report import write

    monkeypatch.setenv(VARIABLE, "gpu_fault:step=4")
    result = train(request_for())
    report = write(result.folder.parent, result.version).read_text()
    assert f"- {result.run['issues'][0]}" in report
    assert "met a fault of the GPU at step 4" in report


@chaos
def test_a_fault_that_repeats_until_attention_is_computed_plainly(request_for, monkeypatch):
    whole = train(request_for("models/whole_v1"))
    monkeypatch.setenv(VARIABLE, "gpu_fault:step=4:until=math_attention")
    result = train(request_for("models/disturbed_v1"))
    assert result.run["measures"] == ["math_attention"]
    assert "at the same place again; going on with attention without fused kernels" in result.run["issues"][1]
    assert_close(result, whole)


def test_an_example_that_kills_is_quarantined_by_name(request_for, monkeypatch):
    """Found by computing its step one by one; the rest of the run is as if it had been left out from the beginning."""
    request = request_for("models/disturbed_v1")
    monkeypatch.setenv(VARIABLE, "abort:row=7:always")
    result = train(request)
    assert result.run["quarantined"] == [7]
    assert any(
        issue.startswith("row 7 of the dataset (without an id) is quarantined") for issue in result.run["issues"]
    )
    assert [row["examples"] for row in read_log(result.folder / LOG_FILE) if "loss" in row].count(7) == 2
    monkeypatch.delenv(VARIABLE)
    without = run.train(
        request_for("models/without_v1"), Attempt(suspects=(Suspect(1, 6),), measures=("math_attention",))
    )
    assert_close(result, without)


@chaos
def test_a_fault_that_nothing_helps_stops_cleanly_and_can_go_on(request_for, monkeypatch):
    request = request_for(checkpoint_every_steps=1)
    whole = train(request_for("models/whole_v1", checkpoint_every_steps=1))
    monkeypatch.setenv(VARIABLE, "gpu_fault:step=4:always")
    with pytest.raises(GivenUp, match=r"every measure was tried.*run the same command again.*hive-mind doctor"):
        train(request)
    assert newest_checkpoint(request.output / "checkpoints").step == 3
    record = read_json(request.output / RUN_FILE)
    assert record["finished"] is None
    assert "every measure was tried" in record["issues"][-1]
    monkeypatch.delenv(VARIABLE)
    result = train(request)
    assert result.run["resumed_from"][-1] == 3
    assert_close(result, whole)
    assert "every measure was tried" in "".join(result.run["issues"])


@chaos
def test_restarts_are_limited(request_for, monkeypatch):
    monkeypatch.setenv(VARIABLE, "error:always")
    request = request_for(max_restarts=1)
    with pytest.raises(GivenUp, match="started again 1 times"):
        train(request)


@chaos
def test_out_of_memory_in_the_optimizer_step_goes_on_in_a_fresh_process_with_less(request_for, monkeypatch):
    whole = train(request_for("models/whole_v1"))
    monkeypatch.setenv(VARIABLE, "out_of_memory:at=optimizer:step=4")
    result = train(request_for("models/disturbed_v1", batch_size=4, grad_accum=2))
    assert result.run["batch"]["micro"] == 2
    assert "ran out of memory at step 4" in result.run["issues"][0]
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)


@chaos
def test_memory_that_is_short_above_a_micro_batch_needs_no_restart(request_for, monkeypatch):
    whole = train(request_for("models/whole_v1"))
    monkeypatch.setenv(VARIABLE, "out_of_memory:above=2:always")
    result = train(request_for("models/disturbed_v1", batch_size=8, grad_accum=1))
    assert (result.run["restarts"], result.run["batch"]["micro"]) == (0, 2)
    assert_close(result, whole)


@chaos
def test_a_validation_killed_for_memory_goes_on_in_smaller_parts_and_leaves_training_alone(
    request_for, monkeypatch, tmp_path
):
    rows = write_rows(tmp_path / "validation.jsonl", [row(number) for number in range(30, 36)])
    whole = train(request_for("models/whole_v1", validation=rows))
    monkeypatch.setenv(VARIABLE, "memory_kill:at=validation:above=2:always")
    result = train(request_for("models/disturbed_v1", validation=rows))
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)
    assert result.metrics["validation_loss"] == pytest.approx(whole.metrics["validation_loss"], rel=1e-6)
    assert result.run["restarts"] == 2
    assert result.run["batch"]["micro"] == 2
    assert all("ran out of memory at validation" in issue for issue in result.run["issues"])


@chaos
def test_a_trial_killed_for_memory_is_tried_smaller(request_for, monkeypatch):
    monkeypatch.setenv(VARIABLE, "memory_kill:at=trial:above=4:always")
    result = train(request_for(batch_size="auto", examples_per_step=8))
    assert result.run["restarts"] >= 1
    assert "ran out of memory at loading the model" in result.run["issues"][0]


@chaos
@pytest.mark.parametrize("fault", ["nan:step=4", "nan:row=7:always"])
def test_what_is_not_a_number_is_skipped_and_counted(fault, request_for, monkeypatch):
    monkeypatch.setenv(VARIABLE, fault)
    result = train(request_for())
    skipped = [row["step"] for row in read_log(result.folder / LOG_FILE) if "loss" in row and row["loss"] is None]
    assert result.metrics["skipped_steps"] == len(skipped) == (1 if "step" in fault else 2)
    assert result.run["issues"][0].startswith(f"step {skipped[0]} was skipped: its loss or gradient was not finite")
    assert all(torch.isfinite(tensor).all() for tensor in load_file(result.folder / WEIGHTS_FILE).values())


@chaos
def test_a_real_limit_of_the_address_space(request_for, monkeypatch, tmp_path):
    """Whatever it runs into (an allocation, a thread, a library): a finished adapter or a clean stop that goes on."""
    whole = train(request_for("models/whole_v1"))
    request = request_for("models/limited_v1", max_restarts=3)
    monkeypatch.setenv(VARIABLE, f"address_space:bytes={700 << 20}:always")
    try:
        train(request)
    except HiveMindError as error:
        print(error)
        assert not (request.output / WEIGHTS_FILE).exists()
    monkeypatch.delenv(VARIABLE)
    assert_close(train(request), whole)


@chaos
def test_a_limit_that_holds_only_the_first_time_costs_nothing(request_for, monkeypatch):
    whole = train(request_for("models/whole_v1"))
    monkeypatch.setenv(VARIABLE, f"address_space:bytes={700 << 20}")
    assert_close(train(request_for("models/limited_v1")), whole)


def test_what_is_the_users_matter_is_not_tried_again(request_for, tmp_path, capfd):
    """A wrong dataset is refused by the worker, once, with the exit code that it would have without a supervisor."""
    request = request_for()
    request.dataset.write_text("not json\n" * 30)
    started = time.monotonic()
    with pytest.raises(HiveMindError) as caught:
        train(request)
    assert caught.value.exit_code == 4
    assert "restart" not in capfd.readouterr().err
    assert time.monotonic() - started < 60


def test_an_unknown_fault_is_no_fault(request_for, monkeypatch):
    monkeypatch.setenv(VARIABLE, "earthquake:step=3")
    with pytest.raises(UsageError, match="plants no known fault"):
        train(request_for(supervise=False))


def assert_close(result, whole):
    """As the undisturbed run but for other micro-batches or attention: losses to 1e-5, the file to bf16's rounding."""
    ours, theirs = (load_file(each.folder / WEIGHTS_FILE) for each in (result, whole))
    for name, tensor in ours.items():
        assert float((tensor - theirs[name]).float().norm() / theirs[name].float().norm()) < 2e-3, name
    for one, other in zip(losses(result.folder), losses(whole.folder), strict=True):
        assert one == pytest.approx(other, rel=2e-5, abs=1e-7), json.dumps([one, other])

"""Steps launched before the last one's numbers are known, as on a GPU, are the steps that a CPU does one by one."""

import pytest
import torch

from hive_mind.errors import HiveMindError
from hive_mind.training.batches import Packing
from hive_mind.training.checkpoint import newest_checkpoint
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.log import LOG_FILE, TrainerLog, read_log
from tests.training.test_loop import break_steps, make_trainer


def run(request, ahead):
    """Run to the end; returns the trainer and its log."""
    trainer = make_trainer(request, Packing(8))
    trainer.ahead = ahead
    request.output.mkdir(parents=True)
    with TrainerLog(request.output) as log:
        trainer.run(log, StopRequest())
    assert not trainer.in_flight
    return trainer, read_log(request.output / LOG_FILE)


def figures(log):
    return [(row["step"], row["loss"], row["grad_norm"]) for row in log]


@pytest.mark.parametrize("broken", [set(), {2}, {2, 3}, {6}])
def test_going_ahead_changes_no_bit(request_for, monkeypatch, broken):
    results = []
    for ahead in (False, True):
        with monkeypatch.context() as patch:
            break_steps(patch, broken, per_step=1)
            request = request_for(f"models/{'ahead' if ahead else 'plain'}_v1", checkpoint_every_steps=2)
            results.append((*run(request, ahead), newest_checkpoint(request.output / "checkpoints")))
    (plain, log, saved), (found, found_log, found_saved) = results
    assert figures(found_log) == figures(log)
    assert all(torch.equal(found.parameters[name], tensor) for name, tensor in plain.parameters.items())
    assert found_saved.step == saved.step
    for kind in ("adapter", "optimizer"):
        assert all(torch.equal(found_saved.tensors[kind][name], tensor) for name, tensor in saved.tensors[kind].items())
    assert found.progress.skipped == len(broken)


def test_one_step_is_under_way_while_the_next_is_launched(request_for):
    trainer = make_trainer(request_for(), Packing(4))
    trainer.ahead = True
    waiting = []
    launch = trainer._launch
    trainer._launch = lambda step, stop: (waiting.append(len(trainer.in_flight)), launch(step, stop))[1]
    trainer.job.checkpoints.parent.mkdir(parents=True)
    with TrainerLog(trainer.job.checkpoints.parent) as log:
        trainer.run(log, StopRequest())
    assert waiting == [0, 1, 1, 1, 1, 1]


def test_too_many_broken_steps_end_it_with_the_last_good_state(request_for, monkeypatch):
    break_steps(monkeypatch, {3, 4, 5, 6}, per_step=1)
    request = request_for()
    with pytest.raises(HiveMindError, match=r"3 steps in a row, up to step 5.*after step 2 is saved.*learning_rate"):
        run(request, ahead=True)
    assert newest_checkpoint(request.output / "checkpoints").step == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_is_not_waited_for_while_a_step_is_launched(request_for):
    trainer = make_trainer(request_for(), Packing(8), torch.bfloat16, "cuda")
    step = next(trainer.job.plan.steps())
    trainer._step(step, StopRequest())  # the first one takes memory and loads kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        launched = trainer._launch(step, StopRequest())
    finally:
        torch.cuda.set_sync_debug_mode("default")
    trainer._settle(launched)

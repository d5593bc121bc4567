"""`batch_size=auto` follows what is measured, and is only a matter of speed."""

import pytest
import torch

from hive_mind.device import Device
from hive_mind.errors import HiveMindError
from hive_mind.training import memory, train
from hive_mind.training.batches import Packing
from hive_mind.training.memory import choose_packing
from tests.training.test_loop import make_trainer

CPU = Device(torch.device("cpu"), torch.float32, "test")


def choose(trainer, monkeypatch, per_token, free):
    monkeypatch.setattr(memory, "_trial", lambda *arguments: (per_token * 100, 100))
    monkeypatch.setattr(memory, "free_memory", lambda device: free)
    return choose_packing(trainer.model, trainer.job.plan.examples, 16, 64, CPU)


def test_the_micro_batch_is_what_fits_in_the_free_memory(request_for, monkeypatch):
    trainer = make_trainer(request_for(), Packing(8))
    assert choose(trainer, monkeypatch, per_token=1000, free=1_000_000) == Packing(16, 800)
    assert choose(trainer, monkeypatch, per_token=1000, free=500_000) == Packing(16, 400)
    assert choose(trainer, monkeypatch, per_token=1 << 20, free=10**12) == Packing(16, memory.CPU_BYTES >> 20)


def test_too_little_memory_for_one_example_is_said_with_advice(request_for, monkeypatch):
    trainer = make_trainer(request_for(), Packing(8))
    with pytest.raises(HiveMindError, match=r"an example of 1\d\d tokens needs.*lower training.max_length"):
        choose(trainer, monkeypatch, per_token=1_000_000, free=10_000_000)


def test_the_trial_measures_what_the_tensors_take(request_for):
    """With a wide vocabulary the logits dwarf everything else: they, their log-softmax and its gradient at the most."""
    trainer = make_trainer(request_for(), Packing(8))
    weight = torch.randn(100_000, 32)
    trainer.model.lm_head = torch.nn.Linear(32, 100_000, bias=False)
    trainer.model.lm_head.weight = torch.nn.Parameter(weight, requires_grad=False)
    examples = trainer.job.plan.examples
    taken, tokens = memory._trial(trainer.model, examples, list(range(20)), 10**6, CPU)
    logits_bytes = int(examples.labelled.sum()) * 100_000 * 4
    assert tokens == len(examples.ids)
    assert logits_bytes < taken < 5 * logits_bytes
    assert all(parameter.grad is None for parameter in trainer.model.parameters())


def test_every_trial_of_the_same_rows_measures_the_same(request_for):
    trainer = make_trainer(request_for(), Packing(8))
    trial = (trainer.model, trainer.job.plan.examples, list(range(4)), 64, CPU)
    assert memory._trial(*trial) == memory._trial(*trial)


def test_tensors_that_ended_and_views_are_not_counted():
    kept = torch.zeros(1000)
    with memory._measured(CPU) as measured:
        for _ in range(5):
            kept.view(10, 100).add_(torch.ones(10, 100))
    assert measured.peak == 4000
    assert measured.now == 0


def test_auto_trains_the_same_adapter(request_for, capsys):
    whole = train(request_for("models/fixed_v1"))
    auto = train(request_for("models/auto_v1", batch_size="auto", examples_per_step=8))
    assert "batch_size=auto: a trial of" in capsys.readouterr().err
    assert auto.metrics["steps"] == whole.metrics["steps"]
    assert auto.run["batch"]["effective"] == 8
    assert auto.run["batch"]["micro_tokens"] > 0
    assert auto.metrics["final_loss"] == pytest.approx(whole.metrics["final_loss"], rel=1e-5)

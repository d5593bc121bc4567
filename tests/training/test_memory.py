"""`batch_size=auto` follows what is measured, and is only a matter of speed."""

import pytest
import torch

from hive_mind.device import Device
from hive_mind.errors import HiveMindError
from hive_mind.training import memory, train
from hive_mind.training.batches import Packing
from hive_mind.training.footprint import Footprint
from hive_mind.training.lessons import memory_key, remember_footprint, remembered_footprint
from hive_mind.training.memory import Trial, choose, choose_footprint
from tests.training.test_loop import make_trainer

CPU = Device(torch.device("cpu"), torch.float32, "test")


def choose_with(trainer, monkeypatch, per_token, free):
    """`per_token` is what a trial measures: a number, or a function of the footprint."""
    measured = per_token if callable(per_token) else lambda footprint: per_token
    monkeypatch.setattr(
        memory, "_trial", lambda model, examples, footprint, device: Trial(measured(footprint) * 100, 100, 1.0)
    )
    monkeypatch.setattr(memory, "free_memory", lambda device: free)
    return choose_footprint(trainer.model, trainer.job, Footprint(Packing(16), 64))


def test_the_micro_batch_is_what_fits_in_the_free_memory(request_for, monkeypatch):
    trainer = make_trainer(request_for(), Packing(8))
    for per_token, free, tokens in [
        (1000, 1_000_000, 800), (1000, 500_000, 400), (1 << 20, 10**12, memory.CPU_BYTES >> 20),
    ]:  # fmt: skip
        chosen = choose_with(trainer, monkeypatch, per_token, free)
        assert chosen == Footprint(Packing(16, tokens), 64)


def test_where_the_longest_example_does_not_fit_activations_are_computed_twice(request_for, monkeypatch, capsys):
    trainer = make_trainer(request_for(), Packing(8))
    longest = int(trainer.job.plan.examples.lengths.max())
    chosen = choose_with(trainer, monkeypatch, lambda f: 1000 if f.recompute else 100_000, 2_000 * longest)
    assert chosen.recompute
    assert chosen.packing.tokens >= longest
    said = capsys.readouterr().err
    assert "trying with micro-batches of 1 example, activations computed twice" in said
    assert f"batch_size=auto: {chosen}" in said


def test_then_smaller_chunks_of_logits(request_for, monkeypatch):
    trainer = make_trainer(request_for(), Packing(8))
    longest = int(trainer.job.plan.examples.lengths.max())
    chosen = choose_with(trainer, monkeypatch, lambda f: 10 if f.loss_chunk < 64 else 10**6, 2_000 * longest)
    assert (chosen.recompute, chosen.loss_chunk) == (True, 32)


def test_too_little_memory_for_one_example_is_said_with_advice(request_for, monkeypatch):
    trainer = make_trainer(request_for(), Packing(8))
    with pytest.raises(HiveMindError, match=r"an example of 1\d\d tokens needs.*lower training.max_length"):
        choose_with(trainer, monkeypatch, 1_000_000, 10_000_000)


def test_a_trial_that_runs_out_of_memory_itself_is_tried_smaller(request_for, monkeypatch):
    trainer = make_trainer(request_for(), Packing(8))

    def measured(footprint):
        if footprint.packing.examples > 1 or not footprint.recompute:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory")
        return 1000

    chosen = choose_with(trainer, monkeypatch, measured, 10**9)
    assert chosen.recompute


def test_what_worked_here_before_is_begun_with(request_for, capsys):
    trainer = make_trainer(request_for(batch_size=8, grad_accum=1), Packing(8))
    job = trainer.job
    assert choose(trainer.model, job, None, "base").packing == Packing(8)
    key = memory_key(job.device.name, "base", job.settings.recipe())
    remember_footprint(key, Footprint(Packing(2), 64, recompute=True), "a test")
    assert remembered_footprint(key) == Footprint(Packing(2), 64, recompute=True)
    assert choose(trainer.model, job, None, "base") == Footprint(Packing(2), 64, recompute=True)
    assert "machine.json; remove it to try anew" in capsys.readouterr().err
    assert choose(trainer.model, job, None, "another base").packing == Packing(8)


def test_the_trial_measures_what_the_tensors_take(request_for):
    """With a wide vocabulary the logits dwarf everything else: they, their log-softmax and its gradient at the most."""
    trainer = make_trainer(request_for(), Packing(8))
    weight = torch.randn(100_000, 32)
    trainer.model.lm_head = torch.nn.Linear(32, 100_000, bias=False)
    trainer.model.lm_head.weight = torch.nn.Parameter(weight, requires_grad=False)
    examples = trainer.job.plan.examples
    trial = memory._trial(trainer.model, examples, Footprint(Packing(20), 10**6), CPU)
    taken, tokens = trial.bytes, trial.tokens
    logits_bytes = int(examples.labelled.sum()) * 100_000 * 4
    assert tokens == len(examples.ids)
    assert logits_bytes < taken < 5 * logits_bytes
    assert all(parameter.grad is None for parameter in trainer.model.parameters())


def test_every_trial_of_the_same_rows_measures_the_same(request_for):
    trainer = make_trainer(request_for(), Packing(8))
    trial = (trainer.model, trainer.job.plan.examples, Footprint(Packing(4), 64), CPU)
    assert memory._trial(*trial).bytes == memory._trial(*trial).bytes


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

"""The memory ladder: every rung takes less, the last one is the end, and none changes what is computed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.device import is_out_of_memory
from hive_mind.files import sha256_file
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import train, validation
from hive_mind.training.batches import Packing
from hive_mind.training.faults import ALLOCATORS_WORDS, VARIABLE
from hive_mind.training.footprint import SMALLEST_CHUNK, Footprint
from hive_mind.training.gradient import OutOfMemory
from hive_mind.training.lessons import machine_file
from hive_mind.training.log import LOG_FILE, read_log
from tests.training.conftest import row, write_rows
from tests.training.test_loop import gradient_of_first_step, make_trainer

footprints = st.builds(
    Footprint,
    st.builds(Packing, st.integers(1, 64), st.none() | st.integers(1, 9000)),
    st.integers(1, 4096),
    st.booleans(),
)


@given(footprints, st.integers(1, 5000))
def test_the_ladder_ends_at_single_examples_with_the_least_kept(footprint, longest):
    rungs = [footprint]
    while (after := rungs[-1].smaller(longest)) is not None:
        assert after.at_most(rungs[-1]) == after
        assert after != rungs[-1]
        rungs.append(after)
        assert len(rungs) < 40
    last = rungs[-1]
    assert last.recompute
    assert last.loss_chunk <= max(SMALLEST_CHUNK, footprint.loss_chunk)
    assert last.packing.examples == 1 or last.packing.tokens <= longest


@given(footprints)
def test_it_survives_a_checkpoint(footprint):
    assert Footprint.from_dict(footprint.to_dict()) == footprint


def test_activations_computed_twice_change_no_bit(request_for):
    trainers = [make_trainer(request_for(), Packing(4)) for _ in range(2)]
    trainers[1].gradient.use(Footprint(Packing(4), 64, recompute=True))
    one, other = (gradient_of_first_step(trainer, []) for trainer in trainers)
    assert torch.equal(one, other)


def test_they_do_so_with_dropout_as_well(request_for):
    trainers = [make_trainer(request_for(lora_dropout=0.3), Packing(4)) for _ in range(2)]
    trainers[1].gradient.use(Footprint(Packing(4), 64, recompute=True))
    with torch.no_grad():
        for trainer in trainers:
            for name, parameter in trainer.parameters.items():
                if "lora_B" in name:
                    parameter.fill_(0.01)
    one, other = (gradient_of_first_step(trainer, []) for trainer in trainers)
    assert torch.equal(one, other)


def test_less_is_kept_for_the_backward_pass(request_for):
    from hive_mind.training.memory import _trial
    from tests.training.test_memory import CPU

    trainer = make_trainer(request_for(), Packing(8))
    examples = trainer.job.plan.examples
    kept, twice = (
        _trial(trainer.model, examples, Footprint(Packing(20), 16, recompute), CPU) for recompute in (False, True)
    )
    assert kept.tokens == twice.tokens
    assert twice.bytes < 0.75 * kept.bytes


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("HIP out of memory"), RuntimeError(ALLOCATORS_WORDS),
    ],
)  # fmt: skip
def test_lack_of_memory_is_recognised(error):
    assert is_out_of_memory(error)


def test_other_errors_are_none():
    assert not is_out_of_memory(RuntimeError("shape '[2]' is invalid"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_micro_batch_too_large_is_halved_and_the_result_is_the_same(request_for, monkeypatch):
    whole = train(request_for("models/whole_v1"))
    monkeypatch.setenv(VARIABLE, "out_of_memory:above=1:always")
    result = train(request_for("models/halved_v1", batch_size=4, grad_accum=2))
    assert result.run["batch"] == {"micro": 1, "micro_tokens": None, "accumulation": 8, "effective": 8}
    assert result.run["memory"]["recompute"] is False
    first, second = result.run["issues"]
    assert first.startswith("step 1 ran out of memory with micro-batches of 4 examples")
    assert "continued, with micro-batches of 1 example," in second
    losses = [[row["loss"] for row in read_log(each.folder / LOG_FILE)] for each in (whole, result)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert machine_file().is_file()


def test_the_next_run_begins_with_what_worked(request_for, monkeypatch):
    monkeypatch.setenv(VARIABLE, "out_of_memory:above=1:always")
    train(request_for("models/first_v1"))
    again = train(request_for("models/second_v1", seed=1))
    assert again.run["issues"] == []
    assert again.run["batch"]["micro"] == 1


def test_where_nothing_is_small_enough_it_says_what_to_do(request_for, monkeypatch):
    monkeypatch.setenv(VARIABLE, "out_of_memory:above=0:step=2:always")
    request = request_for(checkpoint_every_steps=1)
    with pytest.raises(OutOfMemory, match=r"step 2 ran out of memory even with.*lower training.max_length"):
        train(request)
    assert [path.name for path in (request.output / "checkpoints").iterdir()] == ["step-00000001"]


def test_validation_has_a_ladder_of_its_own(request_for, monkeypatch, tmp_path, capsys):
    rows = write_rows(tmp_path / "validation.jsonl", [row(number) for number in range(30, 36)])
    whole = train(request_for("models/whole_v1", rows))
    monkeypatch.setenv(VARIABLE, "out_of_memory:at=validation:above=2:always")
    result = train(request_for("models/halved_v1", rows))
    assert "the validation loss ran out of memory with 6 examples at once" in capsys.readouterr().err
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)
    assert result.metrics["validation_loss"] == pytest.approx(whole.metrics["validation_loss"], rel=1e-6)
    assert result.run["batch"]["micro"] == 2


def test_validation_that_fits_in_nothing_says_so(request_for, monkeypatch, tmp_path):
    rows = write_rows(tmp_path / "validation.jsonl", [row(number) for number in range(30, 36)])
    monkeypatch.setenv(VARIABLE, "out_of_memory:at=validation:above=0:always")
    with pytest.raises(OutOfMemory, match="the validation loss ran out of memory even with"):
        train(request_for(validation=rows))
    assert validation.PACKING.examples == 64

"""The loop computes what a plain reference computes, however a step is split; broken numbers are not learnt from."""

import math

import orjson
import pytest
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model

from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.device import Device, pick
from hive_mind.errors import HiveMindError
from hive_mind.model import lora
from hive_mind.model.base import load_model
from hive_mind.training import gradient, train
from hive_mind.training.batches import Packing, Plan
from hive_mind.training.footprint import Footprint
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.job import Job
from hive_mind.training.log import LOG_FILE, TrainerLog, read_log
from hive_mind.training.loop import Trainer
from hive_mind.training.optimizer import learning_rate
from hive_mind.training.tokens import tokenise
from tests.model.test_qwen2 import reference
from tests.training.conftest import row, write_rows


def make_trainer(request, packing, dtype=torch.float32, device="cpu"):
    settings = request.settings
    device = Device(torch.device(device), dtype, "test")
    model = load_model(request.base, device)
    lora.attach(model, settings.lora_r, settings.lora_alpha, settings.seed)
    examples = tokenise(request.dataset, load_tokenizer(request.base.folder), settings.max_length).examples
    plan = Plan(examples, settings.step_size, settings.epochs, settings.seed, settings.max_steps)
    job = Job(plan, None, settings, device, request.output / "checkpoints", {})
    return Trainer(model, job, Footprint(packing, 64))


def gradient_of_first_step(trainer, captured):
    """Run one step and return the gradient as it was before clipping."""

    def capture(parameters, limit):
        captured.append(torch.cat([parameter.grad.flatten().clone() for parameter in parameters]))
        return torch.nn.utils.get_total_norm([captured[-1]])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", lambda parameters, limit: capture(list(parameters), limit))
        trainer._step(next(trainer.job.plan.steps()), StopRequest())
    return captured[-1]


def distance(one, other):
    return float((one - other).detach().norm() / other.detach().norm())


@pytest.fixture
def mixed(tmp_path):
    """Rows of very unlike lengths, so that a wrong division by micro-batch would show."""
    rows = [row(number) for number in range(16)]
    for number in (3, 8):
        rows[number]["messages"][1]["content"] = "a much longer answer " * 6
    return write_rows(tmp_path / "mixed.jsonl", rows)


def test_the_split_of_a_step_does_not_change_its_gradient(request_for, mixed):
    request = request_for(data=mixed, batch_size=16, grad_accum=1, lora_r=4)
    packings = [Packing(16), Packing(8), Packing(2), Packing(1), Packing(16, tokens=300), Packing(5)]
    gradients = [gradient_of_first_step(make_trainer(request, packing), []) for packing in packings]
    assert gradients[0].norm() > 0
    for other in gradients[1:]:
        assert distance(other, gradients[0]) < 1e-6


def test_the_filler_of_rounded_micro_batches_does_not_change_the_gradient(request_for, mixed):
    request = request_for(data=mixed, batch_size=16, grad_accum=1)
    plain, rounded = make_trainer(request, Packing(5)), make_trainer(request, Packing(5))
    rounded.gradient.rounded = True
    assert distance(gradient_of_first_step(rounded, []), gradient_of_first_step(plain, [])) < 1e-6


def test_bf16_gradients_are_those_of_fp32_within_their_rounding(request_for, mixed):
    request = request_for(data=mixed, batch_size=16, grad_accum=1)
    exact = gradient_of_first_step(make_trainer(request, Packing(16)), [])
    rough = gradient_of_first_step(make_trainer(request, Packing(16), torch.bfloat16), [])
    assert 0 < distance(rough, exact) < 0.05


def plain_reference(trainer, plain, dtype=torch.float32):
    """HF model `plain` + PEFT, one example at a time, full logits, AdamW as torch writes it.

    Yields each step's loss and the adapter's tensors after it.
    """
    settings, plan = trainer.job.settings, trainer.job.plan
    config = LoraConfig(r=settings.lora_r, lora_alpha=settings.lora_alpha, target_modules=list(lora.TARGETS))
    theirs = get_peft_model(plain, config).to(dtype)
    start = {
        name.replace(".weight", ".default.weight"): tensor
        for name, tensor in lora.lora_parameters(trainer.model).items()
    }
    theirs.load_state_dict(start, strict=False)
    trained = {name: parameter for name, parameter in theirs.named_parameters() if parameter.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=1.0, weight_decay=settings.weight_decay, fused=False)
    for step in plan.steps():
        total = 0.0
        for index in step.indices:
            rendered = plan.examples.example(index)
            ids, learnt = torch.tensor(rendered.input_ids), torch.tensor(rendered.labelled)
            logits = theirs(ids[None]).logits[0]
            loss = F.cross_entropy(logits[:-1][learnt[1:]], ids[1:][learnt[1:]], reduction="sum") / step.labelled_tokens
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(trained.values(), settings.max_grad_norm)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step.number, plan.total_steps, settings.learning_rate, settings.warmup_share)
        optimizer.step()
        optimizer.zero_grad()
        yield total, {name.replace(".default", ""): parameter for name, parameter in trained.items()}


def test_training_follows_a_plain_reference(request_for, mixed, tmp_path):
    request = request_for(data=mixed, batch_size=3, grad_accum=2, epochs=4, warmup_share=0.2, max_grad_norm=0.5)
    trainer = make_trainer(request, Packing(3))
    expected = plain_reference(trainer, reference(load_model(request.base, pick("cpu", "fp32"))))
    for step in trainer.job.plan.steps():
        loss, tensors = next(expected)
        found = trainer._step(step, StopRequest())
        assert found["loss"] == pytest.approx(loss, rel=1e-5)
        assert step.number < 6 or found["loss"] < 6
        for name, parameter in trainer.parameters.items():
            assert distance(parameter, tensors[name]) < 1e-3
    assert step.number == 12


def break_steps(monkeypatch, broken, per_step):
    """Make the loss of the micro-batches of the steps in `broken` not a number."""
    calls = iter(range(10**6))
    right = gradient.scaled_loss

    def wrong(*arguments):
        loss = right(*arguments)
        return loss * math.nan if next(calls) // per_step + 1 in broken else loss

    monkeypatch.setattr(gradient, "scaled_loss", wrong)


def test_a_step_that_is_not_finite_is_skipped_counted_and_recorded(request_for, monkeypatch):
    break_steps(monkeypatch, {2}, per_step=1)
    result = train(request_for(batch_size=8, grad_accum=1))
    rows = [row for row in read_log(result.folder / LOG_FILE) if "loss" in row]
    assert [row["loss"] is None for row in rows] == [False, True, False, False, False, False]
    assert result.metrics["skipped_steps"] == 1
    (issue,) = result.run["issues"]
    assert issue.startswith("step 2 was skipped")
    assert "rows" in issue
    assert all(torch.isfinite(p).all() for p in _saved(result.folder).values())


def test_skipping_leaves_adapter_and_optimizer_as_they_were(request_for, monkeypatch):
    break_steps(monkeypatch, {2}, per_step=1)
    trainer = make_trainer(request_for(), Packing(8))
    steps = trainer.job.plan.steps()
    trainer._step(next(steps), StopRequest())
    before = {name: parameter.detach().clone() for name, parameter in trainer.parameters.items()}
    assert trainer._step(next(steps), StopRequest())["loss"] is None
    assert all(torch.equal(before[name], parameter) for name, parameter in trainer.parameters.items())
    assert trainer.good.step == 1
    assert trainer.progress.step == 2


def test_too_many_bad_steps_in_a_row_stop_the_run_with_the_last_good_state(request_for, monkeypatch):
    break_steps(monkeypatch, {3, 4, 5, 6}, per_step=1)
    request = request_for(batch_size=8, grad_accum=1, max_bad_steps=3)
    with pytest.raises(HiveMindError, match=r"3 steps in a row, up to step 5.*after step 2 is saved.*learning_rate"):
        train(request)
    (kept,) = (request.output / "checkpoints").iterdir()
    assert orjson.loads((kept / "state.json").read_bytes())["step"] == 2
    assert not (request.output / lora.WEIGHTS_FILE).exists()


def test_a_run_that_never_had_a_finite_step_saves_nothing(request_for, monkeypatch):
    break_steps(monkeypatch, set(range(100)), per_step=1)
    request = request_for(batch_size=8, grad_accum=1)
    with pytest.raises(HiveMindError, match="no step had succeeded"):
        train(request)
    assert not (request.output / "checkpoints").exists()


def test_an_adapter_that_did_not_move_is_not_a_version(request_for, monkeypatch):
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: None)
    monkeypatch.setattr(Trainer, "save", lambda self: None)
    request = request_for()
    with pytest.raises(HiveMindError, match="did not move"):
        train(request)
    assert not (request.output / lora.WEIGHTS_FILE).exists()


def test_the_collector_runs_again_after_training(request_for):
    import gc

    train(request_for(max_steps=1))
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_the_log_is_written_as_steps_are_done(request_for, tmp_path, monkeypatch):
    """Each row is in the file before the next step begins, so that `tail -f` follows."""
    seen = []
    right = Trainer._launch

    def watched(self, step, stop):
        seen.append(len(read_log(tmp_path / "models" / "small_v1" / LOG_FILE)))
        return right(self, step, stop)

    monkeypatch.setattr(Trainer, "_launch", watched)
    train(request_for(batch_size=8, grad_accum=1))
    assert seen == [0, 1, 2, 3, 4, 5]


def test_a_log_is_cut_back_to_the_step_that_is_continued(tmp_path):
    with TrainerLog(tmp_path) as log:
        for step in range(1, 6):
            log.write({"step": step, "loss": 1.0})
            log.write_validation({"step": step, "validation_loss": 1.0})
    with open(tmp_path / LOG_FILE, "ab") as file:
        file.write(b'{"step": 6, "lo')
    with TrainerLog(tmp_path, keep_until=3) as log:
        assert log.validated == 3
        log.write({"step": 4, "loss": 2.0})
    assert [row["step"] for row in read_log(tmp_path / LOG_FILE)] == [1, 1, 2, 2, 3, 3, 4]


def _saved(folder):
    from safetensors.torch import load_file

    return load_file(folder / lora.WEIGHTS_FILE)

"""Training computes the plain recipe: to 1e-9 in fp64, in several processes as in one, the same bits on every run."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import torch
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

from hive_mind.device import Device, cpu_count, free_memory
from hive_mind.model import lora
from hive_mind.model.attention import Layout
from hive_mind.model.base import load_model
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.model.qwen2 import Qwen2, Qwen2Config
from hive_mind.training import train
from hive_mind.training.batches import Packing
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.log import LOG_FILE, read_log
from hive_mind.training.loss import scaled_loss
from tests.model.test_qwen2 import reference
from tests.small_base import small_config
from tests.training.conftest import row, write_rows
from tests.training.test_loop import distance, make_trainer, plain_reference

ROOT = Path(__file__).parent.parent.parent
STEPS = 20
QWEN = Qwen2Config(
    vocab_size=151_936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
    num_key_value_heads=2,
)  # fmt: skip


@pytest.fixture
def eighty_rows(tmp_path):
    rows = [row(number) for number in range(80)]
    for number in range(0, 80, 7):
        rows[number]["messages"][1]["content"] = "a longer answer " * (1 + number // 20)
    return write_rows(tmp_path / "eighty.jsonl", rows)


def in_fp64(trainer):
    """The trainer with fp64 masters under the same settings."""
    trainer.model.double()
    settings = trainer.job.settings
    trainer.parameters = lora.lora_parameters(trainer.model)
    trainer.optimizer = torch.optim.AdamW(
        trainer.parameters.values(), lr=1.0, betas=settings.betas, weight_decay=0.0, fused=True
    )
    return trainer


def plain_fp64(base, trainer):
    """The plain reference in fp64, norms too: transformers' own compute in fp32 whatever they are given."""
    plain = reference(load_model(base, Device(torch.device("cpu"), torch.float32, "test"))).double()
    plain.set_attn_implementation("sdpa")
    for module in plain.modules():
        if isinstance(module, Qwen2RMSNorm):
            module.forward = lambda x, norm=module: (
                norm.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + norm.variance_epsilon)
            )
    return plain_reference(trainer, plain, torch.float64)


def test_twenty_steps_in_fp64_follow_the_plain_recipe_to_1e_9(request_for, eighty_rows, base):
    request = request_for(data=eighty_rows, batch_size=4, grad_accum=4, epochs=4, max_steps=STEPS, max_grad_norm=0.5)
    trainer = in_fp64(make_trainer(request, Packing(4)))
    expected = plain_fp64(base, trainer)
    for step in trainer.job.plan.steps():
        loss, tensors = next(expected)
        assert trainer._step(step, StopRequest())["loss"] == pytest.approx(loss, rel=1e-9)
        for name, parameter in trainer.parameters.items():
            assert distance(parameter, tensors[name]) < 1e-9
    assert step.number == STEPS


def log_of(folder):
    return [(line["loss"], line["grad_norm"]) for line in read_log(folder / LOG_FILE) if line.get("loss") is not None]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_run_repeated_gives_the_same_bits(request_for, dropout):
    results = [train(request_for(f"models/run{turn}_v1", lora_dropout=dropout)) for turn in range(2)]
    first, second = ((result.folder / WEIGHTS_FILE).read_bytes() for result in results)
    assert first == second


def test_dropout_changes_the_training_under_the_seed_alone_and_no_validation(request_for, dataset):
    losses = {}
    for name, changes in (("none", {}), ("some", {"lora_dropout": 0.5}), ("other", {"lora_dropout": 0.5, "seed": 43})):
        result = train(request_for(f"models/{name}_v1", validation=dataset, **changes))
        losses[name] = log_of(result.folder)
        assert result.run["settings"]["lora_dropout"] == changes.get("lora_dropout", 0.0)
        config = orjson.loads((result.folder / lora.CONFIG_FILE).read_bytes())
        assert config["lora_dropout"] == changes.get("lora_dropout", 0.0)
    assert losses["none"][0] == pytest.approx(losses["some"][0], rel=0.2)  # B is zero: nothing is dropped of nothing
    assert losses["none"][1:] != losses["some"][1:] != losses["other"][1:]


PROCESS = """
import sys
from pathlib import Path
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.training import TrainRequest, TrainingSettings, train
data, base, output, settings = sys.argv[1:]
base, settings = resolve_base(ModelSettings(base=base)), TrainingSettings.model_validate_json(settings)
train(TrainRequest(Path(data), base, settings, Path(output)))
"""


@pytest.mark.timeout(180)
def test_two_processes_train_what_one_does(request_for, eighty_rows, tmp_path):
    """Seven micro-batches a step, the last of an epoch fewer, so that the processes' shares are unlike."""
    changes = {"batch_size": 3, "grad_accum": 5, "epochs": 1, "learning_rate": 1e-3, "max_grad_norm": 1e9}
    request = request_for("models/one_v1", data=eighty_rows, **changes)
    alone = train(request)
    (tmp_path / "process.py").write_text(PROCESS)
    output = tmp_path / "models" / "two_v1"
    settings = orjson.dumps(request.settings.model_dump(mode="json")).decode()
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        str(tmp_path / "process.py"), str(eighty_rows), str(request.base.folder), str(output), settings,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("trained: ") == 1
    for one, two in zip(log_of(alone.folder), log_of(output), strict=True):
        assert two == pytest.approx(one, rel=1e-5)
    from safetensors.torch import load_file

    first, second = (load_file(folder / WEIGHTS_FILE) for folder in (alone.folder, output))
    assert all(distance(second[name].float(), first[name].float()) < 2e-2 for name in first)  # both rounded to bf16


def losses_of_thirty_steps(dtype: torch.dtype, layers: int) -> list[float]:
    """Train a random model of Qwen2.5-0.5B's shape, or its first layers, for thirty steps of two short rows."""
    config = replace(QWEN, num_hidden_layers=layers)
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        model = Qwen2(config)
    tensors = {name: torch.ones(p.shape) for name, p in model.named_parameters()}
    for name, tensor in tensors.items():
        if "norm" not in name:
            tensor.normal_(0, 0.02, generator=generator)
    # both formats start from the same numbers: those that bf16 can hold
    model.load_state_dict({name: tensor.bfloat16().to(dtype) for name, tensor in tensors.items()}, assign=True)
    model.inverse_frequencies = Qwen2(small_config(hidden_size=4 * 64)).inverse_frequencies
    model.requires_grad_(False)
    lora.attach(model, 16, 32, seed=0)
    parameters = lora.lora_parameters(model)
    optimizer = torch.optim.AdamW(parameters.values(), lr=2e-4, weight_decay=0.0, fused=True)
    losses = []
    for step in range(30):
        lengths = [int(n) for n in torch.randint(12, 32, (2,), generator=generator)]
        ids = torch.randint(0, QWEN.vocab_size, (sum(lengths),), generator=generator)
        rows = torch.cat([torch.arange(4, lengths[0] - 1), torch.arange(lengths[0] + 4, sum(lengths) - 1)])
        hidden = model.hidden(ids, Layout.from_lengths(lengths)).index_select(0, rows)
        loss = scaled_loss(hidden, model.output_weight, ids[rows + 1], 512, 1 / len(rows))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        assert math.isfinite(losses[step])
    return losses


@pytest.mark.timeout(600)
@pytest.mark.skipif(free_memory(torch.device("cpu")) < 10 << 30, reason="a fp32 model of the 0.5 B shape needs 10 GB")
@pytest.mark.parametrize("layers", [4, pytest.param(QWEN.num_hidden_layers, marks=pytest.mark.long)])
def test_bf16_losses_scatter_around_those_of_fp32(one_thread, layers: int) -> None:
    """The rounding may scatter, it must not lean: the residual's mean is zero within three standard errors."""
    torch.set_num_threads(cpu_count() if layers == QWEN.num_hidden_layers else 1)
    rough, exact = (torch.tensor(losses_of_thirty_steps(dtype, layers)) for dtype in (torch.bfloat16, torch.float32))
    residual = (rough - exact).double()
    error = residual.std() / math.sqrt(len(residual))
    print(f"residual: mean {residual.mean():.2e}, standard error {error:.2e}, losses {exact[0]:.3f} to {exact[-1]:.3f}")
    assert residual.abs().max() < 0.05
    assert residual.mean().abs() < 3 * error

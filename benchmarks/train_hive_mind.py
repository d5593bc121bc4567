"""The product's own trainer as a worker of the training benchmark: `Trainer.run` itself, held up before every step.

    python train_hive_mind.py BASE ROWS SCRATCH [--batch-size auto|N] [--tokens N]

What is timed is one call of the trainer's step: collation, forward, backward, clipping, AdamW. The settings are those
of `hive-mind train` with what the benchmark gives every side (no warm-up); the micro-batch is chosen as there.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from train_protocol import STEP, Channel, peak_memory

from hive_mind.device import keep_freed_memory, pick, versions
from hive_mind.model.base import ModelSettings, load_model, resolve_base
from hive_mind.model.lora import attach, lora_parameters
from hive_mind.model.qwen2 import Qwen2Config
from hive_mind.training.batches import Packing, Plan, Step, epoch_order
from hive_mind.training.compiling import choose_kernels
from hive_mind.training.footprint import Footprint
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.job import Job
from hive_mind.training.log import TrainerLog
from hive_mind.training.loop import Launched, Trainer
from hive_mind.training.loss import chunk_rows
from hive_mind.training.memory import choose
from hive_mind.training.settings import TrainingSettings
from hive_mind.training.tokens import Examples

MATRIX_RATE = "matrix_rate"
TRIES = 8


def examples_in_order(file: Path, seed: int) -> Examples:
    """Read the rows and lay them out so that the plan's order under the seed is the order of the file."""
    with np.load(file) as rows:
        ids, labelled, lengths = rows["ids"], rows["labelled"], rows["lengths"]
    ends = np.cumsum(lengths)
    file_row = np.empty(len(lengths), dtype=np.int64)
    file_row[epoch_order(len(lengths), seed, 0)] = np.arange(len(lengths))
    places = np.concatenate([np.arange(ends[row] - lengths[row], ends[row]) for row in file_row])
    offsets = np.concatenate(([0], np.cumsum(lengths[file_row])))
    source = np.zeros(len(lengths), dtype=np.int16)
    return Examples(ids[places], labelled[places], offsets, source, (file_row + 1).astype(np.int32), ("rows",))


class HeldTrainer(Trainer):
    """The trainer, which does a step when it is told to and says what the step took."""

    channel: Channel
    began: float

    def _launch(self, step: Step, stop: StopRequest) -> Launched:
        while (word := self.channel.wait()) == MATRIX_RATE:
            self.channel.answer(**matrix_rate(self))
        if word != STEP:
            raise Finished
        self.ahead = False  # each step is timed alone
        self.began = time.perf_counter()
        return super()._launch(step, stop)

    def _settle(self, launched: Launched) -> dict[str, Any]:
        row, step = super()._settle(launched), launched.step
        if self.job.device.is_gpu:
            torch.cuda.synchronize()
        self.channel.answer(
            seconds=time.perf_counter() - self.began, loss=row["loss"], tokens=step.tokens,
            labelled_tokens=step.labelled_tokens,
            peak_memory_bytes=torch.cuda.max_memory_allocated() if self.job.device.is_gpu else peak_memory(),
        )  # fmt: skip
        return row


class Finished(Exception):
    """The driver wants no more steps."""


def matrix_rate(trainer: Trainer) -> dict[str, Any]:
    """Measure the best rate of a step's own matrix products in the model's format, in FLOP a second."""
    config, plan = trainer.model.config, trainer.job.plan
    step = next(plan.steps())
    lengths = [int(trainer.gradient.lengths[index]) for index in step.indices]
    tokens = max(
        sum(int(trainer.gradient.lengths[index]) for index in part)
        for part in trainer.gradient.footprint.packing.split(step.indices, lengths)
    )
    labelled = min(trainer.gradient.footprint.loss_chunk, step.labelled_tokens)
    device, dtype = trainer.job.device.torch_device, trainer.model.dtype
    rates = {}
    for rows, inputs, outputs in matrix_shapes(config, tokens, labelled):
        x = torch.randn(rows, inputs, device=device, dtype=dtype)
        weight = torch.randn(outputs, inputs, device=device, dtype=dtype)
        seconds = min(product_seconds(x, weight) for _ in range(TRIES))
        rates[f"{rows}x{inputs}x{outputs}"] = 2 * rows * inputs * outputs / seconds
    return {"best": max(rates.values()), "rates": rates, "dtype": str(dtype).removeprefix("torch.")}


def matrix_shapes(config: Qwen2Config, tokens: int, labelled: int) -> list[tuple[int, int, int]]:
    """Return (rows, inputs, outputs) of the products that make up nearly all of a step."""
    hidden, wide = config.hidden_size, config.intermediate_size
    return [(tokens, hidden, wide), (tokens, wide, hidden), (tokens, hidden, hidden),
            (labelled, hidden, config.vocab_size)]  # fmt: skip


def product_seconds(x: torch.Tensor, weight: torch.Tensor) -> float:
    """Time one product x @ weight.T."""
    began = time.perf_counter()
    F.linear(x, weight)
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began


def multiplied_with(config: Qwen2Config) -> dict[str, int]:
    """Return how many numbers a token, and a labelled token, is multiplied with: what a step's arithmetic is from."""
    hidden, head = config.hidden_size, config.head_dim
    attention = 2 * hidden * hidden + 2 * hidden * head * config.num_key_value_heads
    layer = attention + 3 * hidden * config.intermediate_size
    return {"linear_parameters": config.num_hidden_layers * layer, "output_parameters": config.vocab_size * hidden}


def make_trainer(arguments: argparse.Namespace, channel: Channel) -> HeldTrainer:
    """Make the trainer as `hive-mind train` does, on rows that are tokens already."""
    wanted = {"batch_size": "auto"} if arguments.batch_size == "auto" else _fixed(int(arguments.batch_size))
    settings = TrainingSettings(epochs=1, warmup_share=0.0, **wanted)
    examples = examples_in_order(arguments.rows / "rows.npz", settings.seed)
    plan = Plan(examples, settings.step_size, 1, settings.seed)
    device = pick(settings.device, settings.dtype)
    keep_freed_memory()
    base = resolve_base(ModelSettings(base=str(arguments.base)))
    model = load_model(base, device)
    attach(model, settings.lora_r, settings.lora_alpha, settings.seed)
    kernels = choose_kernels(settings.compile, model)
    job = Job(plan, None, settings, device, arguments.scratch / "checkpoints", {}, kernels)
    if arguments.tokens:  # no trial then, which takes more memory than such micro-batches do
        chunk = chunk_rows(settings.loss_chunk, model.config.vocab_size)
        footprint = Footprint(Packing(settings.step_size, arguments.tokens), chunk)
    else:
        footprint = choose(model, job, None, base.digest)
    trainer = HeldTrainer(model, job, footprint)
    trainer.channel = channel
    return trainer


def _fixed(examples: int) -> dict[str, int]:
    return {"batch_size": examples, "grad_accum": 16 // examples}


def main() -> None:
    """Serve the driver until it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("rows", type=Path, help="folder with rows.npz of train_rows.py")
    parser.add_argument("scratch", type=Path, help="a folder for the trainer's log")
    parser.add_argument("--batch-size", default="auto", help="auto, or examples in a micro-batch")
    parser.add_argument("--tokens", type=int, help="at most so many tokens in a micro-batch, in place of --batch-size")
    arguments = parser.parse_args()
    channel = Channel()
    trainer = make_trainer(arguments, channel)
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    channel.ready(
        versions=versions()["libraries"], device=trainer.job.device.name, dtype=str(trainer.model.dtype),
        trainable=sum(parameter.numel() for parameter in lora_parameters(trainer.model).values()),
        micro_batch=asdict(trainer.gradient.footprint.packing), threads=torch.get_num_threads(),
        **multiplied_with(trainer.model.config),
    )  # fmt: skip
    with TrainerLog(arguments.scratch) as log, StopRequest() as stop:
        try:
            trainer.run(log, stop)
        except Finished:
            return
        while channel.wait() == MATRIX_RATE:
            channel.answer(**matrix_rate(trainer))


if __name__ == "__main__":
    main()

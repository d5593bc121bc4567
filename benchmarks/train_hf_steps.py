"""What the workers that use transformers' Trainer have in common: settings, rows, and the hold before each step.

A callback holds the trainer up where one step has been logged and the next one's rows are not collated yet, so that a
step's seconds are those of collation, forward, backward, clipping and optimizer, as on the other side.
"""

from __future__ import annotations

import argparse
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from train_protocol import STEP, Channel, Clock, peak_memory
from transformers import TrainerCallback

STEP_SIZE = 16
IGNORED = -100
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": TARGETS, "task_type": "CAUSAL_LM"}
PACKAGES = ("torch", "transformers", "peft", "accelerate", "datasets", "trl", "liger-kernel", "unsloth", "llamafactory")
DTYPES = {"torch.bfloat16": torch.bfloat16, "torch.float32": torch.float32}


def parser(about):
    """Return a parser of what every such worker is given."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("base", type=Path, help="folder of the base model")
    made.add_argument("rows", type=Path, help="folder with rows.npz and rows.jsonl of train_rows.py")
    made.add_argument("scratch", type=Path, help="folder for what the trainer writes")
    made.add_argument("--micro-batch", type=int, default=1, help="rows in a micro-batch")
    made.add_argument("--checkpointing", action="store_true", help="gradient checkpointing")
    made.add_argument("--dtype", choices=DTYPES, default="torch.bfloat16", help="format of base and products")
    return made


def trainer_settings(arguments):
    """Return the settings for TrainingArguments or a class made from it: the same recipe as the other side's."""
    return {
        "output_dir": str(arguments.scratch), "per_device_train_batch_size": arguments.micro_batch,
        "gradient_accumulation_steps": STEP_SIZE // arguments.micro_batch, "num_train_epochs": 1,
        "learning_rate": 2e-4, "lr_scheduler_type": "cosine", "warmup_steps": 0, "weight_decay": 0.0,
        "max_grad_norm": 1.0, "gradient_checkpointing": arguments.checkpointing, "logging_steps": 1,
        "save_strategy": "no", "report_to": "none", "disable_tqdm": True, "train_sampling_strategy": "sequential",
        "bf16": arguments.dtype == "torch.bfloat16", "use_cpu": not torch.cuda.is_available(), "seed": 42,
        "dataloader_pin_memory": torch.cuda.is_available(),
    }  # fmt: skip


def token_rows(folder):
    """Return the rows as {"input_ids", "labels"}, in the order of the file."""
    with np.load(folder / "rows.npz") as file:
        ids, labelled, lengths = file["ids"], file["labelled"], file["lengths"]
    labels = np.where(labelled, ids, IGNORED)
    cuts = np.cumsum(lengths)[:-1]
    return [
        {"input_ids": one.tolist(), "labels": learnt.tolist()}
        for one, learnt in zip(np.split(ids, cuts), np.split(labels, cuts), strict=True)
    ]


def step_counts(rows):
    """Return (tokens, labelled tokens) of each step; a first token is never predicted."""
    lengths = [len(row["input_ids"]) for row in rows]
    learnt = [sum(label != IGNORED for label in row["labels"][1:]) for row in rows]
    starts = range(0, len(lengths), STEP_SIZE)
    return [(sum(lengths[start : start + STEP_SIZE]), sum(learnt[start : start + STEP_SIZE])) for start in starts]


class Held(TrainerCallback):
    """Answers the driver: a step is done when it asks for one. Tokens are counted in the rows that the trainer has."""

    def __init__(self, channel: Channel, about=None):
        self.channel, self.about = channel, about or {}
        self.counts = []
        self.clock, self.seconds = Clock(), 0.0

    def on_train_begin(self, args, state, control, model=None, train_dataloader=None, **others):
        rows = train_dataloader.dataset
        self.counts = step_counts(rows)
        about = {"checkpointing": args.gradient_checkpointing, **self.about}
        self.channel.ready(
            rows=len(rows), tokens=sum(tokens for tokens, _ in self.counts),
            versions=installed(), dtype=str(model.dtype), threads=torch.get_num_threads(),
            trainable=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
            micro_batch={"examples": args.per_device_train_batch_size},
            optimizer=str(getattr(args.optim, "value", args.optim)), **about,
        )  # fmt: skip
        self.wait()

    def on_step_end(self, args, state, control, **others):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds = self.clock.read()

    def on_log(self, args, state, control, logs=None, **others):
        if "loss" not in logs:
            return
        tokens, labelled = self.counts[state.global_step - 1]
        self.channel.answer(
            seconds=self.seconds, loss=logs["loss"], tokens=tokens, labelled_tokens=labelled,
            peak_memory_bytes=most_memory(),
        )  # fmt: skip
        self.wait()

    def wait(self):
        if self.channel.wait() != STEP:
            raise SystemExit(0)
        self.clock.start()


def most_memory():
    """Return the peak of the memory that matters: the GPU's where there is one, else the process's."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else peak_memory()


def installed():
    """Return the versions of those packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

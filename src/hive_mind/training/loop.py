"""The training loop: steps over fixed sets of examples, all of it resumable; a GPU is never waited for in a step."""

from __future__ import annotations

import copy
import gc
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from hive_mind.device import Device, peak_memory
from hive_mind.errors import HiveMindError, Interrupted
from hive_mind.model.kernels import EAGER, Kernels
from hive_mind.model.lora import load_tensors, lora_parameters, pack_weights, set_dropout
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import utc_now
from hive_mind.training.batches import MicroBatch, Packing, Plan, Step, collate, wants_rounding
from hive_mind.training.checkpoint import Checkpoint, keep_newest, random_states, restore_random_states, save_checkpoint
from hive_mind.training.console import step_line
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.log import TrainerLog
from hive_mind.training.loss import scaled_loss
from hive_mind.training.optimizer import learning_rate, make_optimizer, optimizer_tensors, restore_optimizer
from hive_mind.training.processes import ALONE, Processes
from hive_mind.training.settings import TrainingSettings
from hive_mind.training.side_by_side import pool_of, worker_count
from hive_mind.training.tokens import Examples
from hive_mind.training.validation import validation_loss

FORMAT = 1
"""What the `state` of a checkpoint is made of; another number cannot be continued."""


@dataclass
class Progress:
    """How far a run is; every checkpoint holds it. `seconds` and token counts add up over interrupted parts."""

    started: str = field(default_factory=utc_now)
    step: int = 0
    consumed: int = 0
    seconds: float = 0.0
    tokens: int = 0
    labelled_tokens: int = 0
    skipped: int = 0
    peak_memory: int = 0
    issues: list[str] = field(default_factory=list)
    resumed_from: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """What is trained on what, and where its checkpoints go. `identity` says which run a checkpoint belongs to."""

    plan: Plan
    validation: Examples | None
    settings: TrainingSettings
    device: Device
    loss_chunk: int
    checkpoints: Path
    identity: dict[str, Any]
    kernels: Kernels = EAGER
    processes: Processes = ALONE


@dataclass(frozen=True)
class Launched:
    """A step whose work was given to the device. numbers (2,) on the device: its loss and gradient norm."""

    step: Step
    numbers: torch.Tensor
    rate: float
    started: float


class Trainer:
    """Trains the adapters attached to `model`. `good` is the progress at the last step whose numbers were finite."""

    def __init__(self, model: Qwen2, job: Job, packing: Packing) -> None:
        self.model, self.job, self.packing = model, job, packing
        model.use_kernels(job.kernels)
        set_dropout(model, job.settings.lora_dropout)
        pack_weights(model)
        self.parameters = lora_parameters(model)
        self.optimizer = make_optimizer(self.parameters, job.settings)
        self.lengths = job.plan.examples.lengths
        self.rounded = wants_rounding(model)
        self.workers = 1
        self.pool: ThreadPoolExecutor | None = None
        self.ahead = job.device.is_gpu and job.processes.world == 1
        self.in_flight: deque[Launched] = deque()
        self.settled_at = 0.0
        self.progress = Progress()
        self.good = Progress()
        self.saved_step, self.saved_at = 0, time.monotonic()
        every = job.settings.validate_every
        self.validation_steps = job.plan.milestones(every) if every is not None else frozenset()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, in the packing that it was trained with."""
        load_tensors(self.model, checkpoint.tensors["adapter"], str(checkpoint.folder))
        restore_optimizer(self.optimizer, self.parameters, checkpoint.tensors["optimizer"])
        restore_random_states(checkpoint.tensors["random"])
        self.packing = Packing(**checkpoint.state["packing"])
        self.progress = Progress(**checkpoint.state["progress"])
        self.good = copy.deepcopy(self.progress)
        self.progress.resumed_from.append(checkpoint.step)
        self.saved_step = checkpoint.step

    def run(self, log: TrainerLog, stop: StopRequest) -> Progress:
        """Train to the last step.

        Raises Interrupted once a stop was asked for and the state is saved, HiveMindError if too many steps in a row
        are not finite or a file cannot be written.
        """
        total, tokens_left = self.job.plan.total_steps, self.job.plan.tokens_after(self.progress.consumed)
        seconds = tokens = 0.0
        most = math.ceil(self.job.settings.step_size / self.packing.examples)
        if self.job.settings.lora_dropout:
            most = 1  # what is dropped comes from torch's own generator, in the order of the micro-batches
        self.workers = worker_count(self.job.settings.side_by_side, self.model, most)
        with _quiet_gc(), pool_of(self.workers) as self.pool, step_line(total, self.progress.step) as line:
            self._validate_if_due(log, stop)
            for step in self.job.plan.steps(self.progress.consumed):
                self.in_flight.append(self._launch(step, stop))
                while len(self.in_flight) > (0 if self._must_wait(stop) else 1):
                    row = self._settle(self.in_flight.popleft())
                    log.write(row)
                    seconds, tokens = seconds + row["seconds"], tokens + row["tokens"]
                    line.show(row, seconds_left=seconds / tokens * (tokens_left - tokens))
                if not self.in_flight:
                    self._stop_if_broken()
                    self._save_if_due(step.number == total)
                    self._validate_if_due(log, stop)
                    self._end_if_wanted(self.job.processes.any(stop.wanted, self.model.device))
        return self.progress

    def _must_wait(self, stop: StopRequest) -> bool:
        """Tell whether the steps under way must be done before the next one is launched.

        On a CPU always, for nothing is gained by going ahead. On a GPU where the state as it is now is wanted: to save
        it, to validate it, to end with it, or because the last step known was not finite.
        """
        last = self.in_flight[-1].step.number if self.in_flight else self.progress.step
        validated = self.job.validation is not None and last in self.validation_steps
        return (
            not self.ahead or stop.wanted or last == self.job.plan.total_steps or validated
            or self.progress.step > self.good.step or self._is_save_due(last)
        )  # fmt: skip

    def save(self) -> None:
        """Save a checkpoint of the last good step, unless there is none yet or it is saved already."""
        if not self.good.step or self.good.step == self.saved_step or not self.job.processes.is_first:
            return
        state = {
            "format": FORMAT, "step": self.good.step, "progress": asdict(self.good), "packing": self.packing.to_dict(),
            "identity": self.job.identity,
        }  # fmt: skip
        tensors = {
            "adapter": {name: parameter.detach() for name, parameter in self.parameters.items()},
            "optimizer": optimizer_tensors(self.optimizer, self.parameters),
            "random": random_states(),
        }
        save_checkpoint(self.job.checkpoints, state, tensors)
        keep_newest(self.job.checkpoints, self.job.settings.keep_checkpoints)
        self.saved_step, self.saved_at = self.good.step, time.monotonic()

    def _step(self, step: Step, stop: StopRequest) -> dict[str, Any]:
        """Do one optimizer step and wait for it; returns its row for the log."""
        return self._settle(self._launch(step, stop))

    def _launch(self, step: Step, stop: StopRequest) -> Launched:
        """Give the device all the work of a step without waiting for any of it.

        Whether loss and gradient are finite is decided on the device, and AdamW then does nothing there.
        """
        settings, started = self.job.settings, time.monotonic()
        if settings.lora_dropout:  # a step's draws hang on nothing before it, so that a resumed run draws the same
            torch.manual_seed((settings.seed << 32) + (step.number << 8) + self.job.processes.rank)
        total = self._gradient(step, stop)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), settings.max_grad_norm)
        numbers = torch.stack((total, norm.to(total.dtype)))
        rate = learning_rate(step.number, self.job.plan.total_steps, settings.learning_rate, settings.warmup_share)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.found_inf = (~numbers.isfinite().all()).float()  # type: ignore[attr-defined]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return Launched(step, numbers, rate, started)

    def _settle(self, launched: Launched) -> dict[str, Any]:
        """Wait for a step's numbers and count it; returns its row for the log."""
        step = launched.step
        loss, grad_norm = launched.numbers.tolist()
        finite = math.isfinite(loss) and math.isfinite(grad_norm)
        now = time.monotonic()
        seconds, self.settled_at = now - max(launched.started, self.settled_at), now
        self._count(step, seconds, finite)
        return {
            "step": step.number, "steps": self.job.plan.total_steps, "epoch": round(step.epoch, 4),
            "loss": loss if finite else None, "learning_rate": launched.rate,
            "grad_norm": grad_norm if finite else None, "examples": len(step.indices), "tokens": step.tokens,
            "labelled_tokens": step.labelled_tokens, "tokens_per_second": round(step.tokens / seconds, 1),
            "memory_bytes": self.progress.peak_memory, "seconds": round(seconds, 4),
        }  # fmt: skip

    def _gradient(self, step: Step, stop: StopRequest) -> torch.Tensor:
        """Add up the gradients of the step's micro-batches, in their order whoever is done first.

        Returns the step's loss without waiting for the device.
        """
        processes, parameters = self.job.processes, list(self.parameters.values())
        parts = self.packing.share_out(step.indices, self.lengths[list(step.indices)].tolist(), self.workers)
        total = torch.zeros((), dtype=torch.promote_types(self.model.dtype, torch.float32), device=self.model.device)

        def one(indices: Sequence[int]) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
            batch = collate(self.job.plan.examples, indices, self.model.device, rounded=self.rounded)
            loss = self._loss(batch, step.labelled_tokens)
            return loss.detach(), torch.autograd.grad(loss, parameters)

        for loss, gradients in (self.pool.map if self.pool else map)(one, processes.share(parts)):
            total += loss
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
            if processes.world == 1 and not self.ahead:
                self._end_if_wanted(stop.wanted)
        for parameter in parameters:
            if parameter.grad is None:  # there were fewer micro-batches than processes
                parameter.grad = torch.zeros_like(parameter)
        processes.add_up([total, *(parameter.grad for parameter in parameters if parameter.grad is not None)])
        return total

    def _loss(self, batch: MicroBatch, labelled_tokens: int) -> torch.Tensor:
        """A micro-batch's share of the step's loss."""
        hidden = self.model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
        scale = 1 / labelled_tokens
        job = self.job
        return scaled_loss(hidden, self.model.output_weight, batch.targets, job.loss_chunk, scale, job.kernels)

    def _count(self, step: Step, seconds: float, finite: bool) -> None:
        progress = self.progress
        progress.step, progress.consumed = step.number, step.consumed
        progress.seconds += seconds
        progress.tokens += step.tokens
        progress.labelled_tokens += step.labelled_tokens
        progress.peak_memory = max(progress.peak_memory, peak_memory(self.job.device.torch_device))
        if finite:
            self.good = copy.deepcopy(progress)
            return
        rows = ", ".join(str(row) for row in sorted(self.job.plan.examples.row[list(step.indices)].tolist()))
        progress.skipped += 1
        progress.issues.append(
            f"step {step.number} was skipped: its loss or gradient was not finite (rows {rows} of the dataset)"
        )

    def _stop_if_broken(self) -> None:
        """Raise HiveMindError, with the last good state saved, after too many steps in a row that were not finite."""
        step, good = self.progress.step, self.good.step
        if step - good < self.job.settings.max_bad_steps:
            return
        self.save()
        kept = f"the state after step {good} is saved" if good else "no step had succeeded"
        raise HiveMindError(
            f"the loss or gradient was not finite in {step - good} steps in a row, up to step {step}, so training "
            f"stopped ({kept}); train anew with a lower training.learning_rate, or look at the rows named for these "
            f"steps: {self.progress.issues[-1]}"
        )

    def _save_if_due(self, last: bool) -> None:
        if last or self._is_save_due(self.good.step):
            self.save()

    def _is_save_due(self, step: int) -> bool:
        settings = self.job.settings
        minutes = (time.monotonic() - self.saved_at) / 60
        steps = step - self.saved_step
        return steps >= settings.checkpoint_every_steps or minutes >= settings.checkpoint_every_minutes

    def _end_if_wanted(self, wanted: bool) -> None:
        if not wanted:
            return
        self.save()
        done, total = self.good.step, self.job.plan.total_steps
        if not done:
            raise Interrupted("stopped before the first step was done; run the same command again to start over")
        raise Interrupted(
            f"stopped after step {done:,} of {total:,}, which is saved in {self.job.checkpoints}; run the same command "
            "again to continue"
        )

    def _validate_if_due(self, log: TrainerLog, stop: StopRequest) -> None:
        step, examples = self.progress.step, self.job.validation
        if examples is None or step not in self.validation_steps or step <= log.validated:
            return
        started = time.monotonic()
        found = validation_loss(self.model, examples, self.job.loss_chunk, stop)
        if found is None:
            self._end_if_wanted(stop.wanted)
            return
        seconds = time.monotonic() - started
        self.progress.seconds += seconds
        self.good.seconds += seconds
        log.write_validation(
            {
                "step": step, "steps": self.job.plan.total_steps,
                "epoch": round(self.progress.consumed / len(self.job.plan.examples), 4),
                "validation_loss": found.loss, "validation_loss_by_source": found.by_source,
                "seconds": round(seconds, 4),
            }
        )  # fmt: skip


@contextmanager
def _quiet_gc() -> Iterator[None]:
    """Keep the garbage collector out of the steps: it would walk all of torch's objects again and again."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()

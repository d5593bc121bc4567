"""The training loop: steps over fixed sets of examples, all of it resumable; a GPU is never waited for in a step."""

from __future__ import annotations

import copy
import gc
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from hive_mind.device import peak_memory
from hive_mind.errors import HiveMindError, Interrupted
from hive_mind.model.lora import load_tensors, lora_parameters, pack_weights, set_dropout
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say
from hive_mind.training.batches import Step
from hive_mind.training.checkpoint import Checkpoint, keep_newest, random_states, restore_random_states, save_checkpoint
from hive_mind.training.console import step_line
from hive_mind.training.footprint import Footprint
from hive_mind.training.gradient import Abandoned, StepGradient
from hive_mind.training.health import Health
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.job import Job, Progress
from hive_mind.training.log import TrainerLog
from hive_mind.training.optimizer import learning_rate, make_optimizer, optimizer_tensors, restore_optimizer
from hive_mind.training.validation import validation_loss

FORMAT = 2
"""What the `state` of a checkpoint is made of; another number cannot be continued."""
BAD_SHARE = 0.1


@dataclass(frozen=True)
class Launched:
    """A step whose work was given to the device. numbers (2,) on the device: its loss and gradient norm."""

    step: Step
    numbers: torch.Tensor
    rate: float
    started: float


class Trainer:
    """Trains the adapters attached to `model`. `good` is the progress at the last step whose numbers were finite."""

    def __init__(self, model: Qwen2, job: Job, footprint: Footprint) -> None:
        self.model, self.job = model, job
        model.use_kernels(job.kernels)
        set_dropout(model, job.settings.lora_dropout)
        pack_weights(model)
        self.parameters = lora_parameters(model)
        self.optimizer = make_optimizer(self.parameters, job.settings)
        alone = job.processes.world == 1
        self.ahead = job.device.is_gpu and alone and job.attempt.one_by_one is None
        self.gradient = StepGradient(model, job, footprint, may_stop_within=alone and not self.ahead)
        self.health = Health()
        self.in_flight: deque[Launched] = deque()
        self.settled_at = 0.0
        self.progress = Progress()
        self.good = Progress()
        self.saved_step, self.saved_at = 0, time.monotonic()
        every = job.settings.validate_every
        self.validation_steps = job.plan.milestones(every) if every is not None else frozenset()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint. Its footprint is the caller's matter: it was needed to make this trainer."""
        load_tensors(self.model, checkpoint.tensors["adapter"], str(checkpoint.folder))
        restore_optimizer(self.optimizer, self.parameters, checkpoint.tensors["optimizer"])
        restore_random_states(checkpoint.tensors["random"])
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
        with _quiet_gc(), self.gradient.at_work(), step_line(total, self.progress.step) as line:
            self._validate_if_due(log, stop)
            for step in self.job.plan.steps(self.progress.consumed):
                try:
                    self.in_flight.append(self._launch(step, stop))
                except Abandoned:
                    self._end_if_wanted(True)
                while len(self.in_flight) > (0 if self._must_wait(stop) else 1):
                    row = self._settle(self.in_flight.popleft())
                    log.write(row)
                    self._look_at(row)
                    seconds, tokens = seconds + row["seconds"], tokens + row["tokens"]
                    line.show(row, seconds_left=seconds / max(1, tokens) * (tokens_left - tokens))
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
            "format": FORMAT, "step": self.good.step, "progress": asdict(self.good),
            "footprint": self.gradient.footprint.to_dict(), "identity": self.job.identity,
        }  # fmt: skip
        tensors = {
            "adapter": {name: parameter.detach() for name, parameter in self.parameters.items()},
            "optimizer": optimizer_tensors(self.optimizer, self.parameters),
            "random": random_states(),
        }
        self.job.faults.reach("checkpoint", self.good.step)
        saved = save_checkpoint(self.job.checkpoints, state, tensors)
        self.job.faults.reach("checkpoint_done", self.good.step)
        keep_newest(self.job.checkpoints, self.job.settings.keep_checkpoints, saved)
        self.saved_step, self.saved_at = self.good.step, time.monotonic()

    def _step(self, step: Step, stop: StopRequest) -> dict[str, Any]:
        """Do one optimizer step and wait for it; returns its row for the log."""
        return self._settle(self._launch(step, stop))

    def _launch(self, step: Step, stop: StopRequest) -> Launched:
        """Give the device all the work of a step without waiting for any of it.

        Whether loss and gradient are finite is decided on the device, and AdamW then does nothing there.
        """
        settings, started = self.job.settings, time.monotonic()
        total = self.gradient.compute(step, stop, list(self.parameters.values()), self.progress)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), settings.max_grad_norm)
        numbers = torch.stack((total, norm.to(total)))
        rate = learning_rate(step.number, self.job.plan.total_steps, settings.learning_rate, settings.warmup_share)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.job.faults.reach("optimizer", step.number)
        self.optimizer.found_inf = (~numbers.isfinite().all()).float()  # type: ignore[attr-defined]
        self.optimizer.step()
        self.job.faults.reach("optimizer_done", step.number)
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
        why = f"its loss or gradient was not finite (rows {rows} of the dataset)" if rows else "it is empty"
        progress.note(f"step {step.number} was skipped: {why}")

    def _look_at(self, row: dict[str, Any]) -> None:
        issue = self.health.observe(row["step"], row["loss"], row["grad_norm"], row["learning_rate"])
        if issue:
            say(issue)
            self.progress.note(issue)

    def _stop_if_broken(self) -> None:
        """Raise HiveMindError, with the last good state saved, after too many steps that were not finite.

        Too many in a row, or more than a tenth of all of them.
        """
        step, good, skipped = self.progress.step, self.good.step, self.progress.skipped
        most = self.job.settings.max_bad_steps
        if step - good >= most:
            count = f"{step - good} steps in a row, up to step {step}"
        elif step > good and skipped >= most and skipped > BAD_SHARE * step:
            count = f"{skipped} of {step} steps"
        else:
            return
        self.save()
        kept = f"the state after step {good} is saved" if good else "no step had succeeded"
        raise HiveMindError(
            f"the loss or gradient was not finite in {count}, so training stopped ({kept}); train anew with a lower "
            f"training.learning_rate, or look at the rows named for these steps: {self.progress.issues[-1]}"
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
        found = validation_loss(self.model, examples, self.gradient.footprint.loss_chunk, stop, self.job)
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

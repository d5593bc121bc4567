"""The gradient of a step, summed over micro-batches; a step that runs out of memory is done again in smaller ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hive_mind.device import is_out_of_memory, release_memory
from hive_mind.errors import HiveMindError
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say
from hive_mind.training.batches import MicroBatch, Packing, Step, collate, wants_rounding
from hive_mind.training.footprint import Footprint
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.job import Job, Progress
from hive_mind.training.loss import scaled_loss
from hive_mind.training.side_by_side import pool_of, worker_count

Parameters = Sequence[nn.Parameter]


class Abandoned(Exception):
    """A stop was asked for in the middle of a step; nothing of the step counts."""


class OutOfMemory(HiveMindError):
    """Not even the smallest footprint fits, or memory was lacking where a smaller one cannot be tried in place."""


class StepGradient:
    """Computes gradients of whole steps. `footprint` shrinks when memory runs out, and stays so."""

    def __init__(self, model: Qwen2, job: Job, footprint: Footprint, *, may_stop_within: bool) -> None:
        self.model, self.job, self.may_stop_within = model, job, may_stop_within
        self.rounded = wants_rounding(model)
        self.lengths = job.plan.examples.lengths
        self.workers = 1
        self.pool: ThreadPoolExecutor | None = None
        self.use(footprint)

    def use(self, footprint: Footprint) -> None:
        """Compute in this footprint from now on."""
        self.footprint = footprint
        self.model.recompute = footprint.recompute
        self.job.pulse.footprint(footprint.to_dict())

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep threads for micro-batches that are computed at once, where that is faster."""
        most = math.ceil(self.job.settings.step_size / self.footprint.packing.examples)
        if self.job.settings.lora_dropout:
            most = 1  # what is dropped comes from torch's own generator, in the order of the micro-batches
        self.workers = worker_count(self.job.settings.side_by_side, self.model, most)
        with pool_of(self.workers) as self.pool:
            yield

    def compute(self, step: Step, stop: StopRequest, parameters: Parameters, progress: Progress) -> Tensor:
        """Leave the step's gradient in the parameters; returns its loss, without waiting for the device.

        Raises Abandoned if a stop is asked for meanwhile, OutOfMemory if it fits in no footprint.
        """
        while True:
            self._seed(step)
            try:
                return self._sum(step, stop, parameters)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.job.processes.world > 1:
                    raise
                release_memory(error)
            for parameter in parameters:
                parameter.grad = None
            self._shrink(f"step {step.number}", progress)

    def _seed(self, step: Step) -> None:
        """Have dropout's draws hang on nothing before the step, so that a resumed run draws the same."""
        seed = self.job.settings.seed
        if self.job.settings.lora_dropout:
            torch.manual_seed((seed << 32) + (step.number << 8) + self.job.processes.rank)

    def _shrink(self, where: str, progress: Progress) -> None:
        before, after = self.footprint, self.footprint.smaller(int(self.lengths.max()))
        if after is None:
            raise OutOfMemory(no_smaller(where, before))
        issue = f"{where} ran out of memory with {before}; done again, and continued, with {after}"
        say(issue)
        progress.note(issue)
        progress.shrunk = True
        self.use(after)

    def _sum(self, step: Step, stop: StopRequest, parameters: Parameters) -> Tensor:
        """Add up the gradients of the step's micro-batches, in their order whoever is done first."""
        processes = self.job.processes
        total = torch.zeros((), dtype=torch.promote_types(self.model.dtype, torch.float32), device=self.model.device)
        if not step.indices:  # all of them are quarantined
            return total + math.nan

        def one(indices: Sequence[int]) -> tuple[Tensor, tuple[Tensor, ...]]:
            rows = self.job.plan.examples.row[list(indices)].tolist()
            self.job.pulse.computing(step.number, indices)
            self.job.faults.reach("micro_batch", step.number, rows)
            batch = collate(self.job.plan.examples, indices, self.model.device, rounded=self.rounded)
            loss = self._loss(batch, self.job.faults.loss(1 / step.labelled_tokens, step.number, rows))
            return loss.detach(), torch.autograd.grad(loss, list(parameters))

        compute = self.pool.map if self.pool and not self._one_by_one(step) else map
        for loss, gradients in compute(one, processes.share(self._parts(step))):
            total += loss
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
            if self.may_stop_within and stop.wanted:
                raise Abandoned
        for parameter in parameters:
            if parameter.grad is None:  # there were fewer micro-batches than processes
                parameter.grad = torch.zeros_like(parameter)
        processes.add_up([total, *(parameter.grad for parameter in parameters if parameter.grad is not None)])
        return total

    def _parts(self, step: Step) -> list[list[int]]:
        packing = Packing(1) if self._one_by_one(step) else self.footprint.packing
        return packing.share_out(step.indices, self.lengths[list(step.indices)].tolist(), self.workers)

    def _one_by_one(self, step: Step) -> bool:
        """Whether the example that kills the step is being looked for: a GPU says so up to two steps late."""
        wanted = self.job.attempt.one_by_one
        return wanted is not None and wanted - 2 <= step.number <= wanted

    def _loss(self, batch: MicroBatch, scale: float) -> Tensor:
        """A micro-batch's share of the step's loss."""
        hidden = self.model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
        chunk = self.footprint.loss_chunk
        return scaled_loss(hidden, self.model.output_weight, batch.targets, chunk, scale, self.job.kernels)


def no_smaller(where: str, footprint: Footprint) -> str:
    """Say that the ladder has ended, and what a person can do."""
    return (
        f"{where} ran out of memory even with {footprint}, below which there is nothing to try; free memory (other "
        "programs, another run), lower training.max_length or train a smaller base, and run the same command again"
    )

"""The loss on held-out examples, per source, over labelled tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hive_mind.device import is_out_of_memory, release_memory
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say
from hive_mind.training.batches import Packing, collate, wants_rounding
from hive_mind.training.footprint import Footprint
from hive_mind.training.gradient import OutOfMemory, no_smaller
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.job import Job
from hive_mind.training.loss import token_losses
from hive_mind.training.tokens import Examples

# Without a gradient nothing is kept for later, so this takes less memory than a training micro-batch of half the size.
PACKING = Packing(examples=64, tokens=4096)


@dataclass(frozen=True)
class ValidationLoss:
    """Mean loss per labelled token, over all sources together and for each."""

    loss: float
    by_source: dict[str, float]


@torch.no_grad()
def validation_loss(model: Qwen2, examples: Examples, chunk: int, stop: StopRequest, job: Job) -> ValidationLoss | None:
    """Measure every example; None if a stop was asked for meanwhile.

    What runs out of memory is measured again in smaller parts, whatever training's own footprint is. Raises
    OutOfMemory if the smallest part does.
    """
    count = len(examples.sources)
    sums = torch.zeros(count, dtype=torch.float64, device=model.device)
    counts = torch.zeros(count, dtype=torch.float64, device=model.device)
    left = sorted(range(len(examples)), key=lambda i: examples.lengths[i])
    packing = Packing(min(PACKING.examples, job.attempt.validation_at_most or PACKING.examples), PACKING.tokens)
    footprint = Footprint(packing, chunk, recompute=True)  # nothing is kept, as there is no backward pass
    while left:
        if stop.wanted:
            return None
        part = footprint.packing.split(left, examples.lengths[left].tolist())[0]
        job.pulse.validating(len(part))
        try:
            job.faults.reach("validation", rows=part)
            losses, sources = _losses(model, examples, part, footprint.loss_chunk)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            release_memory(error)
            footprint = _smaller(footprint, examples, part)
            continue
        left = left[len(part) :]
        sums.index_add_(0, sources, losses)
        counts.index_add_(0, sources, torch.ones_like(losses))
    means = (sums / counts).tolist()
    by_source = {name: means[i] for i, name in enumerate(examples.sources) if counts[i] > 0}
    return ValidationLoss(float(sums.sum() / counts.sum()), by_source)


def _losses(model: Qwen2, examples: Examples, part: Sequence[int], chunk: int) -> tuple[Tensor, Tensor]:
    batch = collate(examples, part, model.device, rounded=wants_rounding(model))
    hidden = model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
    return token_losses(hidden, model.output_weight, batch.targets, chunk).double(), batch.sources


def _smaller(footprint: Footprint, examples: Examples, part: Sequence[int]) -> Footprint:
    """The footprint for another try of a part: below what the part came to, not only below what was allowed."""
    if len(part) > 1:
        after: Footprint | None = Footprint(Packing(len(part) // 2), footprint.loss_chunk, recompute=True)
    else:
        after = footprint.smaller(int(examples.lengths.max()))
    if after is None:
        raise OutOfMemory(no_smaller("the validation loss", footprint))
    say(f"the validation loss ran out of memory with {len(part)} examples at once; going on with {after.packing}")
    return after

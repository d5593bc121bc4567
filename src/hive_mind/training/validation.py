"""The loss on held-out examples, per source, over labelled tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hive_mind.model.qwen2 import Qwen2
from hive_mind.training.batches import Packing, collate, wants_rounding
from hive_mind.training.interrupt import StopRequest
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
def validation_loss(model: Qwen2, examples: Examples, chunk: int, stop: StopRequest) -> ValidationLoss | None:
    """Measure every example; None if a stop was asked for meanwhile."""
    count = len(examples.sources)
    sums = torch.zeros(count, dtype=torch.float64, device=model.device)
    counts = torch.zeros(count, dtype=torch.float64, device=model.device)
    order = sorted(range(len(examples)), key=lambda i: examples.lengths[i])
    for indices in PACKING.split(order, examples.lengths[order].tolist()):
        if stop.wanted:
            return None
        batch = collate(examples, indices, model.device, rounded=wants_rounding(model))
        hidden = model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
        losses = token_losses(hidden, model.output_weight, batch.targets, chunk).double()
        sums.index_add_(0, batch.sources, losses)
        counts.index_add_(0, batch.sources, torch.ones_like(losses))
    means = (sums / counts).tolist()
    by_source = {name: means[i] for i, name in enumerate(examples.sources) if counts[i] > 0}
    return ValidationLoss(float(sums.sum() / counts.sum()), by_source)

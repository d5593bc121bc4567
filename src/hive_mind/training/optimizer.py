"""AdamW on the adapter's fp32 masters, and the learning rate of every step: linear warm-up, then cosine to zero."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hive_mind.errors import HiveMindError
from hive_mind.training.settings import TrainingSettings

MOMENTS = ("exp_avg", "exp_avg_sq")


def learning_rate(step: int, total: int, peak: float, warmup_share: float) -> float:
    """Return the rate of `step` (from 1) of `total`. The first step already learns, the last one still does."""
    warmup = math.ceil(total * warmup_share)
    if step <= warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - 1 - warmup) / max(1, total - warmup)))


def make_optimizer(parameters: Mapping[str, nn.Parameter], settings: TrainingSettings) -> torch.optim.AdamW:
    """Return AdamW with torch's fused kernel, which CPU, CUDA and ROCm all have."""
    return torch.optim.AdamW(
        parameters.values(), lr=settings.learning_rate, betas=settings.betas, eps=settings.eps,
        weight_decay=settings.weight_decay, fused=True,
    )  # fmt: skip


def optimizer_tensors(optimizer: torch.optim.AdamW, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return AdamW's state as named tensors, for a checkpoint."""
    tensors = {}
    for name, parameter in parameters.items():
        state = optimizer.state[parameter]
        tensors[f"step.{name}"] = state["step"]
        tensors.update({f"{moment}.{name}": state[moment] for moment in MOMENTS})
    return tensors


def restore_optimizer(
    optimizer: torch.optim.AdamW, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]
) -> None:
    """Put named tensors back as AdamW's state. Raises HiveMindError if one is missing or of another shape."""
    for name, parameter in parameters.items():
        try:
            moments = {moment: tensors[f"{moment}.{name}"] for moment in MOMENTS}
            step = tensors[f"step.{name}"]
        except KeyError as error:
            raise HiveMindError(f"the checkpoint has no optimizer state {error}; delete it to start again") from None
        if any(moment.shape != parameter.shape for moment in moments.values()):
            raise HiveMindError(f"the checkpoint's optimizer state of {name} has another shape; delete it")
        state = {key: tensor.to(parameter.device, parameter.dtype).clone() for key, tensor in moments.items()}
        optimizer.state[parameter] = {"step": step.to(parameter.device).clone(), **state}

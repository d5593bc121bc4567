"""The element-wise parts of a layer and of the loss, each as one function, so that a compiler can make one pass of it.

Every function is written once, in torch's operations. Run as they stand they are right on every device; compiled by
torch's Inductor each becomes one kernel that reads its inputs once. Of a LoRA step of Qwen2.5-0.5B on two cores they
take a third as they stand and a twelfth compiled (docs/TRAINING.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """Return x in fp32, or in fp64 where it is that already."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Root-mean-square norm of x (T, H), computed in fp32; returns it and each row's factor (T, 1)."""
    long = wide(x)
    factor = torch.rsqrt(long.square().mean(-1, keepdim=True) + eps)
    return weight * (long * factor).to(x.dtype), factor


def rms_norm_backward(grad: Tensor, x: Tensor, weight: Tensor, factor: Tensor) -> Tensor:
    """Return the gradient with respect to x; the weight is frozen."""
    unit = wide(x) * factor
    up = wide(grad * weight)
    return (factor * (up - unit * (up * unit).mean(-1, keepdim=True))).to(x.dtype)


def swiglu(gate: Tensor, up: Tensor) -> Tensor:
    """Return silu(gate) * up (arXiv 2002.05202)."""
    return F.silu(gate) * up


def swiglu_backward(grad: Tensor, gate: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients with respect to gate and up."""
    return torch.ops.aten.silu_backward(grad * up, gate), grad * F.silu(gate)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply rotary position embedding (RoFormer, arXiv 2104.09864) in the half-split order. x (T, heads, D)."""
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)  # under autocast the products come in bf16 beside fp32 weights
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def cross_entropy(logits: Tensor, targets: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Return the sum of -log p(target), and `scale` times its gradient in the logits' format.

    logits (N, V), which are used up; targets (N, 1). The softmax is fp32, and one is taken off at the target before it
    is rounded.
    """
    long = wide(logits)
    log_sum = long.logsumexp(-1, keepdim=True)
    loss = (log_sum - long.gather(-1, targets)).sum()
    gradient = long.sub_(log_sum).exp_().mul_(scale)
    gradient.scatter_add_(-1, targets, torch.full_like(log_sum, -scale))
    return loss, gradient.to(logits.dtype)


def _cross_entropy_in_one_pass(logits: Tensor, targets: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """The same without a scatter, which would end the compiler's pass."""
    long = wide(logits)
    log_sum = long.logsumexp(-1, keepdim=True)
    loss = (log_sum - long.gather(-1, targets)).sum()
    at_target = torch.arange(logits.shape[-1], device=logits.device) == targets
    return loss, ((torch.exp(long - log_sum) - at_target.to(long.dtype)) * scale).to(logits.dtype)


@dataclass(frozen=True)
class Kernels:
    """The functions above, as they stand or compiled."""

    rms_norm: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]] = rms_norm
    rms_norm_backward: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = rms_norm_backward
    swiglu: Callable[[Tensor, Tensor], Tensor] = swiglu
    swiglu_backward: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] = swiglu_backward
    rotate: Callable[[Tensor, Tensor, Tensor], Tensor] = rotate
    cross_entropy: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]] = cross_entropy


EAGER = Kernels()


@cache
def compiled() -> Kernels:
    """Return the kernels compiled; each is built when it is first called, once for all lengths."""
    plain: dict[str, Any] = {field.name: getattr(EAGER, field.name) for field in fields(Kernels)}
    plain["cross_entropy"] = _cross_entropy_in_one_pass
    return Kernels(**{name: torch.compile(function, dynamic=True, fullgraph=True) for name, function in plain.items()})

"""The layers' operations with their gradients written out, for frozen weights: nothing is kept or computed twice.

Each does in its backward pass what autograd would, in fewer passes over memory: a layer's input gradient is added up in
the products themselves, a norm and a SwiGLU are one kernel each way (model.kernels), and no gradient of a frozen
weight is formed. The gradients are exact: in fp64 they agree with autograd's to rounding (tested).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hive_mind.model.kernels import Kernels, wide
from hive_mind.model.packed import PackedWeight


def lora_linear(
    x: Tensor, weight: Tensor | PackedWeight, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
) -> Tensor:
    """x W^T + bias + scale * (x A^T) B^T, with gradients for x, A and B. x (T, in), A (r, in), B (out, r) -> (T, out).

    A and B are fp32 masters and are multiplied in the format of x.
    """
    out: Tensor = _LoRALinear.apply(x, weight, bias, a, b, scale)  # type: ignore[no-untyped-call]
    return out


def rms_norm(x: Tensor, weight: Tensor, eps: float, kernels: Kernels) -> Tensor:
    """Root-mean-square norm with a frozen weight. x (T, H)."""
    if not torch.is_grad_enabled():
        return kernels.rms_norm(x, weight, eps)[0]
    out: Tensor = _RMSNorm.apply(x, weight, eps, kernels)  # type: ignore[no-untyped-call]
    return out


def swiglu(gate: Tensor, up: Tensor, kernels: Kernels) -> Tensor:
    """silu(gate) * up. (T, I) each."""
    if not torch.is_grad_enabled():
        return kernels.swiglu(gate, up)
    out: Tensor = _SwiGLU.apply(gate, up, kernels)  # type: ignore[no-untyped-call]
    return out


def rotate(x: Tensor, cos: Tensor, sin: Tensor, kernels: Kernels) -> Tensor:
    """Rotary position embedding. x (T, heads, D)."""
    if not torch.is_grad_enabled():
        return kernels.rotate(x, cos, sin)
    out: Tensor = _Rotate.apply(x, cos, sin, kernels)  # type: ignore[no-untyped-call]
    return out


class _LoRALinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | PackedWeight, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        a, b = a.to(x.dtype), (b * scale).to(x.dtype)
        low = F.linear(x, a)
        ctx.save_for_backward(x, a, b, low)
        ctx.weight, ctx.scale = weight, scale  # the weight is frozen: nothing to save it from
        out = weight.linear(x, bias) if isinstance(weight, PackedWeight) else F.linear(x, weight, bias)
        return out.addmm_(low, b.t())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, None, Tensor, Tensor, None]:
        x, a, b, low = ctx.saved_tensors
        low_grad = grad @ b
        grad_x = None
        if ctx.needs_input_grad[0]:
            weight = ctx.weight
            grad_x = weight.backward_linear(grad) if isinstance(weight, PackedWeight) else grad @ weight
            grad_x.addmm_(low_grad, a)
        # This takes two thirds of the time of grad.t() @ low. Fused AdamW reads a gradient in the order of its memory.
        grad_b = wide(low.t() @ grad).mul_(ctx.scale).t().contiguous()
        return grad_x, None, None, wide(low_grad.t() @ x), grad_b, None


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float, kernels: Kernels) -> Tensor:
        out, factor = kernels.rms_norm(x, weight, eps)
        ctx.save_for_backward(x, weight, factor)
        ctx.kernels = kernels
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        return ctx.kernels.rms_norm_backward(grad, *ctx.saved_tensors), None, None, None


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, kernels: Kernels) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.kernels = kernels
        return kernels.swiglu(gate, up)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        return *ctx.kernels.swiglu_backward(grad, *ctx.saved_tensors), None


class _Rotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor, kernels: Kernels) -> Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.kernels = kernels
        return kernels.rotate(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        cos, sin = ctx.saved_tensors
        return ctx.kernels.rotate(grad, cos, -sin), None, None, None  # turned back by as much

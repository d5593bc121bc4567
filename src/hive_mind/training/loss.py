"""Cross entropy on labelled tokens only, in chunks: the full logits (T x 151,936 in Qwen2.5) never exist.

The output projection is frozen, so the gradient with respect to the hidden states is known as soon as a chunk's
softmax is; it is computed right then and the chunk's logits are dropped.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from hive_mind.model.kernels import EAGER, Kernels, wide

LOGITS_BYTES = 256 << 20


def chunk_rows(loss_chunk: int | Literal["auto"], vocab_size: int) -> int:
    """Return how many rows' logits to hold at once; `auto` keeps their fp32 copy near 256 MB."""
    return max(16, LOGITS_BYTES // (4 * vocab_size)) if loss_chunk == "auto" else loss_chunk


def scaled_loss(
    hidden: Tensor, weight: Tensor, targets: Tensor, chunk: int, scale: float, kernels: Kernels = EAGER
) -> Tensor:
    """`scale` times the sum of -log p(target), a fp32 scalar. hidden (N, H), frozen weight (V, H), targets (N,).

    The scale (one over the labelled tokens of the whole step) enters here in fp32, before anything is rounded to bf16.
    """
    loss: Tensor = _ChunkedCrossEntropy.apply(hidden, weight, targets, chunk, scale, kernels)  # type: ignore[no-untyped-call]
    return loss


@torch.no_grad()
def token_losses(hidden: Tensor, weight: Tensor, targets: Tensor, chunk: int) -> Tensor:
    """-log p(target) of each row, (N,) fp32, without gradient. Shapes as in `scaled_loss`."""
    parts = zip(hidden.split(chunk), targets.split(chunk), strict=True)
    losses = [F.cross_entropy(wide(F.linear(h, weight)), t, reduction="none") for h, t in parts]
    return torch.cat(losses) if losses else hidden.new_zeros(0, dtype=torch.float32)


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, chunk: int, scale: float, kernels: Kernels
    ) -> Tensor:
        ctx.gradient = gradient = torch.empty_like(hidden)
        total = torch.zeros((), dtype=torch.promote_types(hidden.dtype, torch.float32), device=hidden.device)
        for start in range(0, len(targets), chunk):
            rows = slice(start, start + chunk)
            loss, of_logits = kernels.cross_entropy(F.linear(hidden[rows], weight), targets[rows, None], scale)
            total += loss
            torch.mm(of_logits, weight, out=gradient[rows])
        return total * scale

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        gradient = ctx.gradient
        ctx.gradient = None
        return gradient * upstream.to(gradient.dtype), None, None, None, None, None

"""Frozen weights kept in the layout that the CPU's bf16 products want, so that no product lays them out anew.

oneDNN copies a weight into blocks of its own before every product. Of a LoRA step of Qwen2.5-0.5B on two cores that
took 5 to 9 %. Laid out once, for the forward and for the backward product, they take twice their memory.
The two operators are those that torch's own compiler calls for frozen models on a CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TYPICAL_ROWS = 1024
"""How many rows a product has, as a rule: what oneDNN chooses its blocks for. Others are multiplied rightly as well."""


@dataclass(frozen=True)
class PackedWeight:
    """A frozen weight W (out, in), laid out for x W^T and for g W."""

    forward: Tensor
    backward: Tensor

    def linear(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """x W^T + bias. x (T, in) -> (T, out)."""
        return packed_linear(x, self.forward, bias)

    def plain(self) -> Tensor:
        """Return W as it was."""
        return self.forward.to_dense()

    def backward_linear(self, grad: Tensor) -> Tensor:
        """g W. grad (T, out) -> (T, in)."""
        return packed_linear(grad, self.backward, None)


def pack(weight: Tensor) -> PackedWeight | None:
    """Lay out a weight (out, in) for both products; None for all but bf16 on a CPU that multiplies it in hardware."""
    forward = pack_forward(weight)
    backward = None if forward is None else pack_forward(weight.t().contiguous())
    return None if forward is None or backward is None else PackedWeight(forward, backward)


def pack_forward(weight: Tensor) -> Tensor | None:
    """Lay out a weight (out, in) for x W^T alone, for `packed_linear`; None where `pack` gives None."""
    if weight.device.type != "cpu" or weight.dtype != torch.bfloat16 or not torch.backends.mkldnn.is_available():
        return None
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), TYPICAL_ROWS)
    return packed


def packed_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x W^T + bias with a weight that `pack_forward` laid out. x (T, in) -> (T, out)."""
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return out

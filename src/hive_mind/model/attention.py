"""Attention over flat, packed sequences: every token sees the earlier tokens of its own sequence and nothing else.

Three paths compute the same thing. `varlen` is torch's variable-length kernel (GPUs, torch >= 2.10); `separate` runs
attention once per sequence, which on CPU beats any mask because no masked product is computed: our own in bf16 there
(model.blocked_attention), torch's everywhere else. `plain` is the formula itself, for where a fused kernel is at fault.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hive_mind.device import moved
from hive_mind.model.blocked_attention import blocked_attention


@dataclass(frozen=True)
class Layout:
    """Where the sequences of a flat batch begin. Made once a batch on the CPU, so that no step waits for the device.

    offsets: (N + 1,) int32 cumulative lengths; positions: (T,) int64, restarting at 0 in each sequence. `plain` asks
    for attention by its formula.
    """

    lengths: tuple[int, ...]
    offsets: Tensor
    positions: Tensor
    plain: bool = False

    @classmethod
    def from_lengths(cls, lengths: Sequence[int], device: torch.device | str = "cpu") -> Layout:
        counts = torch.tensor(lengths, dtype=torch.int64)
        offsets = torch.zeros(len(lengths) + 1, dtype=torch.int32)
        offsets[1:] = counts.cumsum(0)
        starts = offsets[:-1].to(torch.int64).repeat_interleave(counts)
        positions = torch.arange(int(offsets[-1])) - starts
        return cls(tuple(lengths), moved(offsets, device), moved(positions, device))

    @property
    def tokens(self) -> int:
        return sum(self.lengths)

    @property
    def last(self) -> Tensor:
        """(N,) index of each sequence's last token."""
        return self.offsets[1:].to(torch.int64) - 1

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend inside each sequence, whatever the layer."""
        return attend(query, key, value, self)


def attend(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Causal attention inside each sequence. query (T, heads, D); key, value (T, kv_heads, D) -> (T, heads, D)."""
    if not layout.plain and query.is_cuda and query.dtype != torch.float32 and varlen_causal() is not None:
        return _varlen(query, key, value, layout)
    return _separate(query, key, value, layout)


@cache
def varlen_causal() -> dict[str, Any] | None:
    """Return the argument that makes torch's varlen kernel causal, or None where this torch has no such kernel.

    torch 2.10 calls it `is_causal`, later versions `window_size`.
    """
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    parameters = inspect.signature(varlen_attn).parameters
    return {"window_size": (-1, 0)} if "window_size" in parameters else {"is_causal": True}


def _varlen(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    longest = max(layout.lengths)
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    causal = varlen_causal() or {}
    out = varlen_attn(query, key, value, layout.offsets, layout.offsets, longest, longest, **causal)
    assert isinstance(out, Tensor)
    return out


def _separate(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    on_cpu = query.device.type == "cpu" and query.dtype == torch.bfloat16
    one = _plain if layout.plain else blocked_attention if on_cpu else _library
    if len(set(layout.lengths)) == 1:  # all at once, as so many more heads
        shape = (len(layout.lengths), layout.lengths[0])
        q, k, v = (x.unflatten(0, shape).transpose(1, 2).flatten(0, 1) for x in (query, key, value))
        out: Tensor = one(q, k, v).unflatten(0, (shape[0], -1))
        return out.transpose(1, 2).flatten(0, 1)
    parts = zip(*(x.split(layout.lengths) for x in (query, key, value)), strict=True)
    return torch.cat([one(*(x.transpose(0, 1) for x in part)).transpose(0, 1) for part in parts])


def _library(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """torch's scaled-dot-product attention, shapes as in `blocked_attention`."""
    group = query.shape[0] // key.shape[0]
    key, value = key.repeat_interleave(group, 0), value.repeat_interleave(group, 0)
    return F.scaled_dot_product_attention(query[None], key[None], value[None], is_causal=True)[0]


def _plain(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Two products and a softmax in fp32, shapes as in `blocked_attention`."""
    heads, tokens, size = query.shape
    group = heads // key.shape[0]
    key, value = key.repeat_interleave(group, 0), value.repeat_interleave(group, 0)
    later = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).triu(1)
    scores = (query @ key.transpose(1, 2)) * size**-0.5
    shares = scores.float().masked_fill(later, -torch.inf).softmax(-1)
    out: Tensor = shares.to(query.dtype) @ value
    return out

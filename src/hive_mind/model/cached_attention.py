"""Attention of new tokens over keys and values that a cache holds, without gradients."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 128
GRANULE = 32
"""Products on a CPU get lengths that are multiples of this, because each new shape costs time of its own
(model.blocked_attention)."""


def extend_attention(query: Tensor, keys: Tensor, values: Tensor, past: int) -> Tensor:
    """Causal attention of one row's newest tokens. query (T, heads, D), at positions past to past + T - 1.

    keys, values (kv_heads, capacity, D): what the row holds, the new tokens' own among it, finite behind its end.
    Returns (T, heads, D).
    """
    if query.is_cuda:
        return _library(query, keys[:, : past + len(query)], values[:, : past + len(query)], past)
    kv_heads, capacity, head_dim = keys.shape
    length = query.shape[0]
    q = F.pad(query * head_dim**-0.5, (0, 0, 0, 0, 0, -length % GRANULE)).transpose(0, 1)
    q = q.unflatten(0, (kv_heads, -1))  # (kv_heads, group, T, D)
    out = torch.empty_like(q)
    for start in range(0, q.shape[2], BLOCK):
        end = min(start + BLOCK, q.shape[2])
        seen = min(-(-(past + end) // GRANULE) * GRANULE, capacity)
        rows = q[:, :, start:end]
        scores = torch.bmm(rows.flatten(1, 2), keys[:, :seen].transpose(1, 2)).unflatten(1, rows.shape[1:3])
        own = past + start  # up to here every row of the block sees everything
        positions = torch.arange(own, max(seen, own + end - start), device=q.device)
        later = positions[None, : seen - own] > positions[: end - start, None]
        scores[..., own:seen].masked_fill_(later, float("-inf"))
        weights = torch.softmax(scores, -1).flatten(1, 2)
        out[:, :, start:end] = torch.bmm(weights, values[:, :seen]).view_as(rows)
    return out.flatten(0, 1).transpose(0, 1)[:length]


def step_attention(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Attention of one token a row. query (rows, heads, D); keys, values (rows, kv_heads, S, D); mask (rows, S), added.

    Returns (rows, heads, D). The heads that share keys are the query axis, so that no key is copied.
    """
    grouped = query.unflatten(1, (keys.shape[1], -1))
    out = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask[:, None, None])
    return out.flatten(1, 2)


def _library(query: Tensor, keys: Tensor, values: Tensor, past: int) -> Tensor:
    """torch's own attention; the mask is causal from `past` on."""
    rows, columns = query.shape[0], keys.shape[1]
    visible = torch.ones(rows, columns, dtype=torch.bool, device=query.device).tril_(past)
    out = F.scaled_dot_product_attention(
        query.transpose(0, 1)[None], keys[None], values[None], attn_mask=visible, enable_gqa=True
    )
    return out[0].transpose(0, 1)

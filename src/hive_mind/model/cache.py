"""The key-value cache of batched generation: one row a sequence, rows of different lengths side by side."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hive_mind.model.attention import Layout


class KVCache:
    """Keys and values per layer, (rows, kv_heads, capacity, D) each; `lengths` (rows,) says how far a row is filled.

    A row is filled by the prefill of its prompt and grows by one token a decoding step. Raises ValueError when full.
    """

    def __init__(
        self,
        layers: int,
        rows: int,
        kv_heads: int,
        capacity: int,
        head_dim: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        shape = (layers, rows, kv_heads, capacity, head_dim)
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.lengths = torch.zeros(rows, dtype=torch.int64, device=device)
        self.capacity = capacity
        self.longest = 0

    def fill(self, layer: int, key: Tensor, value: Tensor, layout: Layout) -> None:
        """Store a prefill's keys and values, (T, kv_heads, D), sequence i of the layout in row i."""
        device = key.device
        counts = torch.tensor(layout.lengths, device=device)
        rows = torch.arange(len(layout.lengths), device=device).repeat_interleave(counts)
        self.keys[layer][rows, :, layout.positions] = key
        self.values[layer][rows, :, layout.positions] = value

    def set_lengths(self, layout: Layout) -> None:
        """Record a prefill's lengths, once all layers are filled."""
        self.lengths[: len(layout.lengths)] = torch.tensor(layout.lengths, device=self.lengths.device)
        self.longest = max(layout.lengths)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Append one token a row, attend to the whole row. query (rows, heads, D); key, value (rows, kv_heads, D)."""
        if self.longest >= self.capacity:
            raise ValueError(f"the key-value cache holds {self.capacity} tokens a row and is full")
        rows = torch.arange(query.shape[0], device=query.device)
        self.keys[layer][rows, :, self.lengths] = key
        self.values[layer][rows, :, self.lengths] = value
        seen = self.longest + 1
        group = query.shape[1] // key.shape[1]
        keys = self.keys[layer][:, :, :seen]
        values = self.values[layer][:, :, :seen]
        # Grouped queries as the query axis: each kv head serves `group` query heads without copying the cache.
        grouped = query.unflatten(1, (key.shape[1], group))
        visible = torch.arange(seen, device=query.device) <= self.lengths[:, None]
        out = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=visible[:, None, None, :])
        return out.flatten(1, 2)

    def advance(self) -> None:
        """Count the token that every layer has just appended."""
        self.lengths += 1
        self.longest += 1

    def keep(self, rows: Tensor) -> None:
        """Drop the rows that have finished, keeping those whose indices are given."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        self.lengths = self.lengths[rows]
        self.longest = int(self.lengths.max()) if len(rows) else 0

"""The key-value cache of generation: one row a running sequence, rows of different lengths side by side.

What a pass appends is an `Extend` (several tokens to some rows) or a `Step` (one token to every row); the model's
attention asks it what each token may see.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hive_mind.model.attention import Layout, attend
from hive_mind.model.cached_attention import GRANULE, extend_attention, step_attention


class KVCache:
    """Keys and values of the running rows, (layers, slots, kv_heads, capacity, D) each.

    `lengths` says how far each row is filled; the rows in use are the first slots. A row that leaves gives its slot to
    the last one, so that nothing else is copied.
    """

    def __init__(
        self, layers: int, kv_heads: int, head_dim: int, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        self.keys = torch.zeros((layers, 0, kv_heads, 0, head_dim), dtype=dtype, device=device)
        self.values = torch.zeros_like(self.keys)
        self.lengths: list[int] = []

    @property
    def capacity(self) -> int:
        """How many tokens a row can hold."""
        return self.keys.shape[3]

    @property
    def device(self) -> torch.device:
        return self.keys.device

    @property
    def tokens(self) -> int:
        """How many tokens all rows together can hold."""
        return self.keys.shape[1] * self.capacity

    def reserve(self, rows: int, capacity: int) -> None:
        """Make room for `rows` rows of at least `capacity` tokens, keeping what is there. Never shrinks."""
        self.resize(max(rows, self.keys.shape[1]), max(capacity, self.capacity))

    def resize(self, rows: int, capacity: int) -> None:
        """Have room for exactly so many rows, of `capacity` tokens rounded up; what is there must fit and is kept."""
        layers, _, kv_heads, _, head_dim = self.keys.shape
        shape = (layers, rows, kv_heads, -(-capacity // GRANULE) * GRANULE, head_dim)
        if shape == self.keys.shape:
            return
        used, longest = len(self.lengths), max(self.lengths, default=0)
        made = []
        for old in (self.keys, self.values):
            # Zeros, because what lies behind a row's end is multiplied by a probability of zero.
            new = torch.zeros(shape, dtype=old.dtype, device=old.device)
            new[:, :used, :, :longest] = old[:, :used, :, :longest]
            made.append(new)
        self.keys, self.values = made

    def add_rows(self, count: int) -> range:
        """Take so many empty rows into use and return their numbers; `reserve` must have made room."""
        first = len(self.lengths)
        self.lengths += [0] * count
        return range(first, first + count)

    def drop(self, row: int) -> None:
        """Let a row go; the last row takes its number."""
        last = len(self.lengths) - 1
        filled = self.lengths[last]
        if row != last:
            for store in (self.keys, self.values):
                store[:, row, :, :filled] = store[:, last, :, :filled]
            self.lengths[row] = filled
        self.lengths.pop()

    def copy(self, source: int, target: int, end: int) -> None:
        """Have `target` hold what `source` holds up to `end`; it must hold the same already as far as it is filled."""
        begin = self.lengths[target]
        if begin < end:
            for store in (self.keys, self.values):
                store[:, target, :, begin:end] = store[:, source, :, begin:end]
            self.lengths[target] = end

    def take(self, row: int, end: int) -> tuple[Tensor, Tensor]:
        """Return copies of a row's keys and values up to `end`, (layers, kv_heads, end, D) each."""
        return self.keys[:, row, :, :end].clone(), self.values[:, row, :, :end].clone()

    def put(self, row: int, keys: Tensor, values: Tensor, end: int) -> None:
        """Fill an empty row with the beginning, up to `end`, of what `take` gave."""
        self.keys[:, row, :, :end] = keys[:, :, :end]
        self.values[:, row, :, :end] = values[:, :, :end]
        self.lengths[row] = end

    def check_room(self, most: int) -> None:
        """Raise ValueError if a row of `most` tokens is longer than what was reserved."""
        if most > self.capacity:
            raise ValueError(f"the key-value cache holds {self.capacity} tokens a row and is full")


class Extend:
    """Appends `counts[i]` tokens to row `rows[i]`; a token sees its row up to itself."""

    def __init__(self, cache: KVCache, rows: Sequence[int], counts: Sequence[int]) -> None:
        self.cache, self.rows, self.counts = cache, rows, counts
        self.pasts = [cache.lengths[row] for row in rows]
        cache.check_room(max(past + count for past, count in zip(self.pasts, counts, strict=True)))
        self.layout = Layout.from_lengths(counts, cache.device)
        pasts = torch.tensor(self.pasts).repeat_interleave(torch.tensor(counts)).to(cache.device)
        self.positions = self.layout.positions + pasts

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Store the new keys and values and attend. query (T, heads, D); key, value (T, kv_heads, D)."""
        keys, values = self.cache.keys[layer], self.cache.values[layer]
        places = list(zip(self.rows, self.pasts, self.counts, strict=True))
        for (row, past, count), k, v in zip(places, key.split(self.counts), value.split(self.counts), strict=True):
            keys[row, :, past : past + count] = k.transpose(0, 1)
            values[row, :, past : past + count] = v.transpose(0, 1)
        if query.is_cuda and not any(self.pasts):
            return attend(query, key, value, self.layout)
        parts = [
            extend_attention(q, keys[row], values[row], past)
            for (row, past, _), q in zip(places, query.split(self.counts), strict=True)
        ]
        return torch.cat(parts)

    def done(self) -> None:
        """Count the tokens, once every layer has them."""
        for row, count in zip(self.rows, self.counts, strict=True):
            self.cache.lengths[row] += count


class Step:
    """Appends one token to every row."""

    def __init__(self, cache: KVCache) -> None:
        self.cache = cache
        self.seen = max(cache.lengths) + 1
        cache.check_room(self.seen)
        self.positions = torch.tensor(cache.lengths, device=cache.device)
        self.rows = torch.arange(len(cache.lengths), device=cache.device)
        hidden = torch.arange(self.seen, device=cache.device) > self.positions[:, None]
        self.mask = torch.zeros(hidden.shape, dtype=cache.keys.dtype, device=cache.device)
        self.mask.masked_fill_(hidden, float("-inf"))

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Store the new keys and values and attend. query (rows, heads, D); key, value (rows, kv_heads, D)."""
        keys, values = self.cache.keys[layer], self.cache.values[layer]
        keys[self.rows, :, self.positions] = key
        values[self.rows, :, self.positions] = value
        used = len(self.rows)
        return step_attention(query, keys[:used, :, : self.seen], values[:used, :, : self.seen], self.mask)

    def done(self) -> None:
        """Count the tokens, once every layer has them."""
        self.cache.lengths = [length + 1 for length in self.cache.lengths]

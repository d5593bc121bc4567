"""Which examples make up each step, in which order, and how a step is split into flat micro-batches.

A step is a fixed set of examples. How they are packed into micro-batches decides speed and memory, never the result.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hive_mind.device import moved
from hive_mind.model.attention import Layout
from hive_mind.model.qwen2 import Qwen2
from hive_mind.training.tokens import Examples


@dataclass(frozen=True)
class Step:
    """One optimizer step: number from 1, the epoch's progress after it, and indices into Examples."""

    number: int
    epoch: float
    consumed: int
    indices: tuple[int, ...]
    tokens: int
    labelled_tokens: int


@dataclass(frozen=True)
class Plan:
    """Every step of a run. The last step of an epoch takes what is left, so no example is dropped or seen twice."""

    examples: Examples
    step_size: int
    epochs: int
    seed: int
    max_steps: int | None = None
    without: frozenset[int] = frozenset()
    """Examples left out of their steps, which stay as they are otherwise."""

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.examples) / self.step_size)

    @property
    def total_steps(self) -> int:
        every = self.steps_per_epoch * self.epochs
        return every if self.max_steps is None else min(every, self.max_steps)

    def steps(self, consumed: int = 0) -> Iterator[Step]:
        """Yield the steps that follow after `consumed` examples, which is where a checkpoint says it stopped."""
        count, lengths, labelled = len(self.examples), self.examples.lengths, self.examples.labelled_lengths
        epoch, start = divmod(consumed, count)
        number = epoch * self.steps_per_epoch + math.ceil(start / self.step_size)
        while number < self.total_steps:
            order = epoch_order(count, self.seed, epoch)
            for begin in range(start, count, self.step_size):
                if number == self.total_steps:
                    return
                number += 1
                planned = order[begin : begin + self.step_size]
                done = epoch * count + begin + len(planned)
                chosen = [index for index in planned if index not in self.without]
                tokens, targets = int(lengths[chosen].sum()), int(labelled[chosen].sum())
                yield Step(number, done / count, done, tuple(chosen), tokens, targets)
            epoch, start = epoch + 1, 0

    def milestones(self, every: float) -> frozenset[int]:
        """Return the steps at whose end another `every` epochs are done, with 0 (nothing yet) and the last step."""
        count = len(self.examples)
        found = {0, self.total_steps}
        for number in range(1, math.ceil(self.epochs / every)):
            epoch, rest = divmod(round(number * every * count), count)
            found.add(epoch * self.steps_per_epoch + math.ceil(rest / self.step_size))
        return frozenset(step for step in found if step <= self.total_steps)

    def tokens_after(self, consumed: int) -> int:
        """Return how many tokens the steps after `consumed` examples will read."""
        return sum(step.tokens for step in self.steps(consumed))


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """Return the order of an epoch: by a hash, so that it is the same with every library version."""
    return sorted(range(count), key=lambda i: hashlib.blake2b(f"{seed}:{epoch}:{i}".encode(), digest_size=8).digest())


@dataclass(frozen=True)
class Packing:
    """How a step is split: a micro-batch holds at most so many examples and, beyond its first, so many tokens."""

    examples: int
    tokens: int | None = None

    def split(self, indices: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
        """Split `indices` in their order; `lengths` are their examples' token counts."""
        batches: list[list[int]] = []
        filled = 0
        for index, length in zip(indices, lengths, strict=True):
            full = batches and (
                len(batches[-1]) == self.examples or (self.tokens is not None and filled + length > self.tokens)
            )
            if full or not batches:
                batches.append([])
                filled = 0
            batches[-1].append(index)
            filled += length
        return batches

    def share_out(self, indices: Sequence[int], lengths: Sequence[int], workers: int) -> list[list[int]]:
        """Split `indices` for workers that compute at once: as many micro-batches as `split` makes, even in tokens.

        The longest examples are dealt first, each to the micro-batch with the fewest tokens. With `tokens` set, or one
        worker, nothing waits for the largest micro-batch and `split` decides.
        """
        parts = self.split(indices, lengths)
        if workers == 1 or self.tokens is not None:
            return parts
        dealt: list[list[int]] = [[] for _ in parts]
        filled = [0] * len(parts)
        for place in sorted(range(len(indices)), key=lambda place: -lengths[place]):
            open_parts = [part for part in range(len(parts)) if len(dealt[part]) < self.examples]
            fewest = min(open_parts, key=filled.__getitem__)
            dealt[fewest].append(indices[place])
            filled[fewest] += lengths[place]
        return dealt

    def halved(self, longest: int) -> Packing:
        """Return half of it, and twice as many micro-batches; never less than one example of `longest` tokens."""
        if self.tokens is not None:
            return Packing(self.examples, max(longest, self.tokens // 2))
        return Packing(max(1, self.examples // 2))

    def at_most(self, other: Packing) -> Packing:
        """Return what is no larger than either of the two."""
        limits = [packing.tokens for packing in (self, other) if packing.tokens is not None]
        return Packing(min(self.examples, other.examples), min(limits, default=None))

    def __str__(self) -> str:
        examples = f"{self.examples} example" + ("" if self.examples == 1 else "s")
        return examples if self.tokens is None else f"up to {self.tokens:,} tokens"


@dataclass(frozen=True)
class MicroBatch:
    """Whole examples in one flat sequence: input_ids (T,) int64.

    `rows` (L,) are the positions whose next token is learnt, `targets` (L,) those tokens; both within one example.
    `sources` (L,) int64 says which source each target belongs to.
    """

    input_ids: Tensor
    layout: Layout
    rows: Tensor
    targets: Tensor
    sources: Tensor


def collate(
    examples: Examples, indices: Sequence[int], device: torch.device | str = "cpu", *, rounded: bool = False
) -> MicroBatch:
    """Pack examples into one flat micro-batch, made on the CPU and moved once.

    `rounded` adds a filler sequence, which nothing attends to or learns from, so that few different lengths occur.
    """
    parts = [slice(int(examples.offsets[i]), int(examples.offsets[i + 1])) for i in indices]
    ids = np.concatenate([examples.ids[part] for part in parts]).astype(np.int64)
    labelled = np.concatenate([examples.labelled[part] for part in parts])
    lengths = [part.stop - part.start for part in parts]
    # The token at position p is predicted from p - 1, which is in the same example: no first token is labelled.
    positions = np.flatnonzero(labelled)
    targets = ids[positions]
    sources = np.repeat(examples.source[list(indices)].astype(np.int64), lengths)[positions]
    filler = round_up(len(ids)) - len(ids) if rounded else 0
    if filler:
        ids = np.concatenate([ids, np.zeros(filler, dtype=np.int64)])
        lengths.append(filler)
    tensors = [moved(torch.from_numpy(array), device) for array in (ids, positions - 1, targets, sources)]
    return MicroBatch(tensors[0], Layout.from_lengths(lengths, device), *tensors[1:])


def wants_rounding(model: Qwen2) -> bool:
    """Tell whether micro-batches should be rounded for this model.

    torch's bf16 products on CPU compile and keep a kernel for every new shape: with unrounded lengths a run of the tiny
    base was a quarter slower and took 800 MB more.
    """
    return model.device.type == "cpu" and model.dtype == torch.bfloat16


def round_up(tokens: int) -> int:
    """Round a length up to one of 16 steps an octave, at most a sixteenth more."""
    granule = max(16, 1 << max(0, tokens.bit_length() - 5))
    return -(-tokens // granule) * granule

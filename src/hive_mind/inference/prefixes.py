"""Prompts that begin alike: which beginnings are shared, in what order that serves best, and what is kept for later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

WORTH_SHARING = 64
"""Prompt tokens that sharing a beginning must save; a pass over the weights of its own costs about as much."""

Key = int
"""Which adapter has read a prompt: what one makes of it is of no use to another."""

Keyed = tuple[Key, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows whose prompts are alike up to `end`; `level` counts the shared beginnings that this one goes on from."""

    rows: list[int]
    end: int
    level: int


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """Return how many of the first tokens are alike."""
    shorter = min(len(a), len(b))
    for place in range(shorter):
        if a[place] != b[place]:
            return place
    return shorter


def shared_beginnings(prompts: Sequence[Keyed]) -> list[Shared]:
    """Find what is worth reading once for several prompts, outermost beginnings first.

    The last token of a prompt is never shared: each row reads that itself, to have something to answer to.
    """
    order, alike = _sorted(prompts)
    found: list[Shared] = []
    waiting = [(0, len(order), 0, 0)]
    while waiting:
        low, high, start, level = waiting.pop()
        if high - low < 2:
            continue
        end = min(alike[low + 1 : high])
        cuts = [low, *(place for place in range(low + 1, high) if alike[place] == end), high]
        if (high - low - 1) * (end - start) >= WORTH_SHARING:
            found.append(Shared(order[low:high], end, level))
            start, level = end, level + 1
        waiting += [(a, b, start, level) for a, b in pairwise(cuts)]
    return sorted(found, key=lambda shared: shared.level)


def in_order(prompts: Sequence[Keyed]) -> list[int]:
    """Order prompts longest first, so that what is too long fails at once; those mostly alike stay together."""
    order, alike = _sorted(prompts)
    groups: list[list[int]] = []
    for place, row in enumerate(order):
        if place and 2 * alike[place] > min(len(prompts[row][1]), len(prompts[order[place - 1]][1])):
            groups[-1].append(row)
        else:
            groups.append([row])
    groups.sort(key=lambda group: -max(len(prompts[row][1]) for row in group))
    return [row for group in groups for row in group]


def _sorted(prompts: Sequence[Keyed]) -> tuple[list[int], list[int]]:
    """Return the rows by key and tokens, and how much each shares with the one before, but for its last token."""
    order = sorted(range(len(prompts)), key=lambda row: (prompts[row][0], list(prompts[row][1])))
    alike = [0]
    for before, row in pairwise(order):
        (key, ids), (other_key, other) = prompts[row], prompts[before]
        alike.append(min(common_length(ids, other), len(ids) - 1, len(other) - 1) if key == other_key else 0)
    return order, alike


@dataclass(frozen=True, slots=True)
class Prefix:
    """The keys and values of a prompt's beginning, (layers, kv_heads, T, D) each."""

    key: Key
    ids: Sequence[int]
    keys: Tensor
    values: Tensor


class PrefixStore:
    """Beginnings of prompts that were read before, at most `max_tokens` in all; those not used for longest go first."""

    def __init__(self, max_tokens: int = 8192) -> None:
        self.max_tokens = max_tokens
        self.kept: list[Prefix] = []  # the one used last stands last

    def longest(self, key: Key, ids: Sequence[int]) -> tuple[Prefix | None, int]:
        """Return what begins most like `ids`, and how far; the last token of `ids` is not counted."""
        best, length = None, 0
        for prefix in self.kept:
            if prefix.key == key and (alike := common_length(prefix.ids, ids)) > length:
                best, length = prefix, alike
        if best is not None:
            self.kept.remove(best)
            self.kept.append(best)
        return best, min(length, len(ids) - 1)

    def known(self, key: Key, ids: Sequence[int]) -> int:
        """Return how many of the first tokens were read before."""
        return max((common_length(kept.ids, ids) for kept in self.kept if kept.key == key), default=0)

    def add(self, prefix: Prefix) -> None:
        """Keep a beginning, in the place of those that it goes on from."""
        self.kept = [
            kept for kept in self.kept
            if kept.key != prefix.key or common_length(kept.ids, prefix.ids) < len(kept.ids)
        ]  # fmt: skip
        self.kept.append(prefix)
        while sum(len(kept.ids) for kept in self.kept) > self.max_tokens:
            self.kept.pop(0)

    def forget(self, key: Key) -> None:
        """Let go of what an adapter has read that is no longer there."""
        self.kept = [kept for kept in self.kept if kept.key != key]

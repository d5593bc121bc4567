"""A fixed sample of a suite's tasks: every group keeps its share, and a task that is added elsewhere moves no other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Row = TypeVar("Row")


def sample_groups(
    rows: Sequence[Row], limit: int | None, seed: int, identity: Callable[[Row], str], group: Callable[[Row], str]
) -> list[Row]:
    """Choose at most `limit` rows, each group with its share (at least one while the limit lasts), in their order.

    The choice hangs on the seed and the row's identity alone.
    """
    if limit is None or len(rows) <= limit:
        return list(rows)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(group(row), []).append(row)
    chosen: set[str] = set()
    for name, count in _shares({name: len(found) for name, found in groups.items()}, limit).items():
        ranked = sorted(groups[name], key=lambda row: rank(seed, identity(row)))
        chosen.update(identity(row) for row in ranked[:count])
    return [row for row in rows if identity(row) in chosen]


def rank(seed: int, text: str) -> str:
    """Return a text's place in the random order that a seed stands for."""
    return hashlib.sha256(f"{seed}\n{text}".encode()).hexdigest()


def _shares(sizes: Mapping[str, int], limit: int) -> dict[str, int]:
    """Share `limit` out in proportion to the sizes (largest remainder), at least one each while it lasts."""
    total = sum(sizes.values())
    exact = {name: limit * size / total for name, size in sizes.items()}
    shares = {name: max(1, int(share)) for name, share in exact.items()}
    while sum(shares.values()) < limit:
        neediest = min((name for name in shares if shares[name] < sizes[name]), key=lambda n: (shares[n] - exact[n], n))
        shares[neediest] += 1
    while sum(shares.values()) > limit:
        richest = max(shares, key=lambda n: (shares[n] > 1, shares[n] - exact[n], n))
        shares[richest] -= 1
    return shares

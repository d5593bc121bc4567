"""Statistics of right and wrong: intervals of a share, and two models compared on the same items.

Pairing matters: two models that fail on the same hard items differ by the few where one is right and the other wrong,
and only those tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

LEVEL = 0.95
RESAMPLES = 10_000
_Z = 1.959963984540054  # the standard normal's 97.5th percentile


@dataclass(frozen=True, slots=True)
class Paired:
    """Model a against model b. Wins: only a is right; losses: only b is. `difference` is a's share less b's.

    low, high: 95 % bootstrap interval of the difference; p_better, p_worse: exact one-sided McNemar p-values.
    """

    items: int
    a_correct: int
    b_correct: int
    wins: int
    losses: int
    difference: float
    low: float
    high: float
    p_better: float
    p_worse: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(a: Sequence[bool], b: Sequence[bool], seed: int = 42) -> Paired:
    """Compare outcomes on the same items in the same order. Raises ValueError if the lengths differ or are 0."""
    if len(a) != len(b) or not a:
        raise ValueError(f"paired outcomes need equal, positive lengths, not {len(a)} and {len(b)}")
    wins = sum(x and not y for x, y in zip(a, b, strict=True))
    losses = sum(y and not x for x, y in zip(a, b, strict=True))
    low, high = bootstrap_difference(wins, losses, len(a), seed)
    return Paired(
        items=len(a), a_correct=sum(a), b_correct=sum(b), wins=wins, losses=losses,
        difference=(wins - losses) / len(a), low=low, high=high,
        p_better=mcnemar(wins, losses), p_worse=mcnemar(losses, wins),
    )  # fmt: skip


def mcnemar(wins: int, losses: int) -> float:
    """Return the chance of at least `wins` wins if each discordant item were a fair coin: the exact one-sided test."""
    tosses = wins + losses
    term = math.comb(tosses, wins)
    tail = 0
    for k in range(wins, tosses + 1):
        tail += term
        term = term * (tosses - k) // (k + 1)
    return tail / (1 << tosses)


def bootstrap_difference(wins: int, losses: int, items: int, seed: int = 42) -> tuple[float, float]:
    """Return the 95 % percentile interval of the paired difference under resampling of items.

    An item's difference is 1, -1 or 0, so a resample is one draw of the three counts from a multinomial.
    """
    import numpy as np

    shares = [wins / items, losses / items, (items - wins - losses) / items]
    drawn = np.random.default_rng(seed).multinomial(items, shares, size=RESAMPLES)
    differences = (drawn[:, 0] - drawn[:, 1]) / items
    low, high = np.quantile(differences, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wilson(correct: int, items: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share; (0, 1) where nothing was asked."""
    if items == 0:
        return 0.0, 1.0
    share, z2 = correct / items, _Z * _Z
    centre = (share + z2 / (2 * items)) / (1 + z2 / items)
    half = _Z / (1 + z2 / items) * math.sqrt(share * (1 - share) / items + z2 / (4 * items * items))
    # Rounding alone could put the ends of 0 and 1 on the wrong side of the share.
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))

"""What a sample can show, known before it is asked: the power of the paired test, and the smallest gain it finds.

The normal approximation of McNemar's test (Connor, Biometrics 43 (1987), 207), with the variance of clustered tasks.
`design` is the design effect: how many times as many clustered tasks are worth as much as independent ones (Kish).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

ALPHA = 0.05
POWER = 0.8
_NORMAL = NormalDist()


def power(items: int, difference: float, discordance: float, design: float = 1.0, alpha: float = ALPHA) -> float:
    """Return the chance that the one-sided test at `alpha` finds a true gain of `difference` on `items` tasks.

    `discordance` is the share of tasks on which exactly one of the two models is right, at least `difference`.
    """
    if not abs(difference) <= discordance <= 1:
        raise ValueError(f"a gain of {difference} needs as much discordance at least, not {discordance}")
    spread = math.sqrt(discordance - difference * difference)
    reach = difference * math.sqrt(items / design) - _NORMAL.inv_cdf(1 - alpha) * math.sqrt(discordance)
    return _NORMAL.cdf(reach / spread) if spread else float(reach > 0)


def design_effect(sizes: Sequence[int], correlation: float) -> float:
    """Return the design effect of clusters of these sizes.

    `correlation` is that of the paired differences (1, 0 or -1) of two tasks in one cluster.
    """
    return 1 + (sum(size * size for size in sizes) / sum(sizes) - 1) * correlation


def detectable(items: int, discordant: int, squares: int, alpha: float = ALPHA, chance: float = POWER) -> float:
    """Return the smallest true gain that a sample like this one finds with the given chance.

    `discordant` is how many tasks exactly one model has right, `squares` the sum over clusters of the squares of their
    wins less losses, which for independent tasks is the same.
    """
    fewest = math.ceil(-math.log2(alpha))  # wins without a loss that the exact test needs
    if not discordant:
        return min(1.0, fewest / items)
    discordance, effective = discordant / items, items * discordant / max(squares, 1)
    sought, found = _NORMAL.inv_cdf(1 - alpha), _NORMAL.inv_cdf(chance)
    gain = 0.0
    for _ in range(50):  # a fixed point: the gain narrows the spread that it is measured with
        spread = math.sqrt(max(0.0, discordance - gain * gain))
        gain = (sought * math.sqrt(discordance) + found * spread) / math.sqrt(effective)
    return min(1.0, max(gain, fewest / items))

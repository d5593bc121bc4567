"""Statistics of right and wrong: intervals of a share, and two models compared on the same tasks.

Pairing matters: two models that fail on the same hard tasks differ by the few where one is right and the other wrong,
and only those tell them apart. So do clusters: tasks that offer the same tools are won and lost together, and counting
each as evidence of its own promotes equal models far more often than the level says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from hive_mind.evaluation.power import detectable

LEVEL = 0.95
RESAMPLES = 10_000
FEW_CLUSTERS = 10
"""With fewer, the tool sets are no sample of tool sets but simply the user's own: each task counts by itself then."""
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True)
class Paired:
    """Model a against model b. Wins: only a is right; losses: only b is. `difference` is a's share less b's.

    clusters: independent groups of tasks (as many as items where each counts by itself). low, high: 95 % bootstrap
    interval of the difference over clusters. p_better, p_worse: exact one-sided p-values over clusters; mcnemar: the
    exact two-sided McNemar p over tasks. detectable: the smallest difference that this sample finds in four cases of
    five.
    """

    items: int
    clusters: int
    a_correct: int
    b_correct: int
    wins: int
    losses: int
    difference: float
    low: float
    high: float
    p_better: float
    p_worse: float
    mcnemar: float
    detectable: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(a: Sequence[bool], b: Sequence[bool], clusters: Sequence[Hashable] | None = None, seed: int = 42) -> Paired:
    """Compare outcomes on the same tasks in the same order; tasks of equal `clusters` depend on each other.

    Raises ValueError if the lengths differ or are 0.
    """
    if len(a) != len(b) or not a or (clusters is not None and len(clusters) != len(a)):
        raise ValueError(f"paired outcomes need equal, positive lengths, not {len(a)} and {len(b)}")
    wins = sum(x and not y for x, y in zip(a, b, strict=True))
    losses = sum(y and not x for x, y in zip(a, b, strict=True))
    differences, sizes = _by_cluster(a, b, clusters)
    low, high = bootstrap_difference(differences, sizes, seed)
    return Paired(
        items=len(a), clusters=len(sizes), a_correct=sum(a), b_correct=sum(b), wins=wins, losses=losses,
        difference=(wins - losses) / len(a), low=low, high=high,
        p_better=sign_flip(differences), p_worse=sign_flip([-each for each in differences]),
        mcnemar=min(1.0, 2 * mcnemar(max(wins, losses), min(wins, losses))),
        detectable=detectable(len(a), wins + losses, sum(each * each for each in differences)),
    )  # fmt: skip


def mcnemar(wins: int, losses: int) -> float:
    """Return the chance of at least `wins` wins if each discordant task were a fair coin: the exact one-sided test."""
    tosses = wins + losses
    term = math.comb(tosses, wins)
    tail = 0
    for k in range(wins, tosses + 1):
        tail += term
        term = term * (tosses - k) // (k + 1)
    return tail / (1 << tosses)


def sign_flip(differences: Sequence[int]) -> float:
    """Return the chance of a sum of at least this size if each cluster's difference had its sign by a fair coin.

    A cluster's difference is its wins less its losses. Where two models are equal, either could have had the other's
    outcomes on a whole cluster, so the test is exact however its tasks depend on each other; with clusters of one it is
    McNemar's. Its normal approximation is Durkalski et al., Statistics in Medicine 22 (2003), 2417.
    """
    import numpy as np

    sizes = Counter(abs(each) for each in differences if each)
    if sizes.keys() <= {1}:
        return mcnemar(sum(each > 0 for each in differences), sum(each < 0 for each in differences))
    chances = np.ones(1)  # of every sum from -reach to reach
    for size, count in sizes.items():
        of_these = np.zeros(2 * size * count + 1)
        of_these[:: 2 * size] = [math.comb(count, heads) / (1 << count) for heads in range(count + 1)]
        chances = np.convolve(chances, of_these)
    reach = len(chances) // 2
    return min(1.0, float(chances[reach + sum(differences) :].sum()))


def bootstrap_difference(differences: Sequence[int], sizes: Sequence[int], seed: int = 42) -> tuple[float, float]:
    """Return the 95 % percentile interval of the paired difference under resampling of whole clusters.

    `differences` are the clusters' wins less losses, `sizes` their tasks. Clusters alike in both are exchangeable, so a
    resample is one draw of how often each kind of cluster occurs, from a multinomial.
    """
    import numpy as np

    kinds = Counter(zip(differences, sizes, strict=True))
    counts = np.array(list(kinds.values()))
    each = np.array(list(kinds))
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES)
    shares = (drawn @ each[:, 0]) / (drawn @ each[:, 1])
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
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


def _by_cluster(
    a: Sequence[bool], b: Sequence[bool], clusters: Sequence[Hashable] | None
) -> tuple[list[int], list[int]]:
    """Return each cluster's wins less losses, and its number of tasks."""
    if clusters is None or len(set(clusters)) < FEW_CLUSTERS:
        clusters = range(len(a))
    differences: Counter[Hashable] = Counter()
    sizes: Counter[Hashable] = Counter()
    for cluster, mine, theirs in zip(clusters, a, b, strict=True):
        differences[cluster] += int(mine) - int(theirs)
        sizes[cluster] += 1
    return [differences[cluster] for cluster in sizes], list(sizes.values())

"""Greedy replies that repeat themselves without end, the degeneration that arXiv 1904.09751 describes.

Small models fall into it, in strings, lists and numbers alike, and a call that does is cut by its budget.
"""

from __future__ import annotations

from collections.abc import Sequence

SPAN = 64
"""So many tokens of nothing but repetition are a loop."""

TIMES = 4
"""So often what is repeated stands in them, at least."""


def looping(ids: Sequence[int]) -> frozenset[int]:
    """Return the tokens of what a reply has been repeating for its last SPAN tokens; none if it is in no loop."""
    tail = list(ids[-SPAN:])
    if len(tail) == SPAN:
        for period in range(1, SPAN // TIMES + 1):
            if tail[-1] == tail[-1 - period] and tail[period:] == tail[:-period]:
                return frozenset(tail[:period])
    return frozenset()

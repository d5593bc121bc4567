"""Greedy replies that repeat themselves without end, the degeneration that arXiv 1904.09751 describes.

Small models fall into it, in strings, lists and numbers alike, and a call that does is cut by its budget. What a call
has repeated for long is not chosen again in it, as long as its grammar allows anything else. Once is not enough: after
"222" comes "333", and so from then on less repetition counts.
"""

from __future__ import annotations

from collections.abc import Sequence

SPAN, NEXT_SPAN = 64, 16
"""So many tokens of nothing but repetition are a loop: the first of a reply, and those after it."""

TIMES = 4
"""So often what is repeated stands in them, at least."""


def looping(ids: Sequence[int], before: bool = False) -> frozenset[int]:
    """Return the tokens of what a reply keeps repeating at its end; none if it does not. `before`: it has done so."""
    for span in (NEXT_SPAN, SPAN) if before else (SPAN,):
        tail = list(ids[-span:])
        if len(tail) < span:
            break
        for period in range(1, span // TIMES + 1):
            if tail[-1] == tail[-1 - period] and tail[period:] == tail[:-period]:
                return frozenset(tail[:period])
    return frozenset()

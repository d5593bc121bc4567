"""Texts to shingles as 64-bit numbers, many texts at once: what near-duplicates and test questions are compared on.

A shingle is five words (or characters) in a row. All is done on the bytes of many texts together in numpy: 145,000
conversations of 2 KB have 50 million shingles, which as Python strings would take minutes and gigabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hive_mind.conversation import JSON
from hive_mind.files import json_line

Numbers = NDArray[np.uint64]
Positions = NDArray[np.int64]

WIDTH = 5
"""Words or characters in a shingle."""
LONGEST_TEXT = 200_000
"""Bytes of a text that are looked at; two texts that are equal so far are taken as equal."""

_BASE = 0x9E3779B97F4A7C15
_STEP = np.uint64(0xD6E8FEB86659FD93)
_IS_WORD = np.zeros(256, dtype=bool)
_IS_WORD[[*range(48, 58), *range(65, 91), 95, *range(97, 123), *range(128, 256)]] = True


@dataclass(frozen=True)
class Shingles:
    """The shingles of many texts, one text after the other: those of text i stand from offsets[i] to offsets[i + 1]."""

    values: Numbers
    offsets: Positions

    def of(self, text: int) -> Numbers:
        """Return one text's shingles."""
        return self.values[self.offsets[text] : self.offsets[text + 1]]

    def owners(self) -> Positions:
        """Return for every shingle the number of its text."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def words(text: str) -> bytes:
    """Return a text as it is compared: letters in lower case."""
    return text.casefold().encode("utf-8", "replace")[:LONGEST_TEXT]


def spoken(row: JSON) -> str:
    """Return what the user and the assistant say in a row, calls with their arguments included.

    Tool declarations are left out, because thousands of rows repeat them, and so are system texts and tool results:
    nothing of these is learnt, and a row adds nothing for having another price in a result. Of a row that begins with
    turns that are not learnt (a window of a long one) nothing stands here but what comes after them: see `asked`.
    """
    said: list[str] = []
    for message in row["messages"][_context_end(row) :]:
        if message["role"] == "user" or is_learnt(message):
            said.append(message["content"])
            for call in message.get("tool_calls", ()):
                said += (call["function"]["name"], json_line(call["function"]["arguments"]).decode())
    return "\n".join(said)


def asked(row: JSON) -> str:
    """Return the last request in the turns that are not learnt and that a row begins with, "" where it has none.

    Many windows have it in common, so it would make them alike whatever they teach.
    """
    requests = [message["content"] for message in row["messages"][: _context_end(row)] if message["role"] == "user"]
    return str(requests[-1]) if requests else ""


def is_learnt(message: JSON) -> bool:
    """Tell whether a message of a row is an assistant turn to learn."""
    return message["role"] == "assistant" and message.get("weight") != 0


def _context_end(row: JSON) -> int:
    """Return where the first turn to learn stands if turns that are not learnt come before it, else 0."""
    roles = [(message["role"], is_learnt(message)) for message in row["messages"]]
    first = roles.index(("assistant", True)) if ("assistant", True) in roles else len(roles)
    return first if ("assistant", False) in roles[:first] else 0


def word_shingles(texts: Sequence[bytes], width: int = WIDTH) -> Shingles:
    """Return the shingles of `width` words of each text; one with fewer words is a single shingle of all of them."""
    buffer = np.frombuffer(b"\n".join([*texts, b""]), dtype=np.uint8)
    inside = _IS_WORD[buffer]
    edges = np.diff(inside.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    sums = np.zeros(len(buffer) + 1, dtype=np.uint64)
    powers, inverses = _powers(1 << max(21, len(buffer).bit_length()))
    np.cumsum((buffer.astype(np.uint64) + np.uint64(1)) * powers[: len(buffer)], out=sums[1:])
    hashes = _mix((sums[ends] - sums[starts]) * inverses[starts])
    begins = np.concatenate([[0], np.cumsum([len(text) + 1 for text in texts])])
    return _windows(hashes, np.diff(np.searchsorted(starts, begins)), width)


def character_shingles(texts: Sequence[bytes], width: int = WIDTH) -> Shingles:
    """Return the shingles of `width` bytes of each text; one that is shorter is a single shingle."""
    buffer = np.frombuffer(b"".join(texts), dtype=np.uint8)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    return _windows(_mix(buffer.astype(np.uint64) + np.uint64(1)), lengths, width)


def jaccard(one: Numbers, other: Numbers) -> float:
    """Return how much two sets of distinct shingles have in common, from 0 to 1; nothing is like nothing else."""
    if not len(one) or not len(other):
        return 0.0
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)


def _windows(units: Numbers, counts: NDArray[Any], width: int) -> Shingles:
    """Combine each unit with the following ones of the same text, up to `width` of them."""
    last = np.repeat(np.cumsum(counts), counts)
    combined = np.zeros(len(units), dtype=np.uint64)
    places = np.arange(len(units))
    for step in range(width):
        combined *= _STEP
        if step < len(units):
            here = np.where(places[: len(units) - step] + step < last[: len(units) - step], units[step:], np.uint64(0))
            combined[: len(units) - step] += here
    first = last - np.repeat(counts, counts)
    whole = (places + width <= last) | (places == first)
    offsets = np.concatenate([[0], np.cumsum(np.where(counts > 0, np.maximum(counts - width + 1, 1), 0))])
    return Shingles(_mix(combined[whole]), offsets)


def _mix(values: Numbers) -> Numbers:
    """Spread every bit of the values over all bits (the end of splitmix64)."""
    values = values ^ (values >> np.uint64(30))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Numbers, Numbers]:
    """Return the first powers of the hash's base modulo 2**64, and of its inverse."""
    base, inverse = (np.full(count, value, dtype=np.uint64) for value in (_BASE, pow(_BASE, -1, 1 << 64)))
    base[0] = inverse[0] = 1
    return np.cumprod(base, dtype=np.uint64), np.cumprod(inverse, dtype=np.uint64)

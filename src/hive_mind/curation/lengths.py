"""How long rows are, in characters: what a model is shown of them, before a tokenizer is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import orjson

from hive_mind.conversation import JSON

STEPS_A_DECADE = 10
"""The histogram's bars: ten from 100 to 1,000 characters, and as many from 1,000 to 10,000."""


@dataclass(frozen=True)
class Lengths:
    """The lengths of one source's training rows in characters; `histogram` is (lower edge, rows) where there are any.

    Half of the rows are no longer than `median`, 95 of 100 no longer than `most`.
    """

    shortest: int
    median: int
    most: int
    longest: int
    histogram: tuple[tuple[int, int], ...]

    def to_dict(self) -> JSON:
        return {
            "shortest": self.shortest, "median": self.median, "most": self.most, "longest": self.longest,
            "histogram": [list(bar) for bar in self.histogram],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, row: JSON) -> Lengths:
        return cls(**{**row, "histogram": tuple(tuple(bar) for bar in row["histogram"])})


def edge(step: int) -> int:
    """Return the lower edge of a bar, in characters."""
    return round(10 ** (step / STEPS_A_DECADE))


def next_edge(lower: int) -> int:
    """Return the upper edge of the bar that begins at `lower`."""
    return next(edge(step) for step in count() if edge(step) > lower)


def measure(characters: Sequence[int]) -> Lengths:
    """Return what is said of so many rows' lengths, at least one."""
    rows = sorted(characters)
    bars: Counter[int] = Counter()
    step = 0
    for length in rows:
        while edge(step + 1) <= length:
            step += 1
        bars[edge(step)] += 1
    return Lengths(rows[0], _quantile(rows, 50), _quantile(rows, 95), rows[-1], tuple(bars.items()))


def characters_of(line: bytes) -> int:
    """Return how many characters of a row's line a model is shown: its messages, and calls and tools as JSON."""
    row = orjson.loads(line)
    characters = len(_json(row["tools"])) if "tools" in row else 0
    for message in row["messages"]:
        characters += len(message["content"])
        if "tool_calls" in message:
            characters += len(_json([call["function"] for call in message["tool_calls"]]))
    return characters


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _quantile(rows: Sequence[int], percent: int) -> int:
    return rows[(len(rows) * percent + 99) // 100 - 1]

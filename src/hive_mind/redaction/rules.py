"""What every rule of the redaction is: a pattern, what must be in a text for it to match, and what it finds."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text that must go: where it stands (`end` is behind its last character) and of which kind it is."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Finds one kind of value: what `group` of the pattern matches, 0 being the whole match.

    At least one of `needles` is in every text that the pattern matches, in lower case: looking for them costs a
    fraction of the pattern. `accept` has the last word on a match.
    """

    kind: str
    pattern: re.Pattern[str]
    needles: tuple[str, ...]
    group: int | str = 0
    accept: Callable[[re.Match[str]], bool] | None = None

    def find(self, text: str) -> Iterator[Span]:
        """Yield what the rule finds in a text."""
        for match in self.pattern.finditer(text):
            if match.start(self.group) >= 0 and (self.accept is None or self.accept(match)):
                yield Span(match.start(self.group), match.end(self.group), self.kind)


class RuleSet:
    """Rules in the order of their weight, with those that cannot find anything in a text left out quickly."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_needle = [(needle, rule) for rule in rules for needle in rule.needles]

    def find(self, text: str, lowered: str) -> Iterator[Span]:
        """Yield what the rules find in a text; `lowered` is the text in lower case."""
        rules = [rule for needle, rule in self._by_needle if needle in lowered]
        for rule in dict.fromkeys(rules):
            yield from rule.find(text)


class Placed(Protocol):
    """Anything that takes up a piece of text."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


P = TypeVar("P", bound=Placed)


def overlapping(items: Sequence[P], item: Placed) -> slice:
    """Return which of some items overlap with another; they stand in the order of the text, apart from each other."""
    low = bisect_right(items, item.start, key=lambda other: other.end)
    return slice(low, bisect_left(items, item.end, lo=low, key=lambda other: other.start))


def first_come(items: Iterable[P]) -> list[P]:
    """Return items in the order of the text; one that overlaps with an earlier one of the list is left out."""
    kept: list[P] = []
    for item in items:
        place = overlapping(kept, item)
        if not kept[place]:
            kept[place] = [item]
    return kept

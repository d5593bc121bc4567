"""Put stable placeholders in the place of what must go from a text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from hive_mind.redaction.text import Found, find
from hive_mind.redaction.values import PLACEHOLDER

_SHORTEST_SPREAD = 6
_FOUND_EVERYWHERE = frozenset({"ip", "card"})
_ONLY_IN_PLACE = frozenset({"user"})

_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass
class Memory:
    """The placeholders of one conversation: the same value always becomes the same placeholder.

    `spread` are the values, with their kinds, that are looked for in every text: a password that one message gives away
    by its name stands in another without it. Names of home folders are replaced in paths alone.
    """

    placeholders: dict[str, str] = field(default_factory=dict)
    spread: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    _last: Counter[str] = field(default_factory=Counter)

    def reserve(self, text: str) -> None:
        """Leave to placeholders that stand in a text already their numbers."""
        if "<SECRET:" in text:
            for kind, number in PLACEHOLDER.findall(text):
                self._last[kind] = max(self._last[kind], int(number))

    def learn(self, found: Iterable[Found]) -> None:
        """Give every value that is new a placeholder."""
        for item in found:
            if item.value not in self.placeholders:
                self._last[item.kind] += 1
                self.placeholders[item.value] = f"<SECRET:{item.kind}:{self._last[item.kind]}>"
            if len(item.value) >= _SHORTEST_SPREAD and item.kind not in _FOUND_EVERYWHERE | _ONLY_IN_PLACE:
                self.spread.setdefault(item.value, item.kind)

    @property
    def counts(self) -> Counter[str]:
        """How many different values of each kind were replaced."""
        return Counter(placeholder.split(":")[1] for placeholder in self.used)


def redact(text: str, memory: Memory) -> str:
    """Return the text with placeholders for all that must go, and for all values that the memory knows.

    Redacting the result again changes nothing. JSON stays JSON: values are replaced inside of their strings, and a bare
    number becomes another number.
    """
    memory.reserve(text)
    while found := find(text, memory.spread):
        redacted = _replace(text, found, memory)
        if redacted == text:
            break
        text = redacted
    return text


def number_like(digits: str, placeholder: str) -> str:
    """Return a number of as many digits that no rule takes for anything, made of the placeholder's own number."""
    number = placeholder.rpartition(":")[2].removesuffix(">")
    return "1" + number.zfill(len(digits) - 1)


def _replace(text: str, found: list[Found], memory: Memory) -> str:
    literals = [match.span() for match in _LITERAL.finditer(text)] if _is_json(text) else None
    if literals is not None:
        found = list(_within(found, literals, text))
    memory.learn(found)
    parts: list[str] = []
    position = 0
    for item in found:
        value = memory.placeholders[item.value]
        memory.used.add(value)
        if literals is not None and not any(start < item.start < end for start, end in literals):
            value = number_like(item.value, value)
        parts += (text[position : item.start], value)
        position = item.end
    return "".join((*parts, text[position:]))


def _is_json(text: str) -> bool:
    """Tell whether a text is a JSON object or list."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _within(found: Iterable[Found], literals: list[tuple[int, int]], text: str) -> Iterator[Found]:
    """Yield what was found as far as it is inside of the strings of a JSON document, and its bare numbers."""
    for item in found:
        inside = [span for span in literals if span[0] < item.end and item.start < span[1]]
        if not inside:
            if item.value.isdigit():
                yield item
            continue
        for begin, end in inside:
            start, stop = max(item.start, begin + 1), min(item.end, end - 1)
            if (start, stop) == (item.start, item.end):
                yield item
            elif start < stop:
                yield replace(item, start=start, end=stop, value=text[start:stop])

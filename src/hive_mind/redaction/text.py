"""Find what must go from one text: every rule on every level of escaping."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hive_mind.redaction.named import find_named
from hive_mind.redaction.personal import find_addresses, find_cards, find_emails, find_homes
from hive_mind.redaction.places import ADDRESSES, COMMANDS, FILES, HEADERS, OPTIONS, SENTENCES, find_cookies
from hive_mind.redaction.prefilter import holds_token, may_hold_secrets
from hive_mind.redaction.rules import RuleSet, Span, first_come, overlapping
from hive_mind.redaction.tokens import DETECT_SECRETS, KEY_BLOCKS, OWN
from hive_mind.redaction.values import PLACEHOLDER

_KEYS = RuleSet(KEY_BLOCKS)
_SHAPES = RuleSet([*KEY_BLOCKS, *OWN, *DETECT_SECRETS])
_PLACES = RuleSet([*ADDRESSES, *HEADERS, *COMMANDS, *FILES])
_OPTIONS = RuleSet(OPTIONS)
_SENTENCES = RuleSet(SENTENCES)

_DEEPEST = 4
"""JSON inside a JSON string inside a JSON string: no text was seen with more levels than three."""
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrtbf\"'/\\])")
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Found:
    """A value that must go: where it is written, of which kind it is, and what it says with its escapes taken off."""

    start: int
    end: int
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class _Level:
    """A text with so many levels of escapes taken off; `origin` tells where each character began in the text itself."""

    text: str
    origin: list[int] | range


def find(text: str, known: Mapping[str, str] | None = None) -> list[Found]:
    """Return all that must go from a text, in its order and without overlaps. Placeholders are never found again.

    `known` are values (with their kinds) that must go wherever they stand as words of their own.
    """
    if not may_hold_secrets(text) and not (known and ("\\" in text or any(value in text for value in known))):
        return []
    done = [match.span() for match in PLACEHOLDER.finditer(text)] if "<SECRET:" in text else []
    found: list[Found] = []
    for level in reversed(_levels(text)):  # the plainest says best what a value is
        for item in first_come(_scan_level(level, known or {})):
            if not any(_collides(item, place) for place in done):
                _merge(found, item)
    return found


def _merge(found: list[Found], item: Found) -> None:
    """Add what was found on another level: it gives way to what overlaps with it, but where it shows more of that."""
    place = overlapping(found, item)
    if all(_shows_more(item, other) for other in found[place]):
        found[place] = [item]


def _shows_more(item: Found, other: Found) -> bool:
    wider = item.start <= other.start and other.end <= item.end and (item.start, item.end) != (other.start, other.end)
    return wider and item.kind == other.kind


def _collides(item: Found, placeholder: tuple[int, int]) -> bool:
    """Tell whether something found would tear a placeholder, or holds nothing else."""
    start, end = placeholder
    overlaps = start < item.end and item.start < end
    holds_more = item.start <= start and end <= item.end and (item.start, item.end) != placeholder
    return overlaps and not holds_more


def _scan_level(level: _Level, known: Mapping[str, str]) -> Iterator[Found]:
    for span in (*_occurrences(level.text, known), *_scan(level.text)):
        start, end = _trim(level.text, span) if "\\" in level.text else (span.start, span.end)
        if start < end:
            value = level.text[start:end]
            if "\\" in value:
                value = _ESCAPE.sub(lambda match: _decoded(match[0]), value)
            yield Found(level.origin[start], level.origin[end], span.kind, value)


def _scan(text: str) -> Iterator[Span]:
    """Yield what the rules find on one level, the surest first."""
    lowered = _lower(text)
    shapes = _SHAPES if holds_token(text) else _KEYS
    yield from shapes.find(text, lowered)
    yield from find_cookies(text, lowered)
    yield from _PLACES.find(text, lowered)
    if " -" in text:
        yield from _OPTIONS.find(text, lowered)
    yield from find_named(text, lowered)
    yield from _SENTENCES.find(text, lowered)
    for finder in (find_emails, find_addresses, find_homes, find_cards):
        yield from finder(text)


def _occurrences(text: str, known: Mapping[str, str]) -> Iterator[Span]:
    """Yield where known values stand in a text as words of their own."""
    for value, kind in known.items():
        start = text.find(value)
        while start >= 0:
            end = start + len(value)
            if not (_joined(text, start) or _joined(text, end)):
                yield Span(start, end, kind)
            start = text.find(value, end)


def _joined(text: str, position: int) -> bool:
    """Tell whether the characters on both sides of a position are of one word."""
    return 0 < position < len(text) and text[position - 1].isalnum() and text[position].isalnum()


def _lower(text: str) -> str:
    """Return the text in lower case and of the same length: a few letters have longer small forms and stay."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _levels(text: str) -> list[_Level]:
    r"""Return the text as it stands, then with one level of escapes less (`\n`, `\"`, `\/`, `\u0041`), and so on.

    A secret in JSON that is text itself, or in JSON inside of that, is written with escapes that no pattern knows.
    """
    found = [_Level(text, range(len(text) + 1))]
    while len(found) < _DEEPEST and "\\" in found[-1].text:
        plainer = _unescape(found[-1])
        if len(plainer.text) == len(found[-1].text):
            break
        found.append(plainer)
    return found


def _unescape(level: _Level) -> _Level:
    parts: list[str] = []
    origin: list[int] = []
    position = 0
    for match in _ESCAPE.finditer(level.text):
        parts += (level.text[position : match.start()], _decoded(match[0]))
        origin += level.origin[position : match.start()]
        origin.append(level.origin[match.start()])
        position = match.end()
    parts.append(level.text[position:])
    origin += level.origin[position:]
    return _Level("".join(parts), origin)


def _decoded(escape: str) -> str:
    mark = escape[1]
    return chr(int(escape[2:], 16)) if mark in "ux" else _SIMPLE.get(mark, mark)


def _trim(text: str, span: Span) -> tuple[int, int]:
    r"""Return a span's bounds so that it tears no escape, such as the n of `\nmarta@...`.

    The names of folders may well begin behind a backslash.
    """
    start, end = span.start, span.end
    if span.kind != "user" and _odd_backslashes(text, start) and (escape := _ESCAPE.match(text, start - 1)):
        start = escape.end()
    if end < len(text) and _odd_backslashes(text, end):
        end -= 1
    return start, end


def _odd_backslashes(text: str, position: int) -> bool:
    count = 0
    while position > count and text[position - count - 1] == "\\":
        count += 1
    return count % 2 == 1

"""JavaScript source literals as BFCL reads them: `'text'`, `12n`, `[1, 2]`, `new Array(1, 2)`, `{key: 'value'}`.

What counts as which value is bfcl-eval's rule, oddities included (docs/BFCL.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hive_mind.conversation import JSON
from hive_mind.suites.bfcl.java import boolean_or_text, number_or_text, read_number

_NUMBERS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "integer": (re.compile(r"(-?\d+)$"), int),
    "float": (re.compile(r"(-?\d+(?:\.\d+)?)$"), float),
    "Bigint": (re.compile(r"(-?\d+)n\Z"), int),
}
_FLAT = re.compile(r"\[(?P<bracket>.*?)\]|new\s+Array\((?P<call>.*?)\)")
_NESTED = (("]", re.compile(r"\[\s*(?=\[)")), (")", re.compile(r"new\s+Array\(\s*(?=\[)")))
_NEXT = re.compile(r"\s*(?:,\s*\[|[\])])")
_ROW = re.compile(r"\[(.*?)\]")
_OBJECT = re.compile(r"\{(.*?)\}")
_PAIR = re.compile(r"([^:]+):\s*(.*?)(?:,\s*(?=[^,]+:)|$)")


def read_javascript(text: str, kind: str, items: str | None = None) -> Any:
    """Return the value of a parameter of type `kind` (of `items`) that `text` is; the text itself if it is none."""
    if kind == "array":
        return _array(text.strip(), items)
    if kind == "dict":
        return _object(text.strip())
    if kind == "String":
        return text[1:-1] if _quoted(text) else text
    if kind == "Boolean":
        return boolean_or_text(text)
    return read_number(text, *_NUMBERS[kind]) if kind in _NUMBERS else text


def _array(code: str, items: str | None = None) -> list[Any] | str:
    for closing, pattern in _NESTED:
        opening = pattern.match(code)
        end = _end_of_rows(code, opening.end(), closing) if opening else None
        if end is not None:
            first, *others = _ROW.findall(code[:end])
            rows = [first.strip().removeprefix("["), *others]
            return [[_untyped(part) for part in row.split(",")] for row in rows]
    flat = _FLAT.match(code)
    if flat is None:
        return code
    inside = (flat["call"] if flat["bracket"] is None else flat["bracket"]).strip()
    parts = [part.strip() for part in inside.split(",")] if inside else []
    return [read_javascript(part, items) if items else _untyped(part) for part in parts]


def _end_of_rows(code: str, first: int, closing: str) -> int | None:
    r"""Return where an array of rows ends whose first row opens at `first`; None if it does not.

    It is where the pattern `\[.*?\]\s*(,\s*\[.*?\]\s*)*CLOSING` ends. As a regular expression that takes exponential
    time on "[[1],[1],[1],...", so the end behind each bracket is found once, from the last bracket to the first.
    """
    brackets = [place for place, character in enumerate(code) if character == "]"]
    ends: dict[int, int] = {}

    def end_of_row(opening: int) -> int | None:
        newline = code.find("\n", opening)
        last = newline if newline >= 0 else len(code)
        return next((ends[place] for place in brackets if opening < place < last and place in ends), None)

    for place in reversed(brackets):
        follows = _NEXT.match(code, place + 1)
        end = follows.end() if follows and follows[0].endswith(closing) else None
        if follows and follows[0].endswith("["):
            end = end_of_row(follows.end() - 1)
        if end is not None:
            ends[place] = end
    return end_of_row(first)


def _object(code: str) -> JSON | str:
    match = _OBJECT.match(code)
    if match is None:
        return code
    return {key.strip().strip("'\""): _member(value.strip()) for key, value in _PAIR.findall(match[1])}


def _member(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return _array(text)
    return _untyped(text.strip("'\""))


def _untyped(text: str) -> Any:
    """Read a literal whose type is not declared."""
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    return text[1:-1] if _quoted(text) else number_or_text(text)


def _quoted(text: str) -> bool:
    return any(text.startswith(quote) and text.endswith(quote) for quote in "\"'")

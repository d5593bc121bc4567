"""Java source literals as BFCL reads them: `5L`, `new int[]{1, 2}`, `new HashMap<String, Object>() {{ put("a", 1); }}`.

What counts as which value is bfcl-eval's rule, oddities included (docs/BFCL.md). The patterns are written so that no
text, e.g. of a model that repeats itself without end, takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hive_mind.conversation import JSON

_WHOLE = r"(-?\d+)"
_DECIMAL = r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
_NUMBERS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    **dict.fromkeys(("byte", "short", "integer"), (re.compile(_WHOLE + "$"), int)),
    "long": (re.compile(_WHOLE + "[lL]$"), int),
    "float": (re.compile(_DECIMAL + "[fF]$"), float),
    "double": (re.compile(_DECIMAL + "$"), float),
}
_AS_LIST = re.compile(r"new\s+ArrayList<\w*>\(Arrays\.asList\((.+?)\)\)")
_ADDING = re.compile(r"new\s+ArrayList<\w*>\(\)\s*\{\{\s*(.+?)\}\}", re.DOTALL)
_NEW_LIST = re.compile(r"new\s+ArrayList<\w*>\(\)")
_ADD = re.compile(r"add\((.+?)\)")
_ARRAY = re.compile(r"new\s+\w+\[\]\s*\{(.*?)\}")
_PUTTING = re.compile(r"new\s+HashMap<.*?>\s*\(\)\s*\{\s*+\{?+\s*+([^}]*+)\}", re.DOTALL)
_NEW_MAP = re.compile(r"new\s+HashMap<.*?>\s*\(\)")
_PUT = re.compile(r'put\("(.*?)",\s*(.*?)\)')


def read_java(text: str, kind: str, items: str | None = None) -> Any:
    """Return the value of a parameter of type `kind` (of `items`) that `text` is; the text itself if it is none."""
    if kind == "ArrayList":
        return _array_list(text, items)
    if kind == "Array":
        return _array(text, items)
    if kind == "HashMap":
        return _hash_map(text)
    if kind == "boolean":
        return boolean_or_text(text)
    return read_number(text, *_NUMBERS[kind]) if kind in _NUMBERS else text


def boolean_or_text(text: str) -> bool | str:
    """Return the boolean that a text is; the text itself if it is none."""
    return {"true": True, "false": False}.get(text, text)


def read_number(text: str, pattern: re.Pattern[str], convert: Callable[[str], Any]) -> Any:
    """Return the number that `pattern` finds in a text; the text itself if it finds none."""
    match = pattern.match(text)
    try:
        return convert(match[1]) if match else text
    except ValueError:  # thousands of digits, which Python refuses to read
        return text


def _array_list(text: str, items: str | None) -> list[Any] | str:
    if listed := _AS_LIST.search(text):
        parts = listed[1].split(",")
    elif adding := _ADDING.search(text):
        parts = _ADD.findall(adding[1])
    else:
        return [] if _NEW_LIST.search(text) else text
    return [_item(part.strip(), items) for part in parts]


def _item(text: str, kind: str | None) -> Any:
    return text[1:-1] if kind in ("char", "String") else _typed(text, kind)


def _array(text: str, items: str | None) -> list[Any] | str:
    match = _ARRAY.search(text)
    # Here quotes stay on: BFCL strips them in an ArrayList of String, not in a String[].
    return [_typed(part.strip(), items) for part in match[1].split(",") if part.strip()] if match else text


def _hash_map(text: str) -> JSON | str:
    putting = _PUTTING.search(text)
    if putting:
        return {key: _untyped(value.strip()) for key, value in _PUT.findall(putting[1])}
    return {} if _NEW_MAP.search(text) else text


def _typed(text: str, kind: str | None) -> Any:
    return read_java(text, kind) if kind else _untyped(text)


def _untyped(text: str) -> Any:
    """Read a literal whose type is not declared."""
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    for kind in ("long", "float"):
        value = read_java(text, kind)
        if not isinstance(value, str):
            return value
    return number_or_text(text)


def number_or_text(text: str) -> int | float | str:
    """Return what Python's own int() or float() reads, else the text."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text

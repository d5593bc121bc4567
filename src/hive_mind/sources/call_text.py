"""Tool calls written inside text, as Glaive and its descendants write them.

    One moment. <functioncall> {"name": "get_weather", "arguments": '{"city": "Paris"}'}

The arguments stand between single quotes without being escaped for it, so the object inside is read first, as JSON, and
the closing quote is looked for after it. Arguments as an object, as a JSON string, null or absent are read too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from hive_mind.conversation import JSON
from hive_mind.sources.source import decode_at

CALL_MARK = "<functioncall>"

Call = tuple[str, JSON]
"""A tool's name and its arguments."""

T = TypeVar("T")

_SPACE = re.compile(r"\s*")
_OPEN = re.compile(r"\s*\{\s*")
_COLON = re.compile(r"\s*:\s*")
_COMMA = re.compile(r"\s*,\s*")
_CLOSE = re.compile(r"\s*\}")
_ANOTHER_CALL = re.compile(r"[\s,]*(?=\{)")
_CLOSING_MARK = re.compile(r"\s*</functioncall>")
_STRAY = re.compile(r"\s*[}\]',]")
_ESCAPED_APOSTROPHE = re.compile(r"(?<!\\)((?:\\\\)*)\\'")
_ESCAPED_OBJECT = re.compile(r"""'\{(?:[ \n]|\\n)*\\\"""")
_ESCAPED = re.compile(r"""\\([\\/"'nrt])""")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def split_calls(text: str) -> tuple[str, list[Call]]:
    """Split a turn into what it says and the calls it makes, in order.

    What is said after a call comes after what is said before it: a message has one text, and its calls follow it.
    Raises ValueError, saying what is wrong with a call.
    """
    start = text.find(CALL_MARK)
    if start < 0:
        return text.strip(), []
    after, calls = _first_readable(text[start:], _split_calls)
    return "\n".join(said for said in (text[:start].strip(), *after) if said), calls


def read_call(text: str) -> tuple[str, JSON, str]:
    """Read the call that `text` starts with; returns its name, its arguments and the text after it.

    Raises ValueError, saying what is wrong.
    """

    def read(text: str) -> tuple[str, JSON, str]:
        (name, arguments), end = _read_call(text, 0)
        return name, arguments, text[end:]

    return _first_readable(text, read)


def _first_readable(text: str, read: Callable[[str], T]) -> T:
    r"""Read the text as it stands or else, where that cannot be read, without what was escaped for the single quotes.

    Some writers escaped the apostrophes for these quotes (`\'` is no JSON escape), some everything, like a string.
    """
    try:
        return read(text)
    except ValueError as error:
        mended = [_ESCAPED_APOSTROPHE.sub(r"\1'", text)]
        if _ESCAPED_OBJECT.search(text):
            mended.append(_ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text))
        for reading in mended:
            if reading != text:
                try:
                    return read(reading)
                except ValueError:
                    continue
        raise error


def _split_calls(text: str) -> tuple[list[str], list[Call]]:
    """Split a text that begins with a call mark into the texts after its calls, and the calls."""
    after: list[str] = []
    calls: list[Call] = []
    position = 0
    while position < len(text):
        position = _read_calls(text, position + len(CALL_MARK), calls)
        if _STRAY.match(text, position):
            raise ValueError(f"the call does not end where its braces do: {text[position : position + 40]!r}")
        mark = text.find(CALL_MARK, position)
        end = mark if mark >= 0 else len(text)
        after.append(text[position:end].strip())
        position = end
    return after, calls


def _read_calls(text: str, position: int, calls: list[Call]) -> int:
    """Add the calls after one call mark: one, several in a row, or a list of them; returns where they end."""
    position = _skip(_SPACE, text, position)
    listed = text.startswith("[", position)
    position += listed
    while True:
        call, position = _read_call(text, position)
        calls.append(call)
        another = _ANOTHER_CALL.match(text, position)
        if another is None:
            break
        position = another.end()
    if listed:
        position = _skip(_SPACE, text, position)
        if not text.startswith("]", position):
            raise ValueError("the list of calls has no end")
        position += 1
    return _skip(_CLOSING_MARK, text, position)


def _read_call(text: str, position: int) -> tuple[Call, int]:
    members, position = _read_members(text, position)
    name = members.pop("name", None)
    if not isinstance(name, str):
        raise ValueError('no {"name": ...} follows the call mark')
    key = "arguments" if "arguments" in members else "parameters"
    arguments = members.pop(key, None)
    if members:
        raise ValueError(f"the call holds more than a name and arguments: {', '.join(members)}")
    if isinstance(arguments, str):
        arguments = _read_whole(arguments) if arguments.strip() else None
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise ValueError(f"the arguments are a {type(arguments).__name__}, not an object")
    return (name, arguments), position


def _read_members(text: str, position: int) -> tuple[JSON, int]:
    """Read an object whose values may be JSON between single quotes; returns it and where it ends."""
    opening = _OPEN.match(text, position)
    if opening is None:
        raise ValueError('no {"name": ...} follows the call mark')
    members: JSON = {}
    position = opening.end()
    while True:
        key, position = decode_at(text, position)
        colon = _COLON.match(text, position)
        if not isinstance(key, str) or colon is None:
            raise ValueError(f"the call is not an object: {text[position : position + 40]!r}")
        members[key], position = _read_value(text, colon.end())
        comma = _COMMA.match(text, position)
        if comma is None:
            break
        position = comma.end()
    closing = _CLOSE.match(text, position)
    if closing is None:
        raise ValueError(f"the call does not end after its arguments: {text[position : position + 40]!r}")
    return members, closing.end()


def _read_value(text: str, position: int) -> tuple[Any, int]:
    if not text.startswith("'", position):
        return decode_at(text, position)
    position = _skip(_SPACE, text, position + 1)
    value = None
    if not text.startswith("'", position):
        value, position = decode_at(text, position)
        position = _skip(_SPACE, text, position)
        if not text.startswith("'", position):
            raise ValueError("the quoted arguments do not end where their JSON does")
    return value, position + 1


def _read_whole(text: str) -> Any:
    value, end = decode_at(text.strip(), 0)
    if end != len(text.strip()):
        raise ValueError("text stands after the arguments")
    return value


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position

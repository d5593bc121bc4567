"""Tool calls written inside text, as Glaive and its descendants write them.

    {"name": "get_weather", "arguments": '{"city": "Paris"}'}

The arguments stand between single quotes without being escaped for it, so the object inside is read first, as JSON, and
the closing quote is looked for after it. Arguments as an object, as a JSON string, null or absent are read too.
"""

from __future__ import annotations

import re
from typing import Any

from hive_mind.conversation import JSON
from hive_mind.sources.source import decode_at, parse_json

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*(,\s*"arguments"\s*:\s*)?')
_TAIL = re.compile(r"\s*\}")
_SPACE = re.compile(r"\s*")
_ESCAPED_APOSTROPHE = re.compile(r"(?<!\\)((?:\\\\)*)\\'")


def read_call(text: str) -> tuple[str, JSON, str]:
    """Read the call that `text` starts with; returns its name, its arguments and the text after it.

    Raises ValueError, saying what is wrong.
    """
    try:
        return _read_call(text)
    except ValueError:
        # \' is no JSON escape, but stands where a writer escaped an apostrophe for the single quotes around it
        mended = _ESCAPED_APOSTROPHE.sub(r"\1'", text)
        if mended == text:
            raise
        return _read_call(mended)


def _read_call(text: str) -> tuple[str, JSON, str]:
    head = _HEAD.match(text)
    if head is None:
        raise ValueError('no {"name": ...} follows the call mark')
    arguments, position = _read_arguments(text, head.end()) if head[2] is not None else ({}, head.end())
    tail = _TAIL.match(text, position)
    if tail is None:
        raise ValueError(f"the call does not end after its arguments: {text[position : position + 40]!r}")
    if not isinstance(arguments, dict):
        raise ValueError(f"the arguments are a {type(arguments).__name__}, not an object")
    return str(decode_at(head[1], 0)[0]), arguments, text[tail.end() :]


def _read_arguments(text: str, position: int) -> tuple[Any, int]:
    quoted = text.startswith("'", position)
    position = _skip_space(text, position + quoted)
    if quoted and text.startswith("'", position):
        return {}, position + 1
    value, position = decode_at(text, position)
    if quoted:
        position = _skip_space(text, position)
        if not text.startswith("'", position):
            raise ValueError("the quoted arguments do not end where their JSON does")
        position += 1
    if isinstance(value, str):
        value = parse_json(value) if value.strip() else {}
    return ({} if value is None else value), position


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position

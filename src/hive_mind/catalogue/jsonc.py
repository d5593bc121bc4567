"""JSON as editors write it: with comments and commas before closing brackets."""

from __future__ import annotations

import re
from typing import Any

import orjson

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])', re.DOTALL)


def loads(text: str) -> Any:
    """Parse JSON with comments. Raises ValueError, whose positions are those of the text."""
    return orjson.loads(_TOKEN.sub(_keep_strings, text.removeprefix("\ufeff")))


def _keep_strings(token: re.Match[str]) -> str:
    found = token[0]
    # blanks in the place of what goes, so that an error names the right line and column
    return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

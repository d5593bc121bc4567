"""What every source says about itself, and what its rows are turned into."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson

from hive_mind.conversation import JSON, Conversation, Message, Reject, Tool

GroupBy = Literal["request", "tools", "session"]

NOT_SUCCESSFUL = "not_successful"
EXPECTED_CODES = frozenset({NOT_SUCCESSFUL})
"""Rejects by design: counted like all others, but no sign that a source is broken."""


@dataclass(frozen=True)
class Hub:
    """Where a source lies on the hub. `patterns` are alternatives, the first that matches any file is taken."""

    repo_id: str
    patterns: tuple[str, ...] = ("*.jsonl", "*.json", "*.csv", "*.parquet")
    exclude: tuple[str, ...] = ("*dataset_info*.json",)


class Source(Protocol):
    """A module of this package that reads one format.

    FOLDERS are the names of folders, and FILES the patterns of files, that belong to it under `data.raw_dir`;
    NEVER are file names that it must not read. GROUP_BY says what keeps rows on one side of the split.
    """

    NAME: str
    LICENCE: str
    HUB: Hub | None
    FOLDERS: tuple[str, ...]
    FILES: tuple[str, ...]
    NEVER: tuple[str, ...]
    GROUP_BY: GroupBy

    def understands(self, row: JSON) -> bool:
        """Tell whether a row is in this source's layout."""

    def convert(self, row: JSON) -> Conversation | Reject:
        """Turn a row into a Conversation, or into a Reject with a reason; never raises."""


def reject(source: str, code: str, detail: str) -> Reject:
    """Make a Reject; the reader of the file adds file, line and raw text."""
    return Reject(source, code, detail, raw="")


def build(
    source: str, messages: Sequence[Message], tools: Sequence[Tool] = (), timestamp: str | None = None
) -> Conversation | Reject:
    """Make a Conversation, or a Reject where its values cannot be written down again."""
    try:
        return Conversation.build(source, messages, tools, timestamp)
    except UnicodeEncodeError:
        return reject(source, "not_unicode", "a text holds half of a surrogate pair, which is no character")
    except RecursionError:
        return reject(source, "nested_too_deeply", "a value is nested too deeply to be written as JSON")


def parse_json(text: str) -> Any:
    """Parse JSON that was kept inside a string. Raises ValueError.

    Faster than `decode_at`, but for long numbers, which orjson would round.
    """
    if not _LONG_NUMBER.search(text):
        return orjson.loads(text)
    value, end = decode_at(text.strip(), 0)
    if end != len(text.strip()):
        raise ValueError("text stands after the JSON value")
    return value


def decode_at(text: str, position: int) -> tuple[Any, int]:
    """Parse the JSON value at `position`; returns it and where it ends. Raises ValueError.

    Line breaks inside strings are read as they stand; NaN and numbers beyond every float are refused.
    """
    try:
        return _DECODER.raw_decode(text, position)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is beyond every float")
    return number


_LONG_NUMBER = re.compile(r"\d{16}")
_DECODER = json.JSONDecoder(strict=False, parse_constant=_no_constant, parse_float=_finite)


def text_of(value: Any) -> str | None:
    """Return a text field's content; None for what is not text. A missing field (null, NaN of a table) is empty."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return None


def succeeded(success: Any) -> bool:
    """Tell whether an interaction succeeded; one that does not say counts as a success."""
    if isinstance(success, str):
        return success.strip().lower() not in ("false", "0", "no", "failed", "failure", "error")
    return success is None or bool(success)

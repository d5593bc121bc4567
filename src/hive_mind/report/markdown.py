"""Markdown pieces, and the one way to write a figure that may not have been measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

NOT_MEASURED = "not measured"
FIGURE = re.compile(rf"$|[-+]?\d|{NOT_MEASURED}")


def at(record: Mapping[str, Any], path: str) -> Any:
    """Return the value under a dotted path, None if any part of it is absent."""
    value: Any = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def figure(value: Any, write: Callable[[Any], str] = str) -> str:
    """Write a measured value; None was not measured."""
    return NOT_MEASURED if value is None else write(value)


def count(value: Any) -> str:
    """Write a whole number with its thousands apart."""
    return figure(value, lambda number: f"{number:,}")


def loss(value: Any) -> str:
    """Write a loss (nats a token)."""
    return figure(value, lambda number: f"{number:.3f}")


def share(value: Any) -> str:
    """Write a share of 1 as a percentage."""
    return figure(value, lambda number: f"{number:.2%}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns of figures stand to the right, a bar inside a cell is escaped."""
    rows = list(rows)
    marks = ["---:" if column and all(map(FIGURE.match, column)) else ":---" for column in zip(*rows, strict=True)]
    lines = [header, marks, *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return a two-column table of names and values, both to the left."""
    lines = [("", ""), (":---", ":---"), *rows]
    return "\n".join(f"| {_cell(name)} | {_cell(value)} |" for name, value in lines)


def bullets(lines: Iterable[str]) -> str:
    """Return a list, one line an entry."""
    return "\n".join(f"- {line}" for line in lines)


def code(text: str, language: str = "bash") -> str:
    """Return a fenced block."""
    return f"```{language}\n{text}\n```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

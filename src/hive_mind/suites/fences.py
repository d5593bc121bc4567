"""Code fences in replies, and what was taken out of a reply."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WIDEST = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*?)(^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The code or command of a reply; `repairs` names the help that was needed to find it. Empty text: there is none.

    The same help is given to every model, and how often it was needed is itself a measure.
    """

    text: str
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language (lower-case, may be empty), its lines, and whether the fence was closed."""

    language: str
    text: str
    closed: bool


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a text, in order; the last one may have been cut off."""
    found = [Block(match[1].lower(), match[2], bool(match[3])) for match in _FENCE.finditer(text)]
    return [block for block in found if block.text.strip()]


def widest(text: str) -> Block | None:
    """Return what is between the first fence and the last: one block, if fences stand in its own comments."""
    match = _WIDEST.search(text)
    return Block(match[1].lower(), match[2], True) if match else None

"""Python's standard library as corpus text: its source files and its documentation (PSF licence)."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from random import Random

from hive_mind.demo.documents import Document, plain

SKIPPED = frozenset(
    {"site-packages", "__pycache__", "test", "tests", "idle_test", "lib2to3", "ensurepip", "turtledemo"}
)
CHUNK = 1_200  # characters of one document, about 400 tokens
UNWANTED = ("<|", "tool_call")


@cache
def files() -> tuple[Path, ...]:
    """The library's Python sources in name order, its tests and other people's packages left out."""
    root = Path(sysconfig.get_path("stdlib"))
    found = sorted(path for path in root.rglob("*.py") if not SKIPPED & set(path.relative_to(root).parts))
    return tuple(path for path in found if path.stat().st_size < 300_000)


@cache
def chunks() -> tuple[str, ...]:
    """Every file in pieces of about CHUNK characters, cut at line ends; the language reference of pydoc as well."""
    made = []
    for path in files():
        made += _cut(path.read_text(encoding="utf-8", errors="ignore"))
    made += [piece for text in reference().values() for piece in _cut(text)]
    return tuple(piece for piece in made if not any(word in piece for word in UNWANTED))


def reference() -> dict[str, str]:
    """The texts that `help()` shows about the language."""
    from pydoc_data.topics import topics

    return dict(topics)


def stdlib(rng: Random) -> Document:
    """One piece of the library's source or documentation."""
    return plain("stdlib", rng.choice(chunks()))


def _cut(text: str) -> list[str]:
    pieces, current, size = [], [], 0
    for line in text.splitlines(keepends=True):
        if len(line) > CHUNK:
            continue
        current.append(line)
        size += len(line)
        if size >= CHUNK:
            pieces.append("".join(current))
            current, size = [], 0
    return [*pieces, "".join(current)] if size > CHUNK // 4 else pieces

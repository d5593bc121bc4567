"""Raw rows in any number, made from real ones: other values, names, numbers and wording; near-duplicates planted.

A row keeps the form of a real one. Its rarer words and its numbers are exchanged, each for the same other one wherever
it stands in the row, so that a call still fits its declaration and an answer its request. Into the Glaive-like rows one
tenth as many copies are mixed that differ from their original in a few words, in clusters of 2 to 500; which rows they
are is written down, so that what the deduplication finds can be counted. The same seed gives the same bytes.

The rows are made of real ones, so they go to a scratch folder and never into the repository.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

import orjson

from hive_mind.files import json_line, read_jsonl, write_json

GLAIVE_ROWS, CODE_ROWS, SHELL_ROWS = 112_960, 20_000, 12_607
PLANTED_SHARE = 0.1
LARGEST_CLUSTER = 500
SEED = 42
PLANTED_NAME = "planted.json"
EXCHANGED = 0.6
"""The share of a row's rarer words and numbers that are exchanged."""
COINED = 0.05
"""The share of new words that are made of halves of two others: names and the like, which no vocabulary holds."""
COMMON = 0.15
"""Words that more than this share of the rows have are the language's and the layout's, and stay."""
FEWEST_WORDS = 80
"""Copies are made of rows that say so much: in these a few exchanged words leave over 0.8 of the shingles."""

_PIECE = re.compile(r"(\\u[0-9a-fA-F]{4}|\\.|[A-Za-z]{3,}|[0-9]+)")
_SAID = re.compile(r"(?:USER|ASSISTANT): (?!<functioncall>)((?:(?!<functioncall>|<\|endoftext\|>|\n\n\n)[\s\S])*)")
_FIELD_END = "\0"
_STRUCTURE = frozenset((
    "name", "description", "parameters", "type", "object", "string", "number", "integer", "array", "boolean", "items",
    "properties", "required", "enum", "format", "default", "null", "true", "false", "minimum", "maximum", "additional",
    "function", "response", "functioncall", "arguments", "endoftext", "system", "user", "assistant", "http", "https",
    "www", "com", "org", "net", "example",
))  # fmt: skip


class Template:
    """A real row cut into pieces. `places` tells which pieces are words or numbers that may be exchanged.

    `said` are the pieces that are words of what the user and the assistant say outside of calls.
    """

    def __init__(self, row: dict[str, str], common: frozenset[str]) -> None:
        self.fields = list(row)
        self.pieces = _PIECE.split(_FIELD_END.join(row.values()))
        words = {at: piece.lower() for at, piece in enumerate(self.pieces) if at % 2 and piece[0] != "\\"}
        self.places = {at: word for at, word in words.items() if word not in common}
        self.words = list(dict.fromkeys(self.places.values()))
        spans = [match.span(1) for match in _SAID.finditer("".join(self.pieces))]
        starts = accumulate(map(len, self.pieces), initial=0)
        self.said = [
            at for at, start in enumerate(starts) if at in words and any(begin <= start < end for begin, end in spans)
        ]

    def vary(self, vocabulary: Sequence[str], chance: random.Random) -> list[str]:
        """Return the pieces of a new row."""
        new: dict[str, str] = {}
        taken = set(self.words)
        for word in self.words:
            if chance.random() < EXCHANGED:
                other = _number(word, chance) if word[0].isdigit() else _word(vocabulary, chance)
                if other not in taken:  # two names that became one would make an object lose a member
                    taken.add(other)
                    new[word] = other
        pieces = self.pieces.copy()
        for at, word in self.places.items():
            if word in new:
                pieces[at] = _like(pieces[at], new[word])
        return pieces

    def edit(self, pieces: list[str], vocabulary: Sequence[str], chance: random.Random) -> list[str]:
        """Return a near-duplicate of a row: between 0.82 and 0.98 of their five-word shingles are common to both."""
        similarity = chance.uniform(0.82, 0.98)
        edits = max(1, int(len(self.said) * (1 - similarity) / (1 + similarity) / 5))
        pieces = pieces.copy()
        for at in chance.sample(self.said, edits):
            pieces[at] = _like(pieces[at], _word(vocabulary, chance))
        return pieces

    def row(self, pieces: Iterable[str]) -> dict[str, str]:
        """Return pieces as a row with this row's fields."""
        return dict(zip(self.fields, "".join(pieces).split(_FIELD_END), strict=True))


@dataclass(frozen=True)
class Maker:
    """Makes rows of one kind; row n, and copy c of it, are the same in every process."""

    templates: list[Template]
    vocabulary: list[str]
    seed: int

    @classmethod
    def of(cls, rows: Sequence[dict[str, str]], vocabulary: list[str], seed: int, common: float = COMMON) -> Maker:
        """Make a maker of rows like these; words that more than the share `common` of them have are never exchanged."""
        often = Counter(word for row in rows for word in _words(_FIELD_END.join(row.values())))
        kept = frozenset(word for word, number in often.items() if number > common * len(rows)) | _STRUCTURE
        return cls([Template(row, kept) for row in rows], [word for word in vocabulary if word not in kept], seed)

    def make(self, number: int, copy: int = 0) -> dict[str, str]:
        """Return row `number`, or its near-duplicate `copy` (from 1)."""
        template = self.templates[number % len(self.templates)]
        pieces = template.vary(self.vocabulary, random.Random(f"{self.seed} {number}"))
        if copy:
            pieces = template.edit(pieces, self.vocabulary, random.Random(f"{self.seed} {number} {copy}"))
        return template.row(pieces)

    def may_be_copied(self, number: int) -> bool:
        return len(self.templates[number % len(self.templates)].said) >= FEWEST_WORDS

    def line(self, which: tuple[int, int]) -> bytes:
        """Return a row, given as (number, copy), as a line of JSON."""
        return json_line(self.make(*which))


def cluster_sizes(copies: int, chance: random.Random) -> list[int]:
    """Return the sizes of clusters that hold so many copies beside their originals: few large ones, many small."""
    sizes: list[int] = []
    while copies:
        drawn = LARGEST_CLUSTER if not sizes else round(2 * (LARGEST_CLUSTER / 2) ** chance.random())
        sizes.append(min(drawn, copies + 1))
        copies -= sizes[-1] - 1
    return sizes


def glaive_order(maker: Maker, rows: int, seed: int) -> tuple[list[tuple[int, int]], list[list[int]]]:
    """Return (row, copy) for every line of the Glaive-like file, and the clusters as numbers of lines, from 1."""
    chance = random.Random(seed)
    sizes = cluster_sizes(round(PLANTED_SHARE * rows), chance)
    originals = chance.sample([number for number in range(rows) if maker.may_be_copied(number)], len(sizes))
    order = [(number, 0) for number in range(rows)]
    order += [(number, copy) for number, size in zip(originals, sizes, strict=True) for copy in range(1, size)]
    chance.shuffle(order)
    lines: dict[int, list[int]] = {number: [] for number in originals}
    for line, (number, _) in enumerate(order, 1):
        if number in lines:
            lines[number].append(line)
    return order, list(lines.values())


def write_raw(real: Path, folder: Path, scale: float, seed: int = SEED) -> dict[str, int]:
    """Write raw files for `data.raw_dir` to `folder`/raw, then the planted clusters beside it; returns rows by source.

    `scale` 1 is the size of the public sets. Code and shell rows are the real ones, varied where more are wanted.
    """
    glaive = [row for file in sorted((real / "glaive").glob("*.jsonl")) for row in _read_lines(file)]
    code = orjson.loads((real / "code_alpaca" / "code_alpaca_20k.json").read_bytes())
    shell = _read_lines(real / "nl2bash" / "nl2bash.jsonl")
    words = (_words(text) for row in (*glaive, *code) for text in row.values())
    vocabulary = sorted(word for text in words for word in text if not word[0].isdigit())
    maker = Maker.of(glaive, vocabulary, seed)
    order, clusters = glaive_order(maker, math.ceil(GLAIVE_ROWS * scale), seed)
    _write(folder, "glaive_tools", maker, order)
    written = {"glaive_tools": len(order)}
    for name, rows, wanted in (("code_alpaca", code, CODE_ROWS), ("bash_commands", shell, SHELL_ROWS)):
        written[name] = math.ceil(wanted * scale)
        more = [(number, 0) for number in range(written[name] - len(rows))]
        _write(folder, name, Maker.of(rows, vocabulary, seed, common=0.005), more, rows[: written[name]])
    write_json(folder / PLANTED_NAME, {"rows": written, "clusters": clusters})
    return written


def _write(
    folder: Path, name: str, maker: Maker, which: Sequence[tuple[int, int]], first: Iterable[dict[str, str]] = ()
) -> None:
    """Write the first rows as they are and those that the maker makes after them, on both cores."""
    path = folder / "raw" / name / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file, get_context("fork").Pool(2) as pool:
        file.writelines(map(json_line, first))
        file.writelines(pool.imap(maker.line, which, chunksize=200))


def _read_lines(path: Path) -> list[dict[str, str]]:
    return [row for _, row in read_jsonl(path)]


def _words(text: str) -> set[str]:
    return {piece.lower() for piece in _PIECE.findall(text) if piece[0] != "\\"}


def _word(vocabulary: Sequence[str], chance: random.Random) -> str:
    word = chance.choice(vocabulary)
    if chance.random() < COINED:
        other = chance.choice(vocabulary)
        return word[: len(word) // 2 + 1] + other[len(other) // 2 :]
    return word


def _number(digits: str, chance: random.Random) -> str:
    """Return a number of as many digits; zeros that it begins with stay."""
    zeros = len(digits) - len(digits.lstrip("0"))
    first = str(chance.randint(1, 9)) if zeros < len(digits) else ""
    return digits[:zeros] + first + "".join(chance.choice("0123456789") for _ in range(len(digits) - zeros - 1))


def _like(word: str, other: str) -> str:
    """Return the other word in the case of the first."""
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other

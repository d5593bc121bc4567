"""A dataset file to token ids: flat arrays of all examples one after the other, and an account of every row."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from hive_mind.chat.batch import Memory, Tokens, render_all
from hive_mind.chat.render import Rendered
from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.chat.turns import UnusableForTraining
from hive_mind.conversation import Conversation, Reject
from hive_mind.curation.forgotten import refuse_forgotten
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import raw_lines, sha256_file
from hive_mind.parallel import batched, in_order
from hive_mind.progress import track
from hive_mind.sources.raw import RawRow
from hive_mind.training import token_cache

TOO_LONG = "too_long"
BATCH_ROWS = 256


@dataclass(frozen=True)
class Examples:
    """N examples as flat arrays. Example i is ids[offsets[i]:offsets[i + 1]].

    ids: (T,) int32; labelled: (T,) bool, the tokens to learn; offsets: (N + 1,) int64; source: (N,) int16 into
    `sources`; row: (N,) int32, the example's row in its file, counted from 1.
    """

    ids: NDArray[np.int32]
    labelled: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    source: NDArray[np.int16]
    row: NDArray[np.int32]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) tokens of each example."""
        return np.diff(self.offsets)

    @property
    def labelled_lengths(self) -> NDArray[np.int64]:
        """(N,) labelled tokens of each example."""
        return np.add.reduceat(self.labelled, self.offsets[:-1], dtype=np.int64)

    def example(self, index: int) -> Rendered:
        """Return one example as it was rendered."""
        part = slice(self.offsets[index], self.offsets[index + 1])
        return Rendered(self.ids[part].tolist(), self.labelled[part].tolist())

    def first(self, count: int) -> Examples:
        """Return `count` examples spread evenly over the file (all of them if there are no more)."""
        if count >= len(self):
            return self
        chosen = np.linspace(0, len(self) - 1, count).round().astype(np.int64)
        parts = [np.arange(self.offsets[i], self.offsets[i + 1]) for i in chosen]
        tokens = np.concatenate(parts)
        offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
        return Examples(
            self.ids[tokens], self.labelled[tokens], offsets, self.source[chosen], self.row[chosen], self.sources
        )


@dataclass
class SourceRows:
    """What became of one source's rows: rows = kept + the sum of dropped. Tokens are those of the kept rows."""

    rows: int = 0
    kept: int = 0
    tokens: int = 0
    labelled_tokens: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class TokenisedDataset:
    """The examples of a file and where they come from. `tools_called` counts the calls to learn of each tool."""

    path: Path
    digest: str
    examples: Examples
    rows: dict[str, SourceRows]
    tools_called: Counter[str]
    longest_dropped: int

    @property
    def dropped(self) -> Counter[str]:
        """Rows left out, by reason code, over all sources."""
        return sum((rows.dropped for rows in self.rows.values()), Counter())

    @property
    def rows_read(self) -> int:
        return sum(rows.rows for rows in self.rows.values())


def tokenise(path: Path, tokenizer: ChatTokenizer, max_length: int, label: str = "tokenising") -> TokenisedDataset:
    """Render every usable row of a dataset file. Rows over `max_length` tokens are left out, never cut.

    What was made before from the same bytes, tokenizer, template and code is mapped from the cache beside the file.
    Raises UsageError if the file is missing, DataRefused if a line is broken, no row is left to train on, or one holds
    what a person wanted forgotten.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist or is no file; name the dataset's JSONL file")
    refuse_forgotten(path)
    before = path.stat()
    digest = sha256_file(path)
    key = _key(digest, tokenizer, max_length)
    entry = token_cache.find(path, key)
    if entry is None:
        with token_cache.writer(path, key) as writer:
            record = _write(path, tokenizer, max_length, label, writer)
            after = path.stat()
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise HiveMindError(f"{path} was changed while it was read; run the command again when it is finished")
            entry = writer.publish(record)
    rows = {
        name: SourceRows(**{**row, "dropped": Counter(row["dropped"])}) for name, row in entry.record["rows"].items()
    }
    return TokenisedDataset(
        path, digest, Examples(**entry.arrays, sources=tuple(rows)), rows, Counter(entry.record["tools_called"]),
        entry.record["longest_dropped"],
    )  # fmt: skip


def _write(
    path: Path, tokenizer: ChatTokenizer, max_length: int, label: str, writer: token_cache.Writer
) -> dict[str, Any]:
    """Tokenise a file into a cache entry and return the account of its rows."""
    from hive_mind.curation.read import read_items

    account = _Account(writer, max_length)
    memory = Memory(tokenizer)
    with track(label, unit="rows") as progress:
        for rows in in_order(lambda batch: _render(batch, tokenizer, memory), batched(read_items(path), BATCH_ROWS)):
            for row in rows:
                account.add(row)
            progress.advance(len(rows))
    if not account.offsets[-1]:
        raise DataRefused(f"{path} holds no row to train on ({_reasons(account.rows)}); build the dataset again")
    return account.finish()


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row became: its tokens, or the reason code why it has none; and the tools that it teaches to call."""

    source: str
    made: Tokens | str
    calls: tuple[str, ...] = ()


def _render(items: Sequence[RawRow], tokenizer: ChatTokenizer, memory: Memory) -> list[_Row]:
    """Tokenise some rows of a file."""
    from hive_mind.curation.read import read_item

    read = map(read_item, items)
    pairs = ((item, item if isinstance(item, Conversation) else None) for item in read)
    return [_row(item, tokens) for item, tokens in render_all(pairs, tokenizer, memory)]


def _row(item: Conversation | Reject, tokens: Tokens | UnusableForTraining | None) -> _Row:
    source = item.source or "unknown"
    if isinstance(item, Reject):
        return _Row(source, item.code)
    if isinstance(tokens, Tokens):
        return _Row(source, tokens, tuple(call.name for call in item.calls_to_learn))
    assert tokens is not None
    return _Row(source, tokens.code)


class _Account:
    """Writes the rows that are kept and counts what became of each."""

    def __init__(self, writer: token_cache.Writer, max_length: int) -> None:
        self.writer, self.max_length = writer, max_length
        self.offsets, self.source, self.row = array("q", [0]), array("h"), array("i")
        self.rows: dict[str, SourceRows] = {}
        self.tools_called: Counter[str] = Counter()
        self.longest_dropped = 0
        self.seen = 0

    def add(self, row: _Row) -> None:
        self.seen += 1
        account = self.rows.setdefault(row.source, SourceRows())
        account.rows += 1
        if isinstance(row.made, Tokens):
            self._add_tokens(row, row.made, account)
        else:
            account.dropped[row.made] += 1

    def _add_tokens(self, row: _Row, tokens: Tokens, account: SourceRows) -> None:
        length = len(tokens)
        if length > self.max_length:
            account.dropped[TOO_LONG] += 1
            self.longest_dropped = max(self.longest_dropped, length)
            return
        account.kept += 1
        account.tokens += length
        account.labelled_tokens += tokens.labelled.count(1)
        self.writer.append("ids", tokens.ids)
        self.writer.append("labelled", tokens.labelled)
        self.offsets.append(self.offsets[-1] + length)
        self.source.append(list(self.rows).index(row.source))
        self.row.append(self.seen)
        self.tools_called.update(row.calls)

    def finish(self) -> dict[str, Any]:
        for name in ("offsets", "source", "row"):
            self.writer.append(name, np.array(getattr(self, name), dtype=token_cache.ARRAYS[name]).tobytes())
        return {
            "rows": {name: {**vars(rows), "dropped": dict(rows.dropped)} for name, rows in self.rows.items()},
            "tools_called": dict(self.tools_called), "longest_dropped": self.longest_dropped,
        }  # fmt: skip


def _key(digest: str, tokenizer: ChatTokenizer, max_length: int) -> dict[str, Any]:
    """Return all that decides the tokens of a file with this digest."""
    return {"dataset": digest, "tokenizer": tokenizer.digest, "max_length": max_length, "code": _code_digest()}


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """Return a digest of everything besides file and tokenizer that decides a row's tokens."""
    package = Path(__file__).parent.parent
    patterns = (
        "conversation.py", "sources/*.py", "tool_schema/*.py", "curation/read.py", "curation/accept.py",
        "curation/call_check.py", "chat/*.py", "training/tokens.py", "training/token_cache.py",
    )  # fmt: skip
    digest = hashlib.sha256(" ".join(version(name) for name in ("tokenizers", "transformers", "jinja2")).encode())
    for file in sorted(file for pattern in patterns for file in package.glob(pattern)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _reasons(rows: dict[str, SourceRows]) -> str:
    counts: Counter[str] = sum((source.dropped for source in rows.values()), Counter())
    if not counts:
        return "it is empty"
    return ", ".join(f"{count:,} {code}" for code, count in counts.most_common(3))


def row_id(dataset: Path, row: int) -> str:
    """Return the id that the dataset's file gives its row (1 is the first), for naming it to a person."""
    _, line = next(islice(raw_lines(dataset), row - 1, None))
    return str(orjson.loads(line).get("id", "without an id"))


def length_histogram(lengths: Iterable[int], max_length: int) -> list[tuple[int, int]]:
    """Return (upper bound, examples) for bounds that double from 64 up to `max_length`."""
    bounds = [64]
    while bounds[-1] < max_length:
        bounds.append(min(bounds[-1] * 2, max_length))
    counts = Counter(next(bound for bound in bounds if length <= bound) for length in lengths)
    return [(bound, counts[bound]) for bound in bounds]

"""A dataset file to token ids: flat arrays of all examples one after the other, and an account of every row."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hive_mind.chat.render import Rendered, UnusableForTraining, render
from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.conversation import Conversation, Reject
from hive_mind.errors import DataRefused
from hive_mind.files import sha256_file
from hive_mind.progress import track

TOO_LONG = "too_long"


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
    """The examples of a file and where they come from. `tools_called` counts the calls of each tool in kept rows."""

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

    Raises UsageError if the file is missing, DataRefused if a line is broken or no row is left to train on.
    """
    from hive_mind.curation import read_dataset

    digest = sha256_file(path) if path.is_file() else ""
    builder = _Builder(tokenizer, max_length)
    with track(label, unit="rows") as progress:
        for item in read_dataset(path):
            builder.add(item)
            progress.advance()
    if not builder.source:
        raise DataRefused(f"{path} holds no row to train on ({_reasons(builder.rows)}); build the dataset again")
    return TokenisedDataset(
        path, digest, builder.examples(), dict(builder.rows), builder.tools_called, builder.longest_dropped
    )


class _Builder:
    def __init__(self, tokenizer: ChatTokenizer, max_length: int) -> None:
        self.tokenizer, self.max_length = tokenizer, max_length
        self.ids, self.labelled, self.lengths = array("i"), bytearray(), [0]
        self.source: list[int] = []
        self.row: list[int] = []
        self.rows: dict[str, SourceRows] = {}
        self.tools_called: Counter[str] = Counter()
        self.longest_dropped = 0
        self.seen = 0

    def add(self, item: Conversation | Reject) -> None:
        self.seen += 1
        account = self.rows.setdefault(item.source or "unknown", SourceRows())
        account.rows += 1
        if isinstance(item, Reject):
            account.dropped[item.code] += 1
            return
        try:
            rendered = render(item, self.tokenizer)
            rendered.labelled[0] = False  # a first token has nothing before it to be predicted from
            if not any(rendered.labelled):
                raise UnusableForTraining("nothing_to_learn", "no token of the row is learnt")
        except UnusableForTraining as error:
            account.dropped[error.code] += 1
            return
        length = len(rendered.input_ids)
        if length > self.max_length:
            account.dropped[TOO_LONG] += 1
            self.longest_dropped = max(self.longest_dropped, length)
            return
        self._keep(item, rendered, account)

    def _keep(self, item: Conversation, rendered: Rendered, account: SourceRows) -> None:
        account.kept += 1
        account.tokens += len(rendered.input_ids)
        account.labelled_tokens += sum(rendered.labelled)
        self.ids.extend(rendered.input_ids)
        self.labelled.extend(rendered.labelled)
        self.lengths.append(len(rendered.input_ids))
        self.source.append(list(self.rows).index(item.source or "unknown"))
        self.row.append(self.seen)
        self.tools_called.update(call.name for call in item.calls)

    def examples(self) -> Examples:
        return Examples(
            ids=np.array(self.ids, dtype=np.int32),
            labelled=np.frombuffer(bytes(self.labelled), dtype=np.bool_),
            offsets=np.cumsum(self.lengths, dtype=np.int64),
            source=np.array(self.source, dtype=np.int16),
            row=np.array(self.row, dtype=np.int32),
            sources=tuple(self.rows),
        )


def _reasons(rows: dict[str, SourceRows]) -> str:
    counts: Counter[str] = sum((source.dropped for source in rows.values()), Counter())
    if not counts:
        return "it is empty"
    return ", ".join(f"{count:,} {code}" for code, count in counts.most_common(3))


def length_histogram(lengths: Iterable[int], max_length: int) -> list[tuple[int, int]]:
    """Return (upper bound, examples) for bounds that double from 64 up to `max_length`."""
    bounds = [64]
    while bounds[-1] < max_length:
        bounds.append(min(bounds[-1] * 2, max_length))
    counts = Counter(next(bound for bound in bounds if length <= bound) for length in lengths)
    return [(bound, counts[bound]) for bound in bounds]

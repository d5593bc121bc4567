"""Rows that say nearly the same as another: found by MinHash, decided by exact Jaccard, one of each cluster stays.

Two rows are near-duplicates if their words (see `shingles.spoken`) have at least 0.8 of their five-word shingles in
common and they call the same tools: the same request once answered by a call and once declined teaches two things.
Of windows of a long row the context does not count: compared is the turn to learn, and only with turns that answer the
same request. Windows of one row are steps of one task, and all of them stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, pairwise
from typing import Any
from zlib import crc32

import numpy as np
import orjson
from numpy.typing import NDArray

from hive_mind.conversation import JSON
from hive_mind.curation.ingest import Entry, Pool, line_batches, normalise_request, read_entry
from hive_mind.curation.shingles import Numbers, Shingles, asked, is_learnt, jaccard, spoken, word_shingles, words
from hive_mind.parallel import in_order
from hive_mind.progress import Progress

SIMILAR = 0.8
BANDS, ROWS_IN_BAND = 20, 6
"""MinHashes: a pair at 0.8 meets in at least one band of 20 with a chance of 99.8 %, one at 0.5 with 27 %."""
LEAST_ESTIMATE = SIMILAR - 0.12
"""Pairs whose MinHashes agree less are not compared: 120 of them estimate 0.8 with a standard error of 0.037."""
NEIGHBOURS = 8
"""In a bucket a row is compared with the bucket's first and so many next ones, so work grows with rows, not pairs."""
SKETCH_ROWS = 1_000
COMPARE_PAIRS = 5_000
OWN_FIRST = ("usage",)
"""Sources whose rows stay when another source's row says the same."""


@dataclass(frozen=True)
class Duplicate:
    """A row that says the same as another one. `same_words`: they differ in case and white space at most."""

    entry: Entry
    pool: Pool
    of: str
    same_words: bool

    def to_dict(self) -> JSON:
        return {
            "id": self.entry.id, "source": self.pool.source.NAME, "record": self.entry.record,
            "reason": "duplicate" if self.same_words else "near_duplicate", "of": self.of,
        }  # fmt: skip


@dataclass
class _Read:
    """What a batch of rows says: its shingles, which tools it calls, how long it is, and a digest of its words."""

    shingles: Shingles
    teaches: list[int]
    lengths: list[int]
    same: list[bytes]


@dataclass
class _Sketches:
    """What is kept of every row for the search: about 500 bytes, never its shingles."""

    signatures: NDArray[np.uint32]
    teaches: Numbers
    lengths: NDArray[np.int64]
    same: list[bytes]


def remove_duplicates(pools: Sequence[Pool], progress: Progress) -> list[Duplicate]:
    """Take the rows out of their pools that say the same as one that stays; returns them with that one's id.

    Of a cluster stays a row that was chosen before, else one of own usage, else the longest, else the first by id.
    """
    found = list(_duplicates(pools, progress))
    gone = {id(duplicate.entry) for duplicate in found}
    for pool in pools:
        pool.entries = [entry for entry in pool.entries if id(entry) not in gone]
    for duplicate in found:
        if duplicate.same_words:
            duplicate.pool.counts.duplicates += 1
        else:
            duplicate.pool.counts.near_duplicates += 1
    return found


def mark_duplicates(pools: Sequence[Pool], progress: Progress) -> None:
    """Keep every row, and name its cluster, so that no cluster comes to stand on both sides of a split."""
    for duplicate in _duplicates(pools, progress):
        duplicate.entry.cluster = duplicate.of
    heads = {entry.cluster for pool in pools for entry in pool.entries}
    for entry in chain.from_iterable(pool.entries for pool in pools):
        if entry.id in heads:
            entry.cluster = entry.id


def _duplicates(pools: Sequence[Pool], progress: Progress) -> Iterator[Duplicate]:
    rows = [(pool, entry) for pool in pools for entry in pool.entries]
    if len(rows) < 2:
        return
    sketches = _sketch(rows, progress)
    order = sorted(range(len(rows)), key=lambda row: _precedence(*rows[row], int(sketches.lengths[row])))
    clusters = _Clusters(order)
    by_words: dict[bytes, list[int]] = defaultdict(list)
    for row in order:
        by_words[sketches.same[row]].append(row)
    for equal in by_words.values():
        for pair in pairwise(equal):
            clusters.join(*pair)
    _join_similar(rows, sketches, order, clusters)
    for row in order:
        head = clusters.head(row)
        pool, entry = rows[row]
        chosen_before = bool(entry.split)
        if head != row and not chosen_before and not _windows_of_one_row(rows[row], rows[head]):
            yield Duplicate(entry, pool, rows[head][1].id, sketches.same[row] == sketches.same[head])


def _windows_of_one_row(one: tuple[Pool, Entry], other: tuple[Pool, Entry]) -> bool:
    (pool, entry), (other_pool, other_entry) = one, other
    both_windows = entry.window is not None and other_entry.window is not None
    return both_windows and pool is other_pool and entry.record == other_entry.record


def _precedence(pool: Pool, entry: Entry, length: int) -> tuple[bool, int, int, str]:
    name = pool.source.NAME
    rank = OWN_FIRST.index(name) if name in OWN_FIRST else len(OWN_FIRST)
    return not entry.split, rank, -length, entry.id


def _sketch(rows: Sequence[tuple[Pool, Entry]], progress: Progress) -> _Sketches:
    import rensa

    signatures = np.zeros((len(rows), BANDS * ROWS_IN_BAND), dtype=np.uint32)
    teaches: list[int] = []
    lengths: list[int] = []
    same: list[bytes] = []
    for read in in_order(_read, line_batches(rows, SKETCH_ROWS)):
        begin = len(same)
        teaches += read.teaches
        lengths += read.lengths
        same += read.same
        matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(  # it has threads: not for a forked process
            read.shingles.values, read.shingles.offsets.astype(np.uint64), BANDS * ROWS_IN_BAND, 42
        )
        signatures[begin : len(same)] = matrix.to_rows()
        progress.advance(len(read.same))
    return _Sketches(signatures, np.array(teaches, dtype=np.uint64), np.array(lengths, dtype=np.int64), same)


def _read(lines: Sequence[bytes]) -> _Read:
    rows = [orjson.loads(line) for line in lines]
    texts = [spoken(row) for row in rows]
    shingles = word_shingles([words(text) for text in texts])
    return _Read(shingles, list(map(_teaches, rows)), list(map(len, texts)), list(map(_same_words, rows)))


def _teaches(row: JSON) -> int:
    """Return a number that near-duplicates have in common: the tools to call, and the request in a row's context."""
    learnt = filter(is_learnt, row["messages"])
    names = {call["function"]["name"] for message in learnt for call in message.get("tool_calls", ())}
    return crc32("\0".join([*sorted(names), *filter(None, [normalise_request(asked(row))])]).encode())


def _same_words(row: JSON) -> bytes:
    """Return a digest of what the row says in which case (of the user's words) and white space do not count."""
    said: list[Any] = [tool["function"]["name"] for tool in row.get("tools", ())]
    for message in row["messages"]:
        text = " ".join(message["content"].split())
        calls = [call["function"] for call in message.get("tool_calls", ())]
        folded = text.casefold() if message["role"] == "user" else text
        said.append([message["role"], folded, calls, message.get("weight")])
    return blake2b(orjson.dumps(said), digest_size=16).digest()


def _join_similar(
    rows: Sequence[tuple[Pool, Entry]], sketches: _Sketches, order: Sequence[int], clusters: _Clusters
) -> None:
    """Join the clusters of all candidate pairs whose exact similarity is high enough."""
    pairs = _candidates(sketches, np.array(order))
    for begin in range(0, len(pairs), COMPARE_PAIRS):
        block = [
            (a, b) for a, b in pairs[begin : begin + COMPARE_PAIRS].tolist() if clusters.head(a) != clusters.head(b)
        ]
        members = sorted({row for pair in block for row in pair})
        shingles = word_shingles([words(spoken(read_entry(*rows[row]))) for row in members])
        sets = {row: np.unique(shingles.of(at)) for at, row in enumerate(members)}
        for a, b in block:
            if clusters.head(a) != clusters.head(b) and jaccard(sets[a], sets[b]) >= SIMILAR:
                clusters.join(a, b)


def _candidates(sketches: _Sketches, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs of rows that share a bucket and whose MinHashes agree often enough, as two columns."""
    count = len(order)
    signatures = sketches.signatures[order]
    found = np.zeros(0, dtype=np.int64)
    for band in range(BANDS):
        keys = sketches.teaches[order]
        for column in range(band * ROWS_IN_BAND, (band + 1) * ROWS_IN_BAND):
            keys = keys * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column]
            keys ^= keys >> np.uint64(29)
        places = np.argsort(keys, kind="stable")
        new = np.concatenate([[True], np.diff(keys[places]) != 0])
        firsts = places[np.flatnonzero(new)][np.cumsum(new) - 1]
        bucket = np.cumsum(new)
        pairs = [firsts[~new] * count + places[~new]]
        for step in range(1, NEIGHBOURS + 1):
            meet = bucket[step:] == bucket[:-step]
            pairs.append(places[:-step][meet] * count + places[step:][meet])
        found = np.unique(np.concatenate([found, *pairs]))
    first, second = np.divmod(found, count)
    agree = np.concatenate([
        np.mean(signatures[first[at : at + 50_000]] == signatures[second[at : at + 50_000]], axis=1)
        for at in range(0, len(found), 50_000)
    ] or [np.zeros(0)])  # fmt: skip
    near = agree >= LEAST_ESTIMATE
    return np.stack([order[first[near]], order[second[near]]], axis=1)


class _Clusters:
    """Sets of rows that are joined one by one; the head of each is its first in the order of precedence."""

    def __init__(self, order: Sequence[int]) -> None:
        self._rank = {row: rank for rank, row in enumerate(order)}
        self._above = list(range(len(order)))

    def head(self, row: int) -> int:
        while self._above[row] != row:
            self._above[row] = self._above[self._above[row]]
            row = self._above[row]
        return row

    def join(self, one: int, other: int) -> None:
        one, other = self.head(one), self.head(other)
        if self._rank[one] > self._rank[other]:
            one, other = other, one
        self._above[other] = one

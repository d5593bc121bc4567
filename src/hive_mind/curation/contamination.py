"""Rows that ask what an evaluation suite asks are taken out, so that a suite measures what a model learnt, not recalls.

A row is contaminated if one of its user turns has the same words as a question of a suite, or eight words in a row in
common with it, or, for short questions, at least 0.6 of its five-character shingles: in six words there are only two
shingles of five words, and any other word breaks both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import orjson

from hive_mind.conversation import JSON
from hive_mind.curation.ingest import Entry, Pool, line_batches, normalise_request
from hive_mind.curation.redactions import redact_label
from hive_mind.curation.shingles import Numbers, Positions, character_shingles, jaccard, word_shingles
from hive_mind.parallel import in_order
from hive_mind.progress import Progress
from hive_mind.redaction import Memory, redact
from hive_mind.suites.prompts import Prompt, read_prompts

GRAM = 8
FORMULA_REQUESTS = 10
"""Eight words that more than so many different requests share are a formula ("write a python function to find the")
and show nothing; GPT-3's decontamination drew the line there too."""
SHORT_WORDS = 20
"""Questions of at most so many words are compared by shingles as well."""
SIMILAR = 0.6
SHARED_RARE = 4
"""So many of their rarest shingles must two texts share to be compared."""
BATCH_ROWS = 1_000


@dataclass(frozen=True)
class Contaminated:
    """A row that was taken out, the question it met, and how: `same words`, `8 words in a row` or `similar (0.71)`."""

    entry: Entry
    pool: Pool
    request: str
    prompt: Prompt
    how: str

    def to_dict(self) -> JSON:
        return {
            "id": self.entry.id, "source": self.pool.source.NAME, "record": self.entry.record,
            "reason": "contaminated", "suite": self.prompt.suite, "question": self.prompt.id, "how": self.how,
            "request": self.request, "asked": self.prompt.text,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the user says in a row, given by its number in the batch."""

    row: int
    text: str
    normal: str


@dataclass(frozen=True, slots=True)
class _Met:
    """What a batch of rows has in common with the questions: turns that are one, and those that share eight words."""

    rows: int
    asked: list[tuple[_Turn, int, str]]
    grams: list[tuple[_Turn, int, int]]


def read_suites(suites: Mapping[str, Path]) -> list[Prompt]:
    """Read the questions of every configured suite. Raises UsageError if one is missing, DataRefused if unreadable.

    They are redacted as the rows are that they are compared with, and beside which they are written down.
    """
    return [
        replace(prompt, id=redact_label(prompt.id), text=redact(prompt.text, Memory()))
        for name, path in suites.items()
        for prompt in read_prompts(name, path)
    ]


def remove_contaminated(pools: Sequence[Pool], prompts: Sequence[Prompt], progress: Progress) -> list[Contaminated]:
    """Take the rows that meet a question out of their pools; returns them in the order in which they were read."""
    rows = [(pool, entry) for pool in pools for entry in pool.entries if not entry.split]  # not chosen yet
    index = _Index(prompts)
    found: dict[int, tuple[str, Prompt, str]] = {}
    grams: dict[int, list[tuple[int, _Turn, int]]] = defaultdict(list)
    begin = 0
    for met in in_order(index.meet, line_batches(rows, BATCH_ROWS)):
        for turn, prompt, how in met.asked:
            found.setdefault(begin + turn.row, (turn.text, prompts[prompt], how))
        for turn, prompt, gram in met.grams:
            grams[gram].append((begin + turn.row, turn, prompt))
        begin += met.rows
        progress.advance(met.rows)
    for shared in grams.values():
        if len({turn.normal for _, turn, _ in shared}) <= FORMULA_REQUESTS:
            for row, turn, prompt in shared:
                found.setdefault(row, (turn.text, prompts[prompt], f"{GRAM} words in a row"))
    hits = [Contaminated(rows[row][1], rows[row][0], *found[row]) for row in sorted(found)]
    gone = {id(hit.entry) for hit in hits}
    for pool in pools:
        kept = [entry for entry in pool.entries if id(entry) not in gone]
        pool.counts.contaminated += len(pool.entries) - len(kept)
        pool.entries = kept
    return hits


class Questions:
    """What suites ask, to find requests that ask the same: by the same words or, for short ones, nearly the same.

    Eight words in a row are not looked for: whether they are a formula shows only beside all the rows that there were.
    """

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        self.prompts = prompts
        self._index = _Index(prompts)

    def find(self, requests: Sequence[str]) -> list[tuple[int, Prompt, str]]:
        """Return (number of the request, the question that it is, how) for every request that is one."""
        turns = [_Turn(number, text, normalise_request(text)) for number, text in enumerate(requests)]
        return [(turn.row, self.prompts[prompt], how) for turn, prompt, how in self._index.look_up(turns)]


def _turns(lines: Sequence[bytes]) -> list[_Turn]:
    """Return what the user says in rows."""
    return [
        _Turn(row, message["content"], normalise_request(message["content"]))
        for row, line in enumerate(lines)
        for message in orjson.loads(line)["messages"]
        if message["role"] == "user"
    ]


class _Index:
    """The questions by their words, their eight-word grams, and the rarest shingles of the short ones."""

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        normal = [normalise_request(prompt.text) for prompt in prompts]
        self._exact = {text: number for number, text in reversed(list(enumerate(normal)))}
        long = [number for number, text in enumerate(normal) if text.count(" ") >= GRAM - 1]
        grams = word_shingles([normal[number].encode() for number in long], GRAM)
        self._grams, firsts = np.unique(grams.values, return_index=True)
        self._gram_prompts = np.array(long, dtype=np.int64)[grams.owners()[firsts]]
        short = [number for number, text in enumerate(normal) if text.count(" ") < SHORT_WORDS]
        self._short = _Sets([normal[number] for number in short])
        self._short_prompts = short
        self._known, self._counts = np.unique(self._short.values, return_counts=True)
        rare = self._rarest(self._short)
        order = np.argsort(self._short.values[rare], kind="stable")
        self._keys, self._key_owners = self._short.values[rare][order], self._short.owners[rare][order]

    def meet(self, lines: Sequence[bytes]) -> _Met:
        """Compare rows, given as their lines, with the questions."""
        turns = _turns(lines)
        return _Met(len(lines), list(self.look_up(turns)), list(self.shared_grams(turns)))

    def look_up(self, turns: Sequence[_Turn]) -> Iterator[tuple[_Turn, int, str]]:
        """Yield the turns with the words of a question, and those that are similar to a short one."""
        for turn in turns:
            if turn.normal in self._exact:
                yield turn, self._exact[turn.normal], "same words"
        near = self._worth_comparing(turns)
        if not near:
            return
        texts = _Sets([turn.normal for turn in near])
        for at, short in self._meetings(texts):
            similarity = jaccard(texts.of(at), self._short.of(short))
            if similarity >= SIMILAR:
                yield near[at], self._short_prompts[short], f"similar ({similarity:.2f})"

    def _worth_comparing(self, turns: Sequence[_Turn]) -> list[_Turn]:
        """Return the turns of a like length most of whose shingles stand in short questions: one in ten or fewer."""
        longest = 2 * self._short.sizes.max(initial=0)
        turns = [turn for turn in turns if 0 < len(turn.normal) <= longest]
        if not turns:
            return []
        shingles = character_shingles([turn.normal.encode() for turn in turns])
        places = np.minimum(np.searchsorted(self._known, shingles.values), len(self._known) - 1)
        known = np.bincount(shingles.owners(), weights=self._known[places] == shingles.values, minlength=len(turns))
        # a shingle that a text repeats counts more than once here, hence less than SIMILAR is asked
        enough = known >= 0.5 * np.diff(shingles.offsets)
        return [turn for turn, worth in zip(turns, enough.tolist(), strict=True) if worth]

    def _rarest(self, sets: _Sets) -> Positions:
        """Return where the shingles stand that are the rarest of their set, as often as they are in short questions.

        Of what two sets with 0.6 in common share, the four rarest are among the rarest 41 % (and three more) of either:
        counting these alone leaves few pairs to compare.
        """
        places = np.minimum(np.searchsorted(self._known, sets.values), len(self._known) - 1)
        often = np.where(self._known[places] == sets.values, self._counts[places], 0)
        order = np.lexsort((sets.values, often, sets.owners))
        rank = np.arange(len(order)) - np.repeat(sets.begins, sets.sizes)
        looked_at = sets.sizes - sets.needed + SHARED_RARE
        rarest: Positions = order[rank < np.repeat(looked_at, sets.sizes)]
        return rarest

    def _meetings(self, texts: _Sets) -> list[list[int]]:
        """Return the pairs (text, short question) that share enough rare shingles and are of like size."""
        rare = self._rarest(texts)
        values, owners = texts.values[rare], texts.owners[rare]
        begin, end = np.searchsorted(self._keys, values, "left"), np.searchsorted(self._keys, values, "right")
        lengths = end - begin
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        asked = self._key_owners[np.repeat(begin, lengths) + within]
        count = len(self._short.sizes)
        met, shared = np.unique(np.repeat(owners, lengths) * count + asked, return_counts=True)
        text, short = np.divmod(met, count)
        own, other = texts.sizes[text], self._short.sizes[short]
        like = np.minimum(own, other) >= SIMILAR * np.maximum(own, other)
        like &= shared >= np.minimum(SHARED_RARE, np.minimum(texts.needed[text], self._short.needed[short]))
        meetings: list[list[int]] = np.stack([text[like], short[like]], axis=1).tolist()
        return meetings

    def shared_grams(self, turns: Sequence[_Turn]) -> Iterator[tuple[_Turn, int, int]]:
        """Yield the turns that have eight words in a row in common with a question, with these words' number."""
        long = [turn for turn in turns if turn.normal.count(" ") >= GRAM - 1]
        if not long or not len(self._grams):
            return
        shingles = word_shingles([turn.normal.encode() for turn in long], GRAM)
        places = np.minimum(np.searchsorted(self._grams, shingles.values), len(self._grams) - 1)
        hits = np.flatnonzero(self._grams[places] == shingles.values)
        owners = shingles.owners()
        for hit in hits.tolist():
            yield long[owners[hit]], int(self._gram_prompts[places[hit]]), int(shingles.values[hit])


class _Sets:
    """The distinct five-character shingles of many texts, sorted within each text."""

    def __init__(self, texts: Sequence[str]) -> None:
        shingles = character_shingles([text.encode() for text in texts])
        owners = shingles.owners()
        order = np.lexsort((shingles.values, owners))
        values, owners = shingles.values[order], owners[order]
        new = np.ones(len(values), dtype=bool)
        new[1:] = (values[1:] != values[:-1]) | (owners[1:] != owners[:-1])
        self.values, self.owners = values[new], owners[new]
        self.sizes: Positions = np.bincount(self.owners, minlength=len(texts))
        self.begins: Positions = np.cumsum(self.sizes) - self.sizes
        self.needed: Positions = np.ceil(SIMILAR * self.sizes).astype(np.int64)

    def of(self, text: int) -> Numbers:
        return self.values[self.begins[text] : self.begins[text] + self.sizes[text]]

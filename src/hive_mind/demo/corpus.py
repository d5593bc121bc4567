"""The pre-training corpus: which kinds of documents in which shares, and rows of tokens made of them.

Nothing is stored. A row is a function of (seed, step, index) alone, so a run can be resumed, shared out over processes
and rebuilt without a word of state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from hive_mind.demo import catalogue, skills, stdlib, texts, wide_catalogue
from hive_mind.demo.documents import ANSWER, END_OF_TEXT, Document

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Maker = Callable[[Random], Document]
KINDS: dict[str, Maker] = {
    "stdlib": stdlib.stdlib,
    "english": texts.english,
    "json": texts.json_text,
    "shell": texts.shell,
    "code": texts.code_text,
    "chat": texts.small_talk,
    "copy": skills.copying,
    "lookup": skills.lookup,
    "records": skills.records,
    "comprehension": skills.comprehension,
    "choice": catalogue.choice,
    "catalogue": catalogue.catalogue,
    "wide_catalogue": wide_catalogue.wide_catalogue,
}
RANDOM_TOKENS = "random_tokens"
CHANCE_WEIGHT = 0.05
TRIES = 4
SAMPLES_FOR_LENGTH = 40


def document(kind: str, seed: object) -> Document:
    """The document of a kind that belongs to `seed`; the same one every time."""
    return KINDS[kind](Random(f"{kind}/{seed}"))


def sample(count: int, seed: object, shares: Mapping[str, float]) -> Iterator[Document]:
    """Yield documents of all kinds, for training the tokenizer and for tests that scan the corpus."""
    rng = Random(f"sample/{seed}")
    kinds = [kind for kind in shares if kind in KINDS]
    for number in range(count):
        yield document(rng.choices(kinds, [shares[kind] for kind in kinds])[0], f"{seed}/{number}")


@dataclass(frozen=True, eq=False)
class Corpus:
    """Rows of tokens with weights, drawn from kinds of documents in given shares of tokens."""

    tokenizer: Tokenizer
    shares: Mapping[str, float]
    seed: int

    @cached_property
    def end(self) -> int:
        number = self.tokenizer.token_to_id(END_OF_TEXT)
        assert number is not None
        return number

    @cached_property
    def ordinary(self) -> int:
        """How many ids are ordinary pieces; special and added tokens come after them."""
        return self.tokenizer.get_vocab_size(with_added_tokens=False)

    @cached_property
    def odds(self) -> dict[str, float]:
        """How often each kind is drawn, so that the kinds take their shares of the tokens."""
        return {kind: share / self._mean_length(kind) for kind, share in self.shares.items() if share > 0}

    def row(self, step: int, index: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """One row of (length + 1,) ids and weights: whole documents, then a cut one where none fits any more."""
        rng = Random(f"{self.seed}/{step}/{index}")
        kinds, odds = list(self.odds), list(self.odds.values())
        ids = np.empty(length + 1, np.int64)
        weights = np.empty(length + 1, np.float32)
        filled, misses = 0, 0
        while filled <= length:
            room = length + 1 - filled
            kind = rng.choices(kinds, odds)[0] if misses < TRIES else "stdlib"
            made, weight = self.draw(kind, rng)
            if len(made) > room and filled and misses < TRIES:
                misses += 1
                continue
            made, weight = made[:room], weight[:room]
            ids[filled : filled + len(made)] = made
            weights[filled : filled + len(made)] = weight
            filled += len(made)
        return ids, weights

    def draw(self, kind: str, rng: Random) -> tuple[np.ndarray, np.ndarray]:
        """Encode one document of a kind, its end mark included: (n,) ids and their weights."""
        if kind == RANDOM_TOKENS:
            return self._random_tokens(rng)
        return self.encode(KINDS[kind](rng))

    def encode(self, made: Document) -> tuple[np.ndarray, np.ndarray]:
        """Encode a document; a token weighs what the piece of text it begins in weighs."""
        encoding = self.tokenizer.encode(made.text, add_special_tokens=False)
        ends = np.cumsum([len(text) for text, _ in made.pieces])
        piece_of = np.searchsorted(ends, [start for start, _ in encoding.offsets], side="right")
        weights = np.array([weight for _, weight in made.pieces], np.float32)[piece_of]
        return np.array([*encoding.ids, self.end]), np.append(weights, np.float32(CHANCE_WEIGHT))

    def _random_tokens(self, rng: Random) -> tuple[np.ndarray, np.ndarray]:
        """Tokens without any meaning, and the same again: nothing but copying can foretell the second half."""
        once = [rng.randrange(self.ordinary) for _ in range(rng.randint(8, 60))]
        weights = [CHANCE_WEIGHT] * len(once) + [ANSWER] * len(once) + [CHANCE_WEIGHT]
        return np.array([*once, *once, self.end]), np.array(weights, np.float32)

    def _mean_length(self, kind: str) -> float:
        lengths = [len(self.draw(kind, Random(f"length/{kind}/{n}"))[0]) for n in range(SAMPLES_FOR_LENGTH)]
        return float(np.mean(lengths))

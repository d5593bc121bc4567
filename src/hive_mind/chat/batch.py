"""Many conversations to tokens, in batches over all cores, token for token as `render` gives them one by one.

Encoding is nine tenths of the work, so a piece between two special tokens is encoded once for as long as it is
remembered: the template's own sentences are in every row, and the same tools in many. What is new is encoded by the
tokenizer's own threads while the next rows are read and templated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from hive_mind.chat.render import render
from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.chat.turns import NOTHING, Piece, UnusableForTraining, rendered_pieces
from hive_mind.conversation import Conversation

CHUNK_ROWS = 512
REMEMBERED_TOKENS = 4_000_000  # some 16 MB of ids and as much of text, twice
ID_BYTES = 4

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a conversation: `ids` as int32, `labelled` one byte a token, 1 for those that are learnt."""

    ids: bytes
    labelled: bytes

    def __len__(self) -> int:
        return len(self.labelled)


def render_all(
    rows: Iterable[tuple[Key, Conversation | None]], tokenizer: ChatTokenizer
) -> Iterator[tuple[Key, Tokens | UnusableForTraining | None]]:
    """Render the conversations of (key, conversation) pairs; yields (key, tokens) in the same order.

    In the place of tokens stands why the conversation cannot be trained on, or None where there was none. A first
    token is never learnt, because nothing stands before it to predict it from.
    """
    if not tokenizer.cuts_exactly:
        for key, conversation in rows:
            yield key, None if conversation is None else _one(conversation, tokenizer)
        return
    memory = _Memory(tokenizer)
    iterator = iter(rows)
    with ThreadPoolExecutor(1) as encoder:
        waiting: _Chunk[Key] | None = None
        while pairs := list(islice(iterator, CHUNK_ROWS)):
            chunk = _Chunk(pairs, memory, encoder)
            if waiting is not None:
                yield from waiting.finish()
            waiting = chunk
        if waiting is not None:
            yield from waiting.finish()


def _one(conversation: Conversation, tokenizer: ChatTokenizer) -> Tokens | UnusableForTraining:
    try:
        rendered = render(conversation, tokenizer)
    except UnusableForTraining as error:
        return error
    labelled = bytearray(rendered.labelled)
    return _checked(_int32(rendered.input_ids), labelled)


def _checked(ids: bytes, labelled: bytearray) -> Tokens | UnusableForTraining:
    labelled[:1] = b"\0"
    if 1 not in labelled:
        return UnusableForTraining("nothing_to_learn", "no token of the row is learnt")
    return Tokens(ids, bytes(labelled))


class _Memory:
    """Ids of pieces: those used since the last change of generation, and those of the generation before."""

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        self.tokenizer = tokenizer
        self.special = {text: _int32([number]) for text, number in tokenizer.special_ids.items()}
        self.prompt = _int32(tokenizer.encode(tokenizer.prompt_parts[-1]))
        self.recent: dict[str, bytes] = {}
        self.older: dict[str, bytes] = {}
        self.held = 0

    def get(self, text: str) -> bytes | None:
        ids = self.special.get(text) or self.recent.get(text)
        if ids is None and (ids := self.older.get(text)) is not None:
            self.keep(text, ids)
        return ids

    def keep(self, text: str, ids: bytes) -> None:
        self.recent[text] = ids
        self.held += len(ids)
        if self.held > REMEMBERED_TOKENS * ID_BYTES:
            self.recent, self.older, self.held = {}, self.recent, 0

    def encode(self, texts: list[str]) -> list[Any]:
        encodings: list[Any] = self.tokenizer.fast.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return encodings


class _Chunk(Generic[Key]):
    """Some hundred rows, whose new pieces are being encoded from the moment that this is made."""

    def __init__(self, pairs: list[tuple[Key, Conversation | None]], memory: _Memory, encoder: Executor) -> None:
        self.memory = memory
        self.rows = [(key, _pieces(conversation, memory.tokenizer)) for key, conversation in pairs]
        distinct = {text for _, pieces in self.rows if isinstance(pieces, list) for text, _ in pieces}
        found = {text: memory.get(text) for text in distinct}
        self.ids = {text: ids for text, ids in found.items() if ids is not None}
        self.new = sorted((text for text, ids in found.items() if ids is None), key=len)  # threads get equal shares
        self.encoding = encoder.submit(memory.encode, self.new)

    def finish(self) -> Iterator[tuple[Key, Tokens | UnusableForTraining | None]]:
        """Wait for the encoder and yield the rows in their order."""
        for text, encoding in zip(self.new, self.encoding.result(), strict=True):
            self.ids[text] = _int32(encoding.ids)
            self.memory.keep(text, self.ids[text])
        for key, pieces in self.rows:
            yield key, self._join(pieces) if isinstance(pieces, list) else pieces

    def _join(self, pieces: list[Piece]) -> Tokens | UnusableForTraining:
        labelled = bytearray()
        for text, learnt_from in pieces:
            count = len(self.ids[text]) // ID_BYTES
            if learnt_from == NOTHING:
                labelled += bytes(count)
            elif learnt_from == 0:
                labelled += b"\1" * count
            else:
                before = self._tokens_before(text, learnt_from)
                labelled += bytes(before) + b"\1" * (count - before)
        return _checked(b"".join([self.ids[text] for text, _ in pieces]), labelled)

    def _tokens_before(self, text: str, learnt_from: int) -> int:
        """Count the tokens that begin before a character; those of the prompt, unless one runs on into the answer."""
        if self.ids[text].startswith(self.memory.prompt):
            return len(self.memory.prompt) // ID_BYTES
        return sum(start < learnt_from for start, _ in self.memory.tokenizer.encode_spans(text)[1])


def _pieces(conversation: Conversation | None, tokenizer: ChatTokenizer) -> list[Piece] | UnusableForTraining | None:
    try:
        return None if conversation is None else rendered_pieces(conversation, tokenizer)
    except UnusableForTraining as error:
        return error


def _int32(ids: list[int]) -> bytes:
    return np.array(ids, dtype=np.int32).tobytes()

"""The rows that a model is answering at the moment: they join and leave between steps, each as if it were alone.

A step feeds what every row still has to read, a whole prompt at first and then its newest tokens, and chooses one more
token a row. What a constraint leaves no choice about is appended at once and read in the next step's one pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from hive_mind.errors import HiveMindError
from hive_mind.inference.constraint import Matcher
from hive_mind.inference.loops import looping
from hive_mind.inference.prefixes import Prefix, PrefixStore, Shared, shared_beginnings
from hive_mind.inference.request import Generation, Request
from hive_mind.inference.sampling import sample
from hive_mind.model.adapters import Adapters
from hive_mind.model.cache import Extend
from hive_mind.model.qwen2 import Qwen2

PASS_TOKENS = 2048
"""Prompt tokens read in one pass: more gains nothing on a CPU (training.memory) and takes memory."""


@dataclass(eq=False, slots=True)
class Row:
    """A request being answered. `ids`: the reply so far; `pending`: tokens that the cache does not hold yet.

    `remember`: so many of the prompt's tokens are still to be kept for later prompts, once the cache holds them;
    `recalled`: so many of them were read for another prompt before; `repeated`: tokens that it has repeated without end
    (inference.loops); `error`: why the row cannot go on, itself alone.
    """

    request: Request
    ids: list[int]
    pending: list[int]
    matcher: Matcher | None
    random: Random
    key: int = 0
    remember: int = 0
    recalled: int = 0
    repeated: frozenset[int] = frozenset()
    stopped: bool = False
    done: bool = False
    error: HiveMindError | None = None

    @property
    def room(self) -> int:
        """How many more tokens the budget allows."""
        return self.request.max_new_tokens + len(self.request.forced) - len(self.ids)

    def generation(self) -> Generation:
        return Generation(list(self.ids), self.stopped)

    def take(self, token: int) -> None:
        """Append a chosen token, with those that the constraint leaves no choice about; see whether the row is done."""
        if token in self.request.stop_ids:
            self.stopped = self.done = True
            return
        self.append([token])
        if self.matcher is not None:
            with self.alone():
                self.follow(self.matcher)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have what goes wrong with this row's constraint end this row and no other."""
        try:
            yield
        except HiveMindError as error:
            self.error, self.done = error, True

    def follow(self, matcher: Matcher) -> None:
        """Append what the constraint leaves no choice about."""
        self.append(matcher.forced(self.room))
        self.stopped = matcher.complete
        self.done = self.done or self.stopped

    def allows(self, token: int) -> bool:
        """Tell whether the likeliest token may be taken, and have the matcher, if there is one, go on with it if so."""
        if self.matcher is None:
            return True
        if self.matcher.ends_loops:
            self.repeated |= looping(self.ids, bool(self.repeated))
        return token not in self.repeated and self.matcher.accepts(token)

    def retrace(self, plain: Generation) -> None:
        """Take what plain decoding chose, as long as it is allowed: the model would choose the same for this row."""
        stops = sorted(self.request.stop_ids) if plain.stopped else []
        while not self.done and self.ids == plain.ids[: len(self.ids)]:
            likeliest = plain.ids[len(self.ids) :][:1] or stops
            token = next((token for token in likeliest if self.allows(token)), None)
            if token is None:
                return
            self.take(token)

    def append(self, tokens: list[int]) -> None:
        self.ids += tokens
        self.pending += tokens
        self.done = self.room <= 0


class Running:
    """Rows answered together. `tokens_read` counts what went through the model, `prefixes` what prompts share."""

    def __init__(self, model: Qwen2, adapters: Adapters | None = None, prefixes: PrefixStore | None = None) -> None:
        self.model = model
        self.adapters = adapters
        self.prefixes = prefixes or PrefixStore()
        self.cache = model.new_cache()
        self.rows: list[Row] = []
        self.tokens_read = 0

    @torch.inference_mode()
    def join(self, requests: Sequence[Request]) -> list[Row]:
        """Take requests in; what their prompts share is read at once, the rest in the next steps.

        If this raises, for lack of memory say, none of them has joined and the rows running before can go on.
        """
        made = [self._row(request) for request in requests]
        before = len(self.rows)
        try:
            longest = max((row.request.longest for row in made), default=0)
            self.cache.reserve(before + len(made), longest)
            numbers = self.cache.add_rows(len(made))
            self.rows += made
            for number in numbers:
                self._recall(number)
            self._read_shared(shared_beginnings([(row.key, row.pending) for row in made]), before)
        except BaseException:
            del self.rows[before:], self.cache.lengths[before:]
            raise
        for number in numbers:
            row = self.rows[number]
            row.pending = row.pending[self.cache.lengths[number] :]
        return made

    @torch.inference_mode()
    def step(self, most_tokens: int | None = None) -> list[Row]:
        """Choose one more token for every row that has read its prompt; returns the rows that are done and have left.

        `most_tokens` bounds what is read in this step, so that long prompts do not hold up the rows beside them; rows
        that have read their prompts go first. If this raises for lack of memory, the rows are as before and can go on.
        """
        done = self._leave_done()  # all of their reply was forced
        before = list(self.cache.lengths), [list(row.pending) for row in self.rows]
        try:
            numbers, states = self._read_pending(most_tokens)
            ready = [self.rows[number] for number in numbers]
            logits, drawn = self._score(ready, states)
        except BaseException:
            self.cache.lengths = before[0]
            for row, pending in zip(self.rows, before[1], strict=True):
                row.pending = pending
            raise
        for row, token in zip(ready, _choose(ready, logits, drawn), strict=True):
            if row.error is None:
                row.take(token)
        return done + self._leave_done()

    @torch.inference_mode()
    def leave(self, row: Row) -> None:
        """Take a row out, whether it is done or nobody waits for it any more."""
        number = self.rows.index(row)
        end = self.cache.lengths[number]
        if row.request.keep and end >= len(row.request.prompt):
            self.prefixes.add(Prefix(row.key, [*row.request.prompt, *row.ids][:end], *self.cache.take(number, end)))
        self.cache.drop(number)
        self.rows[number] = self.rows[-1]
        self.rows.pop()

    def _leave_done(self) -> list[Row]:
        done = [row for row in self.rows if row.done]
        for row in done:
            self.leave(row)
        return done

    def _row(self, request: Request) -> Row:
        return begin(request, 0 if self.adapters is None else self.adapters.serials[request.adapter])

    def _recall(self, number: int) -> None:
        """Fill a new row with the longest beginning of its prompt that was read before."""
        row = self.rows[number]
        prefix, length = self.prefixes.longest(row.key, row.pending)
        if prefix is not None:
            self.cache.put(number, prefix.keys, prefix.values, length)
            row.recalled = min(length, len(row.request.prompt))

    def _read_shared(self, found: Sequence[Shared], first: int) -> None:
        """Read each shared beginning in one row and copy it into the others, level by level."""
        for level in sorted({shared.level for shared in found}):
            here = [([first + row for row in shared.rows], shared.end) for shared in found if shared.level == level]
            leaders = [max(rows, key=self.cache.lengths.__getitem__) for rows, _ in here]
            feed = [
                (leader, self.rows[leader].pending[self.cache.lengths[leader] : end])
                for leader, (_, end) in zip(leaders, here, strict=True)
            ]
            self._read([(leader, tokens) for leader, tokens in feed if tokens])
            for leader, (rows, end) in zip(leaders, here, strict=True):
                for row in rows:
                    self.cache.copy(leader, row, end)
                    if row != leader:
                        self.rows[row].recalled = min(end, len(self.rows[row].request.prompt))

    def _read_pending(self, most_tokens: int | None) -> tuple[list[int], Tensor]:
        """Feed what rows have not read; returns the rows that have read everything, and their last states."""
        left = sum(len(row.pending) for row in self.rows) if most_tokens is None else most_tokens
        feed: list[tuple[int, list[int]]] = []
        for number, row in sorted(enumerate(self.rows), key=lambda pair: len(pair[1].pending)):
            tokens = row.pending[:left]
            left -= len(tokens)
            if tokens:
                feed.append((number, tokens))
        feed.sort()
        states = self._read(feed)
        for number, tokens in feed:
            row = self.rows[number]
            del row.pending[: len(tokens)]
            self._remember(number, row)
        ready = [place for place, (number, _) in enumerate(feed) if not self.rows[number].pending]
        return [feed[place][0] for place in ready], states[ready]

    def _remember(self, number: int, row: Row) -> None:
        end = row.remember
        if end and self.cache.lengths[number] >= end:
            self.prefixes.add(Prefix(row.key, list(row.request.prompt[:end]), *self.cache.take(number, end)))
            row.remember = 0

    def _read(self, feed: Sequence[tuple[int, list[int]]]) -> Tensor:
        """Feed tokens to rows, (row, tokens) each in the order of the rows; returns the rows' last states (N, H)."""
        if not feed:
            return torch.empty(0, device=self.model.device)
        self.tokens_read += sum(len(tokens) for _, tokens in feed)
        if len(feed) == len(self.rows) and all(len(tokens) == 1 for _, tokens in feed):
            with self._through([row for row, _ in feed], [1] * len(feed)):
                flat = torch.tensor([tokens[0] for _, tokens in feed], device=self.model.device)
                return self.model.step(flat, self.cache)
        last: dict[int, Tensor] = {}
        for part in _passes(feed):
            rows, counts = [row for row, _ in part], [len(tokens) for _, tokens in part]
            flat = torch.tensor([token for _, tokens in part for token in tokens], device=self.model.device)
            extend = Extend(self.cache, rows, counts)
            with self._through(rows, counts):
                states = self.model.extend(flat, extend)[extend.layout.last]
            last.update(zip(rows, states, strict=True))
        return torch.stack([last[row] for row, _ in feed])

    def _through(self, rows: Sequence[int], counts: Sequence[int]) -> AbstractContextManager[None]:
        if self.adapters is None:
            return nullcontext()
        return self.adapters.rows([self.rows[row].request.adapter for row in rows], counts)

    def _score(self, rows: Sequence[Row], states: Tensor) -> tuple[Tensor, dict[int, int]]:
        """Return the rows' logits (N, V), and the tokens of those that draw one, by place. states (N, H)."""
        if not rows:
            return torch.empty(0), {}
        logits = self.model.project(states)
        drawn = [place for place, row in enumerate(rows) if not row.request.sampling.greedy]
        for place in drawn:
            if (matcher := rows[place].matcher) is not None:
                with rows[place].alone():
                    matcher.restrict(logits[place])
        drawn = [place for place in drawn if rows[place].error is None]
        if not drawn:
            return logits, {}
        samplings = [rows[place].request.sampling for place in drawn]
        draws = [rows[place].random.random() for place in drawn]
        return logits, dict(zip(drawn, sample(logits[drawn], samplings, draws), strict=True))


def begin(request: Request, key: int = 0) -> Row:
    """Return a request's row with as much of the reply as is known before the model is asked: all of it if it is done.

    Raises HiveMindError if its grammar cannot be followed.
    """
    unread = [*request.prompt, *request.forced]
    if not unread or request.max_new_tokens < 1:
        raise ValueError("a request needs at least one token of prompt and one to answer with")
    matcher = None if request.constraint is None else request.constraint.matcher()
    row = Row(request, list(request.forced), unread, matcher, Random(request.sampling.seed), key, request.remember)
    if matcher is not None:
        row.follow(matcher)
    if request.plain is not None:
        row.retrace(request.plain)
    return row


def _choose(rows: Sequence[Row], logits: Tensor, drawn: Mapping[int, int]) -> list[int]:
    """Return each row's next token: the one it drew, or the likeliest that it may take. Moves the matchers on."""
    if not rows:
        return []
    chosen: list[int] = logits.max(-1).indices.tolist()  # argmax takes four times as long in bf16 on a CPU
    for place, row in enumerate(rows):
        token = drawn.get(place)
        if token is not None:
            chosen[place] = token
        if row.matcher is None or row.error is not None:
            continue
        if token is None and row.allows(chosen[place]):
            continue  # as a rule the likeliest is allowed, and then no mask need be made
        with row.alone():
            if token is None:
                row.matcher.restrict(logits[place])
                chosen[place] = _likeliest(logits[place], row.repeated)
            row.matcher.advance(chosen[place])
    return chosen


def _likeliest(logits: Tensor, repeated: Collection[int]) -> int:
    """Return the likeliest token that was not repeated without end, if any other is allowed. logits (V,)."""
    if repeated:
        others = logits.index_fill(0, torch.tensor(sorted(repeated), device=logits.device), float("-inf"))
        if not torch.isneginf(others).all():
            logits = others
    return int(logits.max(-1).indices)


def _passes(feed: Sequence[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
    """Cut what is fed into passes of at most PASS_TOKENS tokens; a row that does not fit goes on in the next."""
    part: list[tuple[int, list[int]]] = []
    room = PASS_TOKENS
    for row, tokens in feed:
        begin = 0
        while begin < len(tokens):
            piece = tokens[begin : begin + room]
            part.append((row, piece))
            begin += len(piece)
            room -= len(piece)
            if not room:
                yield part
                part, room = [], PASS_TOKENS
    if part:
        yield part

"""What the model's thread does: take requests in, step the rows, hand out what they wrote (continuous batching).

The idea of joining and leaving between single steps is Orca's (OSDI 2022, "iteration-level scheduling").
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from hive_mind.device import free_memory, is_out_of_memory, release_memory
from hive_mind.errors import HiveMindError
from hive_mind.inference.prefixes import WORTH_SHARING, common_length
from hive_mind.inference.running import Row
from hive_mind.progress import say
from hive_mind.serving.ask import Answer, Begun
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.models import Host, Models, Target
from hive_mind.serving.pending import Waiting
from hive_mind.serving.prepare import Prepared, prepare, problems
from hive_mind.serving.reply import Ended
from hive_mind.serving.stats import Counts

USABLE_SHARE = 0.5
"""Of the free memory, for keys and values: a CPU that runs out ends the process, not the request."""

ALONE = 4
"""So many pieces of prompts are read in a step where no reply waits for the next one."""

PREPARED_A_TURN = 4
"""Prompts written between two steps: one takes some milliseconds, which the rows that are being answered wait."""

NO_ROOM = "the memory is too small for this request; free some, or ask for fewer tokens or with fewer tools"


@dataclass(eq=False)
class Work:
    """A request that is being answered, or that will be once there is room."""

    pending: Waiting
    target: Target
    host: Host
    prepared: Prepared
    row: Row | None = None
    seen: int = 0  # tokens of the reply that were handed out
    forced: int = 0  # tokens that stood there before the model chose any
    joined: float = 0.0
    first_token: float | None = None


@dataclass
class Scheduler:
    """Answers requests in one thread, which alone touches the models. `waiting` is filled from outside."""

    models_dir: Path
    settings: EngineSettings
    counts: Counts
    models: Models = field(init=False)
    waiting: list[Waiting] = field(default_factory=list)
    ready: dict[Waiting, Work] = field(default_factory=dict)  # of the waiting: those that only lack room
    active: list[Work] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.models = Models(self.models_dir, self.settings)
        self.room, self.piece = self.settings.cache_tokens, self.settings.piece  # both halved when memory is short

    @property
    def idle(self) -> bool:
        """Whether nothing can be done before something happens outside."""
        return not self.active and not self.ready and (not self.waiting or self.models.loading)

    @torch.inference_mode()
    def turn(self) -> None:
        """Take in what there is room for and have every row being answered read or write on."""
        self._drop_cancelled()
        self._take_in()
        for host in {work.host: None for work in self.active}:
            self._step(host)
        used = {work.target for work in [*self.active, *self.ready.values()]}
        self.models.sweep(used)
        if not self.active and not self.waiting:
            self.room, self.piece = self.settings.cache_tokens, self.settings.piece

    def fail_all(self, error: HiveMindError) -> None:
        """Give every request up."""
        for pending in [*self.waiting, *(work.pending for work in self.active)]:
            self._fail(pending, error)
        self.waiting.clear()
        self.ready.clear()
        self.active.clear()

    def _drop_cancelled(self) -> None:
        for pending in [pending for pending in self.waiting if pending.cancelled]:
            self.waiting.remove(pending)
            self.ready.pop(pending, None)
            self.counts.cancelled += 1
            pending.put([HiveMindError("the request was cancelled before its turn came")])
        for work in [work for work in self.active if work.pending.cancelled]:
            self._end(work, "cancelled")

    def _take_in(self) -> None:
        joining: list[Work] = []
        prepared = 0
        for pending in list(self.waiting):
            if len(self.active) + len(joining) >= self.settings.rows:
                break
            if pending not in self.ready:
                if self.active and prepared >= PREPARED_A_TURN:
                    break
                prepared += 1
                self._prepare(pending)
            work = self.ready.get(pending)
            if work is None or self._better_later(work, joining):
                continue
            if not self._fits(work, joining):
                break
            joining.append(work)
        for host in {work.host: None for work in joining}:
            self._join(host, [work for work in joining if work.host is host])

    def _prepare(self, pending: Waiting) -> None:
        """Find the model that a request asks for and write its prompt."""
        with self._alone(pending):
            found = self.models.find(pending.ask.model)
            if found is None:
                return
            target, host = found
            adapter = None if target.folder is None else target.version
            self.ready[pending] = Work(pending, target, host, prepare(pending.ask, host.loaded, adapter, self.settings))
        if pending.done:
            self.waiting.remove(pending)

    def _better_later(self, work: Work, joining: Sequence[Work]) -> bool:
        """Tell whether a row is just reading what this prompt begins with too: then it is read once, for both."""
        prompt, serials = work.prepared.request.prompt, work.host.loaded.adapters.serials
        key = serials[work.prepared.request.adapter]
        reading = [
            each for each in [*self.active, *joining]
            if each.host is work.host and serials[each.prepared.request.adapter] == key
            and (each.row is None or each.row.remember)
        ]  # fmt: skip
        alike = max((common_length(each.prepared.request.prompt, prompt) for each in reading), default=0)
        return alike >= WORTH_SHARING and alike - work.host.running.prefixes.known(key, prompt) >= WORTH_SHARING

    def _fits(self, work: Work, joining: Sequence[Work]) -> bool:
        requests = [each.prepared.request for each in [*self.active, *joining, work] if each.host is work.host]
        needed = len(requests) * max(request.longest for request in requests)
        return len(requests) == 1 or needed <= self._room(work.host)

    def _room(self, host: Host) -> int:
        """Return how many tokens of keys and values the rows on a base may have."""
        free = int(USABLE_SHARE * free_memory(host.loaded.model.device)) // host.loaded.model.cache_bytes
        return min(self.room, host.running.cache.tokens + free)

    def _join(self, host: Host, joining: list[Work]) -> None:
        requests = [work.prepared.request for work in joining]
        lengths = [request.longest for request in [*(row.request for row in host.running.rows), *requests]]
        try:
            self._make_room(host, lengths)
            rows = host.running.join(requests)
        except HiveMindError as error:  # a grammar
            if len(joining) > 1:
                for work in joining:
                    self._join(host, [work])
                return
            self._forget(joining[0])
            self._fail(joining[0].pending, error)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            release_memory(error)
            self._no_room(host, joining, len(lengths) * max(lengths))
        else:
            for work, row in zip(joining, rows, strict=True):
                self._forget(work)
                work.row, work.forced, work.joined = row, len(row.ids), time.monotonic()
                self.active.append(work)
                work.pending.put([Begun(work.target.version, host.loaded.base.id)])

    def _make_room(self, host: Host, lengths: Sequence[int]) -> None:
        """Make room for rows of these lengths: in one go for more of them than join now, if the bounds allow it."""
        cache, longest = host.running.cache, max(lengths)
        rows = min(self.settings.rows, 1 << (len(lengths) - 1).bit_length())
        slots = cache.tokens // cache.capacity if cache.capacity else 0
        if max(rows, slots) * max(longest, cache.capacity) <= self._room(host):
            cache.reserve(rows, longest)
        elif max(len(lengths), slots) * max(longest, cache.capacity) > cache.tokens:
            cache.resize(len(lengths), longest)

    def _forget(self, work: Work) -> None:
        self.ready.pop(work.pending)
        self.waiting.remove(work.pending)

    def _step(self, host: Host) -> None:
        writing = [len(row.pending) for row in host.running.rows if not row.remember]
        most = sum(writing) + self.piece * (1 if writing else ALONE)
        try:
            host.running.step(most)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                release_memory(error)
                self._no_room_to_step(host)
            else:
                self._broken(host, error)
            return
        for work in [work for work in self.active if work.host is host]:
            self._deliver(work)

    def _no_room(self, host: Host, joining: Sequence[Work], needed: int) -> None:
        """Take in half as many tokens as were asked for, until no row is left; a request that is alone fails."""
        host.running.prefixes.kept.clear()
        if len(joining) > 1 or host.running.rows:
            self.room = max(1, needed // 2)
            say(f"memory was too small for {needed:,} tokens of keys and values: {self.room:,} for now")
        else:
            self._forget(joining[0])
            self._fail(joining[0].pending, HiveMindError(NO_ROOM))

    def _no_room_to_step(self, host: Host) -> None:
        """Read prompts in smaller pieces, down to single tokens; then the row that came last fails."""
        host.running.prefixes.kept.clear()
        if self.piece > 1:
            self.piece //= 2
            say(f"memory was too small for a step: prompts are read {self.piece} tokens at a time for now")
        else:
            last = [work for work in self.active if work.host is host][-1]
            self._leave(last)
            self._fail(last.pending, HiveMindError(NO_ROOM))

    def _broken(self, host: Host, error: BaseException) -> None:
        """Give up all rows on a base whose pass failed for another reason than memory."""
        traceback.print_exception(error)
        for work in [work for work in self.active if work.host is host]:
            self.active.remove(work)
            self._fail(work.pending, HiveMindError(f"the model's pass failed: {error}; ask again"))
        host.start_anew()

    def _deliver(self, work: Work) -> None:
        """Hand out what a row has written since the last time, and end it if it is done."""
        row, reader = work.row, work.prepared.reader
        assert row is not None
        if work.first_token is None and (len(row.ids) > work.forced or row.done):
            work.first_token = time.monotonic()
        new, work.seen = row.ids[work.seen :], len(row.ids)
        with self._alone(work.pending):
            work.pending.put(reader.feed(new))
            if row.error is not None:
                raise row.error
        if work.pending.done:
            self._leave(work)
        elif reader.stopped or row.done:
            self._end(work, "stop" if row.stopped or reader.stopped else "length")

    def _leave(self, work: Work) -> Row:
        row = work.row
        assert row is not None
        self.active.remove(work)
        if row in work.host.running.rows:
            work.host.running.leave(row)
        return row

    def _end(self, work: Work, ended: Ended) -> None:
        """Free the row and hand out the Answer."""
        row = self._leave(work)
        with self._alone(work.pending):
            events, read = work.prepared.reader.finish(ended)
            taken_in, now = work.pending.taken_in, time.monotonic()
            answer = Answer(
                text=read.text, calls=read.calls, finish_reason=read.finish_reason, repairs=read.repairs,
                problems=problems(work.pending.ask, read), not_enforced=work.prepared.not_enforced,
                version=work.target.version, base=work.host.loaded.base.id,
                prompt_tokens=len(row.request.prompt), cached_tokens=row.recalled, completion_tokens=len(row.ids),
                queued=work.joined - taken_in, first_token=(work.first_token or now) - taken_in, seconds=now - taken_in,
            )  # fmt: skip
            self.counts.answered(answer)
            work.pending.put([*events, answer])

    @contextmanager
    def _alone(self, pending: Waiting) -> Iterator[None]:
        """Have what goes wrong with one request end that one and no other."""
        try:
            yield
        except HiveMindError as error:
            self._fail(pending, error)
        except Exception as error:  # nobody thought of it, and the others must not suffer from it
            traceback.print_exc()
            self._fail(pending, HiveMindError(f"this request met an error of the program's own: {error!r}"))

    def _fail(self, pending: Waiting, error: HiveMindError) -> None:
        self.counts.failed += 1
        pending.put([error])

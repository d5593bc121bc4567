"""Many prompts answered in batches: prompts of like length together, identical beginnings read once.

A batch for which the memory is too small is halved and repeated, down to one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from hive_mind.device import free_memory, is_out_of_memory
from hive_mind.errors import HiveMindError
from hive_mind.inference.prefixes import PrefixStore, common_length, in_order
from hive_mind.inference.request import Generation, Request
from hive_mind.inference.running import Running, begin
from hive_mind.model.adapters import Adapters
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say

USABLE_SHARE = 0.5
"""Of the free memory, for the keys and values of a batch: a CPU that runs out ends the process, not the batch."""


class Engine:
    """Answers requests with one model and the adapters over it, or with the model as it stands if none are given.

    `batch_tokens` bounds the key-value cache: rows times their longest possible length.
    """

    def __init__(self, model: Qwen2, adapters: Adapters | None = None, batch_tokens: int = 32_768) -> None:
        self.model = model
        self.adapters = adapters
        self.batch_tokens = batch_tokens
        self.prefixes = PrefixStore()
        self.tokens_read = 0
        self._halved: tuple[int, int] | None = None

    def generate(self, requests: Sequence[Request], on_done: Callable[[int], None] | None = None) -> list[Generation]:
        """Answer every request, in the order asked. `on_done` hears of replies as they are done.

        Raises HiveMindError if not even one row fits in memory.
        """
        replies = {index: known for index, request in enumerate(requests) if (known := _known(request)) is not None}
        if replies and on_done is not None:
            on_done(len(replies))
        order = in_order([(self._key(request), [*request.prompt, *request.forced]) for request in requests])
        waiting = [index for index in order if index not in replies]
        while waiting:
            batch = self._batch(requests, waiting)
            try:
                for index, reply in self._answer(requests, batch, waiting[len(batch) :]):
                    replies[index] = reply
                    if on_done is not None:
                        on_done(1)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve([requests[index] for index in batch], error)
            else:
                self._say_halved()
            if self._halved is not None and self.model.device.type == "cuda":
                torch.cuda.empty_cache()
            waiting = [index for index in waiting if index not in replies]
        return [replies[index] for index in range(len(requests))]

    def _key(self, request: Request) -> int:
        return 0 if self.adapters is None else self.adapters.serials[request.adapter]

    def _batch(self, requests: Sequence[Request], waiting: Sequence[int]) -> list[int]:
        """Return the first of the waiting requests, as many as may be answered together."""
        room = min(self.batch_tokens, int(USABLE_SHARE * free_memory(self.model.device)) // self.model.cache_bytes)
        batch: list[int] = []
        longest = 0
        for index in waiting:
            longest = max(longest, requests[index].longest)
            if batch and longest * (len(batch) + 1) > room:
                break
            batch.append(index)
        return batch

    def _answer(
        self, requests: Sequence[Request], batch: Sequence[int], later: Sequence[int]
    ) -> Iterator[tuple[int, Generation]]:
        running = Running(self.model, self.adapters, self.prefixes)
        try:
            rows = running.join([requests[index] for index in batch])
            if later:  # begins most like the last of these
                alike = common_length(requests[batch[-1]].prompt, requests[later[0]].prompt)
                rows[-1].remember = max(rows[-1].remember, alike)
            indices = dict(zip(map(id, rows), batch, strict=True))
            while running.rows:
                for row in running.step():
                    if row.error is not None:
                        raise row.error
                    yield indices[id(row)], row.generation()
        finally:
            self.tokens_read += running.tokens_read

    def _halve(self, requests: Sequence[Request], error: BaseException) -> None:
        """Answer half as many at a time from now on."""
        rows, longest = len(requests), max(request.longest for request in requests)
        if rows == 1:
            raise HiveMindError(
                f"not even one reply fits in memory: a prompt of {len(requests[0].prompt):,} tokens with up to "
                f"{requests[0].max_new_tokens:,} new ones on {self.model.device}; free memory, or ask for fewer tokens"
            ) from error
        self.batch_tokens = rows // 2 * longest
        self._halved = (self._halved[0] if self._halved else rows, rows // 2)
        self.prefixes.kept.clear()

    def _say_halved(self) -> None:
        if self._halved is not None:
            before, now = self._halved
            say(f"memory was too small for {before} replies at a time: from there on {now} at a time were answered")
            self._halved = None


def _known(request: Request) -> Generation | None:
    """Return a reply that needs no model: a plain one that keeps to the constraint. It takes no place in a batch."""
    row = begin(request) if request.plain is not None else None
    return row.generation() if row is not None and row.done and row.error is None else None

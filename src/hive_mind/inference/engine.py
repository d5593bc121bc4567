"""Batched greedy generation: prompts of like length together, prefill without padding, one cached token a row a step.

What a row answers does not depend on its neighbours: every row attends to itself alone, and rows that have finished
leave the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import torch

from hive_mind.model.attention import Layout
from hive_mind.model.qwen2 import Qwen2

# Taking rows out of the cache copies the rest of it, so it waits until this share of the batch has finished.
DROP_SHARE = 0.125


@dataclass(frozen=True, slots=True)
class Generation:
    """One reply: its tokens without the stop token, and whether it ended by itself within the budget."""

    ids: list[int]
    stopped: bool


class Engine:
    """Generates with one model. `batch_tokens` bounds the key-value cache: rows times their longest possible length."""

    def __init__(self, model: Qwen2, batch_tokens: int = 32_768) -> None:
        self.model = model
        self.batch_tokens = batch_tokens

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        max_new_tokens: int,
        stop_ids: Collection[int],
        forced: Sequence[int] = (),
        on_done: Callable[[int], None] | None = None,
    ) -> list[Generation]:
        """Answer every prompt greedily, in the order asked.

        `forced` is a beginning that every reply is given (part of its ids, outside its budget of `max_new_tokens`,
        which counts the stop token). `on_done` hears how many prompts each finished batch held.
        """
        started = [[*prompt, *forced] for prompt in prompts]
        replies: dict[int, Generation] = {}
        for batch in self._batches(started, max_new_tokens):
            answers = self._batch([started[index] for index in batch], max_new_tokens, frozenset(stop_ids))
            for index, (ids, stopped) in zip(batch, answers, strict=True):
                replies[index] = Generation([*forced, *ids], stopped)
            if on_done is not None:
                on_done(len(batch))
        return [replies[index] for index in range(len(prompts))]

    def _batches(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> Iterator[list[int]]:
        """Yield indices of prompts to answer together, longest first, so that what does not fit fails at once."""
        batch: list[int] = []
        room = 0
        for index in sorted(range(len(prompts)), key=lambda index: -len(prompts[index])):
            if batch and len(batch) == room:
                yield batch
                batch = []
            if not batch:
                room = max(1, self.batch_tokens // (len(prompts[index]) + max_new_tokens))
            batch.append(index)
        if batch:
            yield batch

    @torch.inference_mode()
    def _batch(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, stop_ids: frozenset[int]
    ) -> list[tuple[list[int], bool]]:
        model = self.model
        layout = Layout.from_lengths([len(prompt) for prompt in prompts], model.device)
        cache = model.new_cache(len(prompts), max(layout.lengths) + max_new_tokens - 1)
        flat = torch.tensor([token for prompt in prompts for token in prompt], device=model.device)
        states = model.hidden(flat, layout, cache)[layout.last]

        replies: list[list[int]] = [[] for _ in prompts]
        stopped = [False] * len(prompts)
        rows = list(range(len(prompts)))  # which prompt each row of the cache belongs to
        running = set(rows)
        for made in range(1, max_new_tokens + 1):
            chosen = model.project(states).argmax(-1)
            for prompt, token in zip(rows, chosen.tolist(), strict=True):
                if prompt not in running:
                    continue
                if token in stop_ids:
                    stopped[prompt] = True
                    running.discard(prompt)
                else:
                    replies[prompt].append(token)
            if not running or made == max_new_tokens:
                break
            if len(rows) - len(running) >= max(1, DROP_SHARE * len(rows)):
                alive = [position for position, prompt in enumerate(rows) if prompt in running]
                kept = torch.tensor(alive, device=model.device)
                cache.keep(kept)
                chosen, rows = chosen[kept], [rows[position] for position in alive]
            states = model.step(chosen, cache)
        return list(zip(replies, stopped, strict=True))

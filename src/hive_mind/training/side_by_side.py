"""Micro-batches computed side by side on a CPU, each on its share of the cores.

The products of a small base are too short to fill several cores: on the tiny base two threads gave 9,300 tokens/s, one
gave 7,100, and two micro-batches at once, one thread each, 11,500 (2 cores, AVX512-BF16).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Literal

import torch

from hive_mind.model.qwen2 import Qwen2

LARGEST_HIDDEN_SIZE = 512
"""Bases wider than this fill the cores with one micro-batch, and two would take twice the memory."""


def worker_count(wanted: int | Literal["auto"], model: Qwen2, micro_batches: int) -> int:
    """Return how many of a step's micro-batches to compute at once: 1 on a GPU, else at most one a core."""
    if model.device.type != "cpu" or (wanted == "auto" and model.config.hidden_size > LARGEST_HIDDEN_SIZE):
        return 1
    return max(1, min(torch.get_num_threads(), micro_batches, torch.get_num_threads() if wanted == "auto" else wanted))


@contextmanager
def pool_of(workers: int) -> Iterator[ThreadPoolExecutor | None]:
    """Give a pool of threads that share the cores out among them; None for a single worker."""
    if workers == 1:
        yield None
        return
    cores = torch.get_num_threads()
    with ThreadPoolExecutor(workers, "micro-batch", torch.set_num_threads, (max(1, cores // workers),)) as pool:
        try:
            yield pool
        finally:
            torch.set_num_threads(cores)  # the count is each thread's own, but new threads take over the last one set

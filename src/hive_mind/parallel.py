"""Work on batches on all cores, with results in the order of the batches: what one core gives, only sooner."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from hive_mind.errors import HiveMindError

T = TypeVar("T")
R = TypeVar("R")

ALONE = 4
"""So many batches are done in this process before others are started, which little work is not worth."""
AHEAD = 3
"""Batches a process that are given out before their results are wanted; more would only take memory."""
WATCH_SECONDS = 2.0

_function: Callable[[Any], Any]


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items `size` at a time, the last batch with what is left (itertools has this from Python 3.12 on)."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def in_order(function: Callable[[T], R], batches: Iterable[T], processes: int | None = None) -> Iterator[R]:
    """Yield function(batch) for every batch, in order. What a batch gives must not depend on the batches before it.

    `function` may be any callable: processes are forked and inherit it, with all that the first batches left in its
    caches. It must not use a library with threads of its own (rensa): they do not survive a fork, and it would wait for
    them forever. Batches and results travel as pickles. `processes` is the number of cores where it is None; where
    there is one core or no fork, all is done in this process.

    Raises what `function` raises, and HiveMindError if a process was killed.
    """
    batches = iter(batches)
    processes = cores() if processes is None else processes
    yield from map(function, batches if processes < 2 else islice(batches, ALONE))
    first = next(batches, None)
    if first is not None:
        yield from _on_processes(function, first, batches, processes)


def cores() -> int:
    """Return how many cores this process may use; one where processes cannot be forked safely."""
    can_fork = sys.platform == "linux" and not multiprocessing.current_process().daemon
    return len(os.sched_getaffinity(0)) if can_fork else 1


def _on_processes(function: Callable[[T], R], first: T, others: Iterator[T], processes: int) -> Iterator[R]:
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("fork"), initializer=_start, initargs=(function, os.getpid())
    )
    given: deque[Future[R]] = deque()
    try:
        given.append(pool.submit(_run, first))
        for batch in others:
            given.append(pool.submit(_run, batch))
            if len(given) > AHEAD * processes:
                yield given.popleft().result()
        while given:
            yield given.popleft().result()
    except BrokenProcessPool as error:
        raise HiveMindError(
            "a process that worked on a part of the rows was killed, probably because the memory was full; free some "
            "and run the command again"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(function: Callable[[Any], Any], parent: int) -> None:
    """Prepare a child: it leaves Ctrl-C to its parent, and does not outlive it."""
    global _function
    _function = function
    # Rows make no cycles, and a collection writes to (and so copies) every page that is shared with the parent: without
    # any, tokens take 23 % less of the processor.
    gc.freeze()
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _run(batch: Any) -> Any:
    return _function(batch)

"""A request that was taken in: what the model's thread puts in on one side, a client reads on the other.

The model's thread never waits for a reader: events pile up until they are read, and there are no more of them than a
reply's budget has tokens.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from hive_mind.errors import HiveMindError
from hive_mind.serving.ask import Answer, Ask, Event


class Waiting:
    """A Pending of the serving engine. `cancelled`: nobody waits for the reply any more."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.taken_in = time.monotonic()
        self.cancelled = False
        self.done = False
        self._events: deque[Event | HiveMindError] = deque()
        self._lock = threading.Lock()
        self._wake: Callable[[], object] = lambda: None
        self._read = False

    def put(self, events: Iterable[Event | HiveMindError]) -> None:
        """Hand events over, from the model's thread. An Answer or an error is the last one; what follows is dropped."""
        with self._lock:
            for event in events:
                if not self.done:
                    self._events.append(event)
                    self.done = isinstance(event, Answer | HiveMindError)
            wake = self._wake
        try:
            wake()
        except RuntimeError:  # the reader's event loop is closed
            self.cancelled = True

    def cancel(self) -> None:
        """Give the reply up: its row is freed at the next step, and the Answer says "cancelled"."""
        self.cancelled = True

    def events(self) -> Iterator[Event]:
        """Yield the events as they come, in a thread. Leaving early cancels the request."""
        woken = threading.Event()
        self._begin(woken.set)
        try:
            while True:
                woken.clear()
                yield from self._ready()
                if self._over():
                    return
                woken.wait()
        finally:
            self.cancel()

    async def stream(self) -> AsyncIterator[Event]:
        """Yield the events as they come, in an event loop. Leaving early cancels the request."""
        woken, loop = asyncio.Event(), asyncio.get_running_loop()
        self._begin(lambda: loop.call_soon_threadsafe(woken.set))
        try:
            while True:
                woken.clear()
                for event in self._ready():
                    yield event
                if self._over():
                    return
                await woken.wait()
        finally:
            self.cancel()

    def answer(self) -> Answer:
        """Wait for the whole reply."""
        for event in self.events():
            if isinstance(event, Answer):
                return event
        raise AssertionError("the events of a reply end with its Answer")

    def _begin(self, wake: Callable[[], object]) -> None:
        if self._read:
            raise ValueError("the events of a reply can be read once")
        self._read = True
        with self._lock:
            self._wake = wake

    def _ready(self) -> Iterator[Event]:
        while self._events:
            event = self._events.popleft()
            if isinstance(event, HiveMindError):
                raise event
            yield event

    def _over(self) -> bool:
        with self._lock:
            return self.done and not self._events

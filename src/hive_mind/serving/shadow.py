"""The local model asked what was passed on to another server, off the request's path, to see how it would have done."""

from __future__ import annotations

import asyncio

from hive_mind.errors import HiveMindError
from hive_mind.serving.ask import Answer, Ask, Busy, Pending, Service
from hive_mind.serving.metrics import Metrics
from hive_mind.serving.recording import Asked
from hive_mind.usage.interaction import Recorder


class Shadow:
    """A short queue and one request at a time: what does not fit is left out and counted, and nobody waits for it."""

    def __init__(self, service: Service, metrics: Metrics, recorder: Recorder, most: int) -> None:
        self._service, self._metrics, self._recorder = service, metrics, recorder
        self._waiting: asyncio.Queue[tuple[Ask, Asked]] = asyncio.Queue(most)
        self._working: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._working = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Drop what waits and end; the request that is being answered is cancelled."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    def offer(self, ask: Ask, asked: Asked) -> None:
        """Put a request to the local model when there is time, or leave it out."""
        try:
            self._waiting.put_nowait((ask, asked))
        except asyncio.QueueFull:
            self.count("left_out")

    async def _work(self) -> None:
        while True:
            ask, asked = await self._waiting.get()
            try:
                answer = await _whole(await asyncio.to_thread(self._service.submit, ask))
            except Busy:
                self.count("left_out")
            except HiveMindError:
                self.count("refused")
            else:
                self.count("answered")
                await asyncio.to_thread(self._recorder.record, asked.answered("shadow", answer))

    def count(self, outcome: str) -> None:
        """Count what became of a request."""
        self._metrics.shadows.labels(outcome).inc()


async def _whole(pending: Pending) -> Answer:
    try:
        async for event in pending.stream():
            if isinstance(event, Answer):
                return event
    finally:
        pending.cancel()
    raise HiveMindError("the service ended a reply without an answer")

"""Answers on the wire: server-sent events, and what happens when a client leaves or stops reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hive_mind.conversation import JSON
from hive_mind.errors import HiveMindError

T = TypeVar("T")
DONE = b"data: [DONE]\n\n"


class ClientLeft(Exception):
    """Nobody waits for this answer any more."""


def event(value: JSON) -> bytes:
    """Return one server-sent event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


async def while_connected(receive: Receive, work: Awaitable[T], leave: Callable[[], None] | None = None) -> T:
    """Return what `work` comes to.

    If the client goes away first, `leave` is called, which lets the work come to its end soon; without it the work is
    cancelled. ClientLeft is raised if nothing came of it then.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            (leave or working.cancel)()
            await asyncio.wait({working})
            if working.cancelled() or isinstance(working.exception(), HiveMindError):
                raise ClientLeft
        return await working
    finally:
        # Left over are the watch, or both where this task itself is cancelled; what they end with is no news.
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


class Stream(Response):
    """A response in pieces, each sent as it comes; `after` is awaited when it is through, whatever became of it.

    A client that goes away, or takes nothing for `stall` seconds, is left: nothing more is sent. With `leave`, that is
    called and the pieces are read to the end that it brings about; without it they are closed. Waiting for one client
    holds no other.
    """

    def __init__(
        self, pieces: AsyncGenerator[bytes], stall: float, leave: Callable[[], None] | None = None, status: int = 200,
        headers: dict[str, str] | None = None, media_type: str | None = "text/event-stream",
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self.pieces, self.stall, self.leave, self.after = pieces, stall, leave, after
        self.status_code, self.background, self.media_type = status, None, media_type
        self.init_headers({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"} | (headers or {}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. Raises ClientLeft if it was not read to its end."""
        try:
            async with aclosing(self.pieces):
                await while_connected(receive, self._write(send), self.leave)
        finally:
            if self.after is not None:
                await self.after()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self.pieces:
            try:
                async with asyncio.timeout(self.stall):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    # Pieces that are there already, written to a socket that takes them, wait for nothing: without
                    # this a long answer is sent in one go, and everybody else waits for it.
                    await asyncio.sleep(0)
            except TimeoutError:
                await self._read_on()
                raise ClientLeft from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _read_on(self) -> None:
        if self.leave is not None:
            self.leave()
            async for _ in self.pieces:
                pass


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

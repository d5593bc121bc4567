"""A proxy before any MCP server: messages pass as they are, byte for byte between pipes, and calls are recorded.

Nothing in between answers for either side, so tools, resources, prompts, notifications, progress, cancellation,
sampling and whatever a later revision adds work as without it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from hive_mind.serving.mcp.pipes import Child, End, StandardStreams
from hive_mind.serving.mcp.watch import Watch
from hive_mind.usage.interaction import Recorder


async def relay(client: End, server: End, watch: Watch) -> None:
    """Pass messages both ways until the server has ended; a client that leaves ends it."""
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            await _pass(client, server, watch.from_client)
            await server.finish()

        tasks.start_soon(ask)
        await _pass(server, client, watch.from_server)
        tasks.cancel_scope.cancel()


async def _pass(source: End, target: End, look: Callable[[bytes], None]) -> None:
    async for message in source.messages():
        target.write(message)
        look(message)  # before anything else runs, so that a request is known before its answer
        await target.flush()


@asynccontextmanager
async def started(command: Sequence[str]) -> AsyncIterator[Child]:
    """Start a server and see to its end. Raises UsageError if there is no such command."""
    child = await Child.start(command)
    try:
        yield child
    finally:
        with anyio.CancelScope(shield=True):
            await child.finish()


async def run_before_command(command: Sequence[str], recorder: Recorder) -> int:
    """Stand before a server that is started here, on standard input and output; returns the code it ended with."""
    async with started(command) as child:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, child.signal, number)
        client = await StandardStreams.open()
        await relay(client, child, Watch(recorder))
        await client.finish()
    return await child.code()


async def run_before_url(url: str, headers: dict[str, str], recorder: Recorder) -> None:
    """Stand before a server at an address (streamable HTTP), on standard input and output, until the client leaves."""
    from hive_mind.serving.mcp.remote import connect

    client = await StandardStreams.open()
    async with connect(url, headers) as server:
        await relay(client, server, Watch(recorder))
    await client.finish()

"""Ask MCP servers for their tools, several at once; one that is broken stops no other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from hive_mind.catalogue.clients import Server
from hive_mind.conversation import JSON

if TYPE_CHECKING:
    from mcp.client._transport import Transport

PAGES = 100
"""A server whose list never ends is left after so many pages."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server answered: its own name and version, and its tools as they came; or why it did not."""

    server: Server
    version: str = ""
    tools: tuple[JSON, ...] = ()
    error: str = ""


def list_tools(
    servers: Sequence[Server], timeout: float, at_once: int, done: Callable[[Listing], None] = lambda _: None
) -> list[Listing]:
    """Connect to every server and list its tools, in the order of `servers`; `timeout` in seconds, for each."""
    import anyio

    listings: dict[int, Listing] = {}

    async def ask(place: int, limit: anyio.CapacityLimiter) -> None:
        async with limit:
            listings[place] = await _ask(servers[place], timeout)
        done(listings[place])

    async def ask_all() -> None:
        limit = anyio.CapacityLimiter(at_once)
        async with anyio.create_task_group() as group:
            for place in range(len(servers)):
                group.start_soon(ask, place, limit)

    anyio.run(ask_all)
    return [listings[place] for place in range(len(servers))]


async def _ask(server: Server, timeout: float) -> Listing:
    import anyio

    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            with anyio.fail_after(timeout):
                return await _list(server, timeout, log)
        except TimeoutError:
            return Listing(server, error=_said(f"it did not answer within {timeout:g} s", log, server))
        except Exception as error:  # whatever a foreign server makes the SDK raise is that server's failure alone
            return Listing(server, error=_said(_words(error), log, server))


async def _list(server: Server, timeout: float, log: IO[str]) -> Listing:
    from mcp import Client

    async with Client(_transport(server, log), read_timeout_seconds=timeout) as client:
        tools: list[JSON] = []
        cursor: str | None = None
        for _ in range(PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
        info = client.server_info
        return Listing(server, info.version if info else "", tuple(tools))


def _transport(server: Server, log: IO[str]) -> Transport:
    if server.transport == "sse":
        from mcp.client.sse import sse_client

        return sse_client(server.url, headers=dict(server.headers))
    if server.transport == "http":
        return _http(server)
    from mcp.client.stdio import StdioServerParameters, stdio_client

    command, *arguments = server.command
    parameters = StdioServerParameters(command=command, args=arguments, env=dict(server.env), cwd=server.cwd)
    return stdio_client(parameters, errlog=log)  # type: ignore[arg-type]


def _http(server: Server) -> AbstractAsyncContextManager[Any]:
    from contextlib import asynccontextmanager

    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    @asynccontextmanager
    async def connected() -> Any:
        async with (
            create_mcp_http_client(headers=dict(server.headers)) as http,
            streamable_http_client(server.url, http_client=http) as streams,
        ):
            yield streams

    return connected()


def _said(problem: str, log: IO[str], server: Server) -> str:
    """Add the last line that the server wrote to its log, which often says what it lacks."""
    log.seek(0)
    lines = [line.strip() for line in log.read()[-4000:].splitlines() if line.strip()]
    text = f"{problem}; its last words: {lines[-1][:200]}" if lines else problem
    for secret in server.secrets:
        text = text.replace(secret, "<SECRET>")
    return text


def _words(error: BaseException) -> str:
    """Return what went wrong at the bottom of a group of errors, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}"[:300] if first else type(error).__name__

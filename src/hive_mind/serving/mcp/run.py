"""The MCP server and the proxy as processes: what they stand on is put together here, and taken down again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, closing

from hive_mind.conversation import JSON, Tool
from hive_mind.errors import UsageError
from hive_mind.serving.mcp.pipes import End
from hive_mind.serving.mcp.settings import McpSettings
from hive_mind.usage.recorder import JournalRecorder, open_recorder

MOST_TOOLS = 20
"""Tools that the statistics name."""


def run_server(settings: McpSettings, http: bool) -> None:
    """Serve until the client leaves (standard input and output) or a signal ends it (HTTP)."""
    from hive_mind.serving.mcp.backend import Backend
    from hive_mind.serving.mcp.server import create_server
    from hive_mind.serving.service import start

    with closing(open_recorder(settings.usage)) as recorder:
        here = Backend(
            models_dir=settings.models_dir,
            data_dir=settings.data_dir,
            start=lambda: start(settings.models_dir, settings.engine),
            recorder=recorder,
            known_tools=lambda: _known_tools(settings),
            stats=lambda: _stats(settings),
        )
        server = create_server(here)
        try:
            if http:
                from hive_mind.serving.mcp.door import serve, transport_security

                security = transport_security(settings.http)
                app = server.streamable_http_app(host=settings.http.host, transport_security=security)
                asyncio.run(serve(app, settings.http))
            else:
                server.run("stdio")
        finally:
            here.close()


def run_proxy(server: Sequence[str], headers: dict[str, str], settings: McpSettings, http: bool) -> int:
    """Stand before a server, given as a command or one address; returns the code to end with."""
    remote = len(server) == 1 and server[0].startswith(("http://", "https://"))
    if headers and not remote:
        raise UsageError("--header-env is for a server at an address; a command gets this one's whole environment")
    with closing(open_recorder(settings.usage)) as recorder:
        if http:
            asyncio.run(_front(server, headers, remote, recorder, settings))
            return 0
        from hive_mind.serving.mcp.proxy import run_before_command, run_before_url

        if remote:
            asyncio.run(run_before_url(server[0], headers, recorder))
            return 0
        return asyncio.run(run_before_command(server, recorder))


async def _front(
    server: Sequence[str], headers: dict[str, str], remote: bool, recorder: JournalRecorder, settings: McpSettings
) -> None:
    from hive_mind.serving.mcp.door import serve, transport_security
    from hive_mind.serving.mcp.front import create_front
    from hive_mind.serving.mcp.proxy import started
    from hive_mind.serving.mcp.remote import connect

    def open_server() -> AbstractAsyncContextManager[End]:
        return connect(server[0], headers) if remote else started(server)

    await serve(create_front(open_server, recorder, transport_security(settings.http)), settings.http)


def _known_tools(settings: McpSettings) -> Sequence[Tool]:
    from hive_mind.catalogue.file import read_catalogue, tools_of

    return tools_of(read_catalogue(settings.catalogue.file))


def _stats(settings: McpSettings) -> JSON:
    """Count the store's interactions as `usage_stats` shows them."""
    from hive_mind.usage.moving import catch_up
    from hive_mind.usage.store import opened

    catch_up(settings.usage)
    with opened(settings.usage) as store:
        counted = store.stats()
    kept = {name: counted[name] for name in ("interactions", "by_state", "by_source", "by_outcome")}
    return {**kept, "by_tool": dict(list(counted["calls_by_tool"].items())[:MOST_TOOLS])}

"""The MCP server and the proxy as processes: what they stand on is put together here, and taken down again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hive_mind.conversation import JSON
from hive_mind.serving.mcp.backend import Backend
from hive_mind.serving.mcp.door import serve, transport_security
from hive_mind.serving.mcp.server import create_server
from hive_mind.serving.mcp.settings import McpSettings
from hive_mind.usage.recorder import open_recorder


def run_server(settings: McpSettings, http: bool) -> None:
    """Serve until the client leaves (standard input and output) or a signal ends it (HTTP)."""
    here = make_backend(settings)
    server = create_server(here)
    try:
        if http:
            app = server.streamable_http_app(host=settings.http.host, transport_security=transport_security(settings.http))
            asyncio.run(serve(app, settings.http))
        else:
            server.run("stdio")
    finally:
        here.close()

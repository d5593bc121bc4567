"""An MCP server over a service that answers as it is told, asked by the official client in both protocol eras."""

from contextlib import asynccontextmanager

import anyio
import pytest
from mcp import Client

from hive_mind.conversation import Tool
from hive_mind.serving.mcp.backend import Backend
from hive_mind.serving.mcp.server import create_server
from tests.serving.mcp.fakes import FakeRecorder, FakeService

WEATHER = Tool(
    "get_weather",
    "Tell the weather of a place.",
    {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)
STATS = {"interactions": 2, "by_state": {"new": 2}, "by_source": {"mcp_server": 2}, "by_outcome": {"unknown": 2},
         "by_tool": {"bash": 1}}  # fmt: skip


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def recorder():
    return FakeRecorder()


@pytest.fixture
def here(tmp_path, service, recorder):
    return Backend(tmp_path / "models", lambda: service, recorder, lambda: (WEATHER,), lambda: STATS, tmp_path / "data")


@pytest.fixture(params=["auto", "legacy"])
def mode(request):
    """The era of 2026-07-28 without sessions, and the handshake before it."""
    return request.param


@pytest.fixture
def ask(here, mode):
    """Call `await ask(client, ...)`-style coroutines with a connected client, from a plain test."""

    def run(use, **options):
        async def connected():
            async with Client(create_server(here), mode=mode, **options) as client:
                return await use(client)

        return anyio.run(connected)

    return run


@asynccontextmanager
async def connected(server, **options):
    async with Client(server, **options) as client:
        yield client

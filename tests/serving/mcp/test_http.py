"""MCP over HTTP: the proxy on either side of it, and who may come in."""

import anyio
import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.serving.mcp.door import Door, serve, transport_security
from hive_mind.serving.mcp.front import create_front
from hive_mind.serving.mcp.proxy import started
from hive_mind.serving.mcp.server import create_server
from hive_mind.serving.mcp.settings import HttpSettings
from hive_mind.serving.tokens import Tokens
from tests.serving.mcp import some_server
from tests.serving.mcp.fakes import FakeRecorder
from tests.serving.mcp.over_http import listening
from tests.serving.mcp.test_proxy import (
    CLIENT,
    SERVER,
    answer_name,
    begin_and_give_up,
    everything,
    proxy_command,
    recorded,
    transport,
    use,
)

INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}},
}  # fmt: skip
ACCEPT = {"Accept": "application/json, text/event-stream"}


def test_a_server_at_an_address_behind_the_proxy_is_the_same(tmp_path, mode):
    with listening(some_server.server.streamable_http_app()) as url:
        direct = use(f"{url}/mcp", everything, mode)
        proxied = use(transport(proxy_command(tmp_path, f"{url}/mcp")), everything, mode)
    assert proxied == direct
    assert {kept.answer.tool_calls[0].name for kept in recorded(tmp_path)} == {"echo", "add", "fail", "greet", "count"}


def test_the_proxy_over_http_gives_every_session_a_server_of_its_own():
    """The second client tries the newer era first, is told of the older one, and falls back."""
    recorder = FakeRecorder()

    async def two(client):
        async with Client(url, mode="auto", elicitation_callback=answer_name, client_info=CLIENT) as other:
            await other.call_tool("grow", {})
            grown = len((await other.list_tools()).tools)
        await begin_and_give_up(client)
        return await everything(client), len((await client.list_tools()).tools), grown

    direct = use(transport(SERVER), everything, "legacy")
    with listening(create_front(lambda: started(SERVER), recorder, None)) as address:
        url = f"{address}/mcp"
        proxied, tools, grown = use(url, two, "legacy")
    assert proxied == direct and grown == tools + 1
    assert len({kept.session for kept in recorder.interactions}) == 2
    assert "cancelled by the client" in {kept.error for kept in recorder.interactions}


def test_a_server_that_cannot_be_started_is_said_over_http():
    with listening(create_front(lambda: started(["no-such-server"]), FakeRecorder(), None)) as url:
        reply = httpx.post(f"{url}/mcp", json=INITIALIZE, headers=ACCEPT)
        assert reply.status_code == 502 and "'no-such-server' could not be started" in reply.json()["error"]["message"]
        assert httpx.post(f"{url}/mcp", json=INITIALIZE, headers={**ACCEPT, "mcp-session-id": "x"}).status_code == 404
        assert httpx.get(f"{url}/mcp", headers=ACCEPT).status_code == 400
        modern = httpx.post(f"{url}/mcp", json=INITIALIZE, headers={**ACCEPT, "mcp-protocol-version": "2026-07-28"})
        assert modern.status_code == 400 and "2025-11-25" in modern.json()["error"]["data"]["supported"]


@pytest.fixture
def door(here, tmp_path):
    """Return the server's application behind a door, as `hive-mind mcp --http` builds it."""

    def build(**settings):
        http = HttpSettings(tokens_file=tmp_path / "tokens.json", **settings)
        server = create_server(here)
        app = server.streamable_http_app(host=http.host, transport_security=transport_security(http))
        return Door(app, http)

    return build


def test_the_server_answers_over_http_in_both_eras_and_names_the_session(door, mode, recorder):
    async def work(client):
        return await client.call_tool("generate", {"prompt": "Hi"})

    with listening(door()) as url:
        assert use(f"{url}/mcp", work, mode).structured_content["text"] == "You said: Hi"
    assert recorder.interactions[0].client == "test-client 7" and recorder.interactions[0].session


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200), ({"Host": "evil.example"}, 421), ({"Host": "evil.example:80"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
    ],
)  # fmt: skip
def test_a_page_that_makes_a_browser_call_is_turned_away(door, headers, status):
    with listening(door()) as url:
        assert httpx.post(f"{url}/mcp", json=INITIALIZE, headers={**ACCEPT, **headers}).status_code == status


def test_where_others_can_call_a_token_is_needed_and_names_the_person(door, tmp_path, recorder):
    token = Tokens(tmp_path / "tokens.json").add("ann")

    async def work(client):
        return await client.call_tool("generate", {"prompt": "Hi"})

    with listening(door(host="0.0.0.0")) as url:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": token}):
            reply = httpx.post(f"{url}/mcp", json=INITIALIZE, headers={**ACCEPT, **headers})
            assert reply.status_code == 401 and reply.headers["www-authenticate"] == "Bearer"

        async def connected():
            async with (
                create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as http,
                Client(streamable_http_client(f"{url}/mcp", http_client=http), client_info=CLIENT) as client,
            ):
                return await work(client)

        assert not anyio.run(connected).is_error
    assert recorder.interactions[0].client == "ann, test-client 7"


def test_without_a_token_no_address_that_others_reach_is_listened_on(door, tmp_path):
    with pytest.raises(UsageError, match="hive-mind serve token add"):
        anyio.run(serve, door(), HttpSettings(host="0.0.0.0", tokens_file=tmp_path / "tokens.json"))


def test_a_port_that_is_taken_is_said(door, tmp_path):
    with listening(door()) as url, pytest.raises(HiveMindError, match="choose another with --port"):
        anyio.run(serve, door(), HttpSettings(port=int(url.rpartition(":")[2]), tokens_file=tmp_path / "tokens.json"))

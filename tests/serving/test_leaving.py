"""Clients that go away or stop reading, and a server that is stopped: nobody else notices, nothing is dropped."""

import asyncio
import json
import socket
import threading
import time
from dataclasses import replace

import httpx
import pytest

from hive_mind.errors import HiveMindError
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.app import create_app
from hive_mind.serving.openai_stream import ClientLeft, Stream, while_connected
from tests.serving.scripted import HELLO, Keeper, ScriptedService, running, serving, until

ASK = {"model": "latest", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"
LONG = replace(HELLO, text="word " * 400)


def send(url, body, receive_buffer=None):
    """Send a request over a plain socket and return that."""
    address = httpx.URL(url)
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect((address.host, address.port))
    content = json.dumps(body).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    connection.sendall(f"{head}\r\n\r\n".encode() + content)
    return connection


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_leaves_frees_the_model(tmp_path, streamed):
    with serving(tmp_path, ScriptedService(lambda ask: LONG, pause=0.02)) as (url, service, keeper):
        connection = send(url, ASK | {"stream": streamed})
        until(lambda: service.pendings)
        if streamed:
            connection.recv(2000)
        connection.close()
        until(lambda: service.pendings[0].left.is_set())
        until(lambda: keeper.interactions)
        [kept] = keeper.interactions
        assert (kept.outcome, "left before" in kept.error) == ("failed", True)


def test_a_client_that_stops_reading_holds_nobody_and_is_cut_off(tmp_path):
    enormous = replace(HELLO, text=" ".join(["x" * 40_000] * 400))
    answers = {"slow": enormous, "quick": HELLO}
    service = ScriptedService(lambda ask: answers[ask.model])
    with serving(tmp_path, service, stall_seconds=1.0) as (url, service, keeper):
        slow = [send(url, ASK | {"stream": True, "model": "slow"}, receive_buffer=4096) for _ in range(3)]
        until(lambda: len(service.pendings) == 3)
        begun = time.monotonic()
        for _ in range(10):
            assert httpx.post(url + CHAT, json=ASK | {"model": "quick"}, trust_env=False, timeout=30).status_code == 200
        taken = time.monotonic() - begun
        until(lambda: all(pending.left.is_set() for pending in service.pendings[:3]))
        assert taken < 10
        until(lambda: len(keeper.interactions) == 13)
        for connection in slow:
            connection.close()


def test_a_stream_comes_piece_by_piece(tmp_path):
    """The first words are there long before the last ones are written."""
    with (
        serving(tmp_path, ScriptedService(lambda ask: replace(HELLO, text="a b c d e f g h"), pause=0.3)) as (
            url,
            _,
            _,
        ),
        httpx.stream("POST", url + CHAT, json=ASK | {"stream": True}, trust_env=False, timeout=30) as response,
    ):
        times = [time.monotonic() for line in response.iter_lines() if line.startswith("data:")]
    assert len(times) == 11
    assert times[-1] - times[0] > 0.3


def test_answers_in_flight_are_finished_when_the_server_is_stopped(tmp_path):
    service = ScriptedService(lambda ask: replace(HELLO, text="a b c d e f g h"), pause=0.1)
    settings = ApiSettings(rate_limit=0, shutdown_seconds=10, tokens_file=tmp_path / "tokens.json")
    keeper, got = Keeper(), []

    def ask(url, streamed):
        response = httpx.post(url + CHAT, json=ASK | {"stream": streamed}, timeout=20, trust_env=False)
        got.append(response.text)

    with running(create_app(service, keeper, settings, tmp_path / "models"), settings) as url:
        threads = [threading.Thread(target=ask, args=(url, place % 2 == 0)) for place in range(6)]
        for thread in threads:
            thread.start()
        until(lambda: len(service.pendings) == 6)
    for thread in threads:
        thread.join(10)
    assert len(got) == 6
    assert all(("data: [DONE]" in text) or json.loads(text)["choices"][0]["finish_reason"] == "stop" for text in got)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "/health", trust_env=False, timeout=30)


def test_what_takes_longer_than_the_bound_is_given_up(tmp_path):
    service = ScriptedService(lambda ask: LONG, pause=0.1)
    settings = ApiSettings(rate_limit=0, shutdown_seconds=1, tokens_file=tmp_path / "tokens.json")
    with running(create_app(service, Keeper(), settings, tmp_path / "models"), settings) as url:
        connection = send(url, ASK | {"stream": True})
        until(lambda: service.pendings)
        begun = time.monotonic()
    assert time.monotonic() - begun < 8
    connection.close()


def test_fifty_clients_at_once_each_get_their_own_answer(tmp_path):
    service = ScriptedService(lambda ask: replace(HELLO, text=f"re: {ask.messages[-1].content}"), pause=0.01)

    async def everyone(url):
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False) as client:
            bodies = [ASK | {"messages": [{"role": "user", "content": f"number {place}"}]} for place in range(50)]
            return await asyncio.gather(*(client.post(CHAT, json=body) for body in bodies))

    with serving(tmp_path, service) as (url, _, keeper):
        texts = [r.json()["choices"][0]["message"]["content"] for r in asyncio.run(everyone(url))]
    assert texts == [f"re: number {place}" for place in range(50)]
    assert len({interaction.request_id for interaction in keeper.interactions}) == 50


def test_a_long_answer_lets_others_have_their_turns():
    """Pieces that are all there already, to a client that takes them at once: nothing of it waits for anything."""
    turns = []

    async def pieces():
        for _ in range(100):
            yield b"x"

    async def send(message):
        turns.append("stream")

    async def receive():
        await asyncio.Event().wait()

    async def other():
        while len(turns) < 80:
            turns.append("other")
            await asyncio.sleep(0)

    async def both():
        await asyncio.gather(Stream(pieces(), 5.0)({}, receive, send), other())

    asyncio.run(both())
    assert turns.count("stream") == 102
    assert turns[:80].count("other") > 20


def test_a_failure_that_follows_from_leaving_is_none_of_the_servers():
    left = asyncio.Event()

    async def work():
        await left.wait()
        raise HiveMindError("the request was cancelled before its turn came")

    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(ClientLeft):
        asyncio.run(while_connected(receive, work(), left.set))


def test_a_client_that_left_ends_the_work_without_anybody_to_tell():
    ended = []

    async def pieces():
        try:
            while True:
                yield b"x"
                await asyncio.sleep(10)
        finally:
            ended.append("pieces")

    async def after():
        ended.append("after")

    async def send(message):
        pass

    async def receive():
        await asyncio.sleep(0.02)
        return {"type": "http.disconnect"}

    with pytest.raises(ClientLeft):
        asyncio.run(Stream(pieces(), 5.0, after=after)({}, receive, send))
    assert ended == ["pieces", "after"]

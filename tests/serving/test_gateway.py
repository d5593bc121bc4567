"""Requests passed on to another OpenAI-shaped server on the loopback address: bytes, errors, records, the shadow."""

import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.conversation import MalformedConversation, ToolCall
from hive_mind.errors import UsageError
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.app import create_app
from hive_mind.serving.upstream_answer import UpstreamAnswer
from tests.serving.scripted import HELLO, Keeper, ScriptedService, calling, serving, until

CHAT = "/v1/chat/completions"
ASK = {"model": "big-one", "messages": [{"role": "user", "content": "Weather in Bern?"}], "top_k": 40}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}

STREAM = b"""\
: comment

data: {"id":"up-2","model":"big-one-0711","choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}

data: {"id":"up-2","model":"big-one-0711","choices":[{"index":0,"delta":{"content":"Gr\xc3\xbc"}}]}\r
\r
data: {"id":"up-2","choices":[{"index":0,"delta":{"content":"ezi","tool_calls":[{"index":0,\
"id":"call_9","type":"function","function":{"name":"get_weather","arguments":""}}]}}]}

data: {"id":"up-2","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"ci"}}]}}]}

data: {"id":"up-2","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"ty\\":1}"}}]}}]}

data: {"id":"up-2","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"id":"up-2","choices":[],"usage":{"total_tokens":7}}

data: [DONE]

"""
WHOLE = json.dumps({
    "id": "up-1", "object": "chat.completion", "model": "big-one-0711", "odd": [1.0, "é"],
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Rain."}}],
}, indent=1).encode()  # fmt: skip


class Upstream:
    """A small server that answers as it is told and keeps what it was sent."""

    def __init__(self):
        self.status, self.headers, self.pause, self.cut = 200, {}, 0.0, None
        self.got = []
        self.broken_pipe = threading.Event()


@pytest.fixture
def upstream():
    kept = Upstream()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.path, dict(self.headers), body))
            streamed = json.loads(body).get("stream")
            self.send_response(kept.status)
            self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            content = STREAM if streamed else WHOLE
            try:
                for start in range(0, len(content), 61):
                    if kept.cut is not None and start > kept.cut:
                        self.close_connection = True
                        return
                    piece = content[start : start + 61]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    time.sleep(kept.pause)
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                kept.broken_pipe.set()

        def do_GET(self):
            content = json.dumps({"object": "list", "data": [{"id": "big-one", "object": "model"}]}).encode()
            self.send_response(200 if self.path == "/v1/models" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield kept
    server.shutdown()
    server.server_close()


@contextmanager
def passing(tmp_path, upstream, service=None, **settings):
    """Serve the gateway; yields a client and the keeper."""
    with (
        serving(tmp_path, service, upstream=upstream.url, **settings) as (url, service, keeper),
        httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
    ):
        yield client, service, keeper


def test_a_request_and_its_answer_go_through_unchanged(tmp_path, upstream):
    upstream.headers = {"x-ratelimit-remaining-requests": "9", "Set-Cookie": "a=b"}
    body = json.dumps(ASK, indent=3).encode()
    with passing(tmp_path, upstream) as (client, service, keeper):
        response = client.post(CHAT, content=body, headers={"Content-Type": "application/json", "User-Agent": "chat/2"})
        until(lambda: keeper.interactions)
    assert response.content == WHOLE
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-ratelimit-remaining-requests"] == "9"
    assert "set-cookie" not in response.headers
    [(path, headers, sent)] = upstream.got
    assert (path, sent) == (CHAT, body)
    assert "Authorization" not in headers
    [kept] = keeper.interactions
    assert (kept.source, kept.version, kept.client) == ("gateway", "upstream:big-one-0711", "chat/2")
    assert (kept.answer.content, kept.messages[0].content) == ("Rain.", "Weather in Bern?")
    assert (kept.outcome, kept.error, kept.latency_ms > 0) == ("unknown", "", True)
    assert service.asked == []


def test_a_stream_goes_through_unchanged_and_is_put_together(tmp_path, upstream):
    with passing(tmp_path, upstream) as (client, _, keeper):
        response = client.post(CHAT, json=ASK | {"stream": True, "tools": [TOOL]})
        until(lambda: keeper.interactions)
        feedback = client.post("/v1/feedback", json={"id": "up-2", "thumb": "up"})
        client.post(CHAT, json=ASK | {"messages": [
            *ASK["messages"],
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_9", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": 1}'}}]},
            {"role": "tool", "tool_call_id": "call_9", "content": "Error: no such city"},
        ]})  # fmt: skip
    assert response.content == STREAM
    assert response.headers["content-type"] == "text/event-stream"
    first = keeper.interactions[0]
    assert first.answer.content == "Grüezi"
    assert first.answer.tool_calls == (ToolCall("call_9", "get_weather", {"city": 1}),)
    assert [tool.name for tool in first.tools] == ["get_weather"]
    assert keeper.results == [("call_9", "Error: no such city", "failed")]
    assert first.session == keeper.interactions[1].session
    assert feedback.json()["interaction"] == "interaction-1" == keeper.thumbs[0][0]


def test_errors_are_passed_back(tmp_path, upstream):
    upstream.status, upstream.headers = 429, {"Retry-After": "7"}
    with passing(tmp_path, upstream) as (client, _, keeper):
        response = client.post(CHAT, json=ASK)
    assert (response.status_code, response.content, response.headers["retry-after"]) == (429, WHOLE, "7")
    assert keeper.interactions == []


def test_a_server_that_is_away_is_said_to_be(tmp_path, upstream):
    upstream.url = "http://127.0.0.1:9/v1"
    with passing(tmp_path, upstream) as (client, _, _):
        response = client.post(CHAT, json=ASK)
        assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_unreachable")
        assert [row["id"] for row in client.get("/v1/models").json()["data"]] == ["base"]


def test_a_server_that_says_nothing_is_given_up(tmp_path, upstream):
    upstream.pause = 10.0
    with passing(tmp_path, upstream, upstream_seconds=4.0) as (client, _, keeper):
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(CHAT, json=ASK)
        until(lambda: client.get("/metrics").text.count("hive_mind_unrecorded_requests_total 1.0"))
    assert keeper.interactions == []


def test_ours_is_answered_here_and_the_rest_there(tmp_path, upstream):
    with passing(tmp_path, upstream) as (client, service, _):
        for model in ("latest", "base", "candidate"):
            assert client.post(CHAT, json=ASK | {"model": model}).json()["model"] == "mine_v1"
        assert client.post(CHAT, json=ASK).content == WHOLE
        assert [row["id"] for row in client.get("/v1/models").json()["data"]] == ["base", "big-one"]
    assert [ask.model for ask in service.asked] == ["latest", "base", "candidate"]
    assert len(upstream.got) == 1


def test_everything_can_go_to_one_model(tmp_path, upstream):
    with passing(tmp_path, upstream, upstream_model="only") as (client, service, _):
        assert client.post(CHAT, json=ASK | {"model": "latest"}).content == WHOLE
        assert client.post("/v1/completions", json={"prompt": "Once"}).content == WHOLE
    assert [json.loads(body)["model"] for _, _, body in upstream.got] == ["only", "only"]
    assert json.loads(upstream.got[0][2]) == ASK | {"model": "only"}
    assert service.asked == []


def test_the_key_comes_from_the_environment_and_a_clients_own_stays_here(tmp_path, upstream, monkeypatch):
    monkeypatch.setenv("BIG_KEY", "k-" + "1" * 8)
    with passing(tmp_path, upstream, upstream_key_env="BIG_KEY") as (client, _, _):
        client.post(CHAT, json=ASK, headers={"Authorization": "Bearer hm-mine"})
    assert upstream.got[0][1]["Authorization"] == "Bearer k-11111111"
    monkeypatch.delenv("BIG_KEY")
    with pytest.raises(UsageError, match="BIG_KEY holds no key"):
        create_app(
            ScriptedService(), Keeper(), ApiSettings(upstream=upstream.url, upstream_key_env="BIG_KEY"), tmp_path
        )


def test_what_is_not_read_here_still_goes_through(tmp_path, upstream):
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]}]
    with passing(tmp_path, upstream) as (client, _, keeper):
        assert client.post(CHAT, json=ASK | {"messages": picture, "n": 2}).content == WHOLE
        assert "hive_mind_unrecorded_requests_total 1.0" in client.get("/metrics").text
    assert keeper.interactions == []


def test_a_client_that_leaves_ends_the_request_upstream(tmp_path, upstream):
    upstream.pause = 0.2
    with passing(tmp_path, upstream) as (client, _, _):
        with client.stream("POST", CHAT, json=ASK | {"stream": True}) as response:
            next(response.iter_raw())
        assert upstream.broken_pipe.wait(10)


def test_a_stream_that_breaks_off_upstream_breaks_off_here(tmp_path, upstream):
    upstream.cut = 300
    with passing(tmp_path, upstream) as (client, _, keeper), pytest.raises(httpx.RemoteProtocolError):
        client.post(CHAT, json=ASK | {"stream": True})
    assert all(kept.error for kept in keeper.interactions)


def test_the_shadow_answers_too_and_is_linked(tmp_path, upstream):
    service = ScriptedService(lambda ask: calling())
    with passing(tmp_path, upstream, service, shadow=True) as (client, service, keeper):
        response = client.post(CHAT, json=ASK | {"tools": [TOOL]}, headers={"X-Request-Id": "mine-7"})
        until(lambda: len(keeper.interactions) == 2)
        assert 'hive_mind_shadow_requests_total{outcome="answered"} 1.0' in client.get("/metrics").text
    assert response.content == WHOLE
    big, small = keeper.interactions
    assert (big.source, small.source) == ("gateway", "shadow")
    assert big.request_id == small.request_id == "mine-7"
    assert (big.messages, big.session) == (small.messages, small.session)
    assert (small.version, small.answer.tool_calls[0].name) == ("mine_v1", "get_weather")
    assert service.asked[0].model == "latest"


def test_the_shadow_never_holds_a_request_up(tmp_path, upstream):
    service = ScriptedService(lambda ask: replace(HELLO, text="a b c d"), pause=0.3)
    with passing(tmp_path, upstream, service, shadow=True, shadow_queue=1) as (client, _, keeper):
        begun = time.monotonic()
        for _ in range(6):
            assert client.post(CHAT, json=ASK).content == WHOLE
        assert time.monotonic() - begun < 1.2 * 6
        text = client.get("/metrics").text
    left_out = float(text.split('hive_mind_shadow_requests_total{outcome="left_out"} ')[1].split()[0])
    assert left_out >= 1
    assert sum(kept.source == "gateway" for kept in keeper.interactions) == 6


def test_what_the_shadow_cannot_take_is_counted(tmp_path, upstream):
    with passing(tmp_path, upstream, shadow=True) as (client, service, keeper):
        client.post(CHAT, json=ASK | {"n": 2})
        until(lambda: 'outcome="refused"} 1.0' in client.get("/metrics").text)
    assert (service.asked, len(keeper.interactions)) == ([], 1)


def test_our_own_server_behind_our_own_gateway(tmp_path):
    """The `openai` client through the gateway to another server of ours: streamed calls arrive as they were made."""
    service = ScriptedService(lambda ask: calling(arguments={"city": "Zürich"}))
    with serving(tmp_path / "a", service) as (url, _, _):
        kept = Upstream()
        kept.url = f"{url}/v1"
        with serving(tmp_path / "b", upstream=kept.url, upstream_model="latest") as (outer, _, keeper):
            client = openai.OpenAI(base_url=f"{outer}/v1", api_key="x", max_retries=0)
            with client.chat.completions.stream(model="any", messages=ASK["messages"], tools=[TOOL]) as stream:
                made = stream.get_final_completion()
            until(lambda: keeper.interactions)
    assert json.loads(made.choices[0].message.tool_calls[0].function.arguments) == {"city": "Zürich"}
    assert keeper.interactions[0].answer.tool_calls == (ToolCall("call_abc", "get_weather", {"city": "Zürich"}),)
    assert keeper.interactions[0].version == "upstream:mine_v1"


@pytest.mark.parametrize("setting", [{"shadow": True}, {"upstream_model": "x"}, {"upstream_key_env": "X"}])
def test_settings_of_the_gateway_need_one(tmp_path, setting):
    with pytest.raises(UsageError, match="--upstream URL"):
        create_app(ScriptedService(), Keeper(), ApiSettings(**setting), tmp_path)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_a_stream_reads_the_same_however_it_is_cut(sizes):
    answer, start = UpstreamAnswer(True), 0
    for size in sizes:
        answer.feed(STREAM[start : start + size])
        start += size
    answer.feed(STREAM[start:])
    assert answer.read().message.content == "Grüezi"


@given(st.binary(max_size=300), st.booleans())
def test_any_answer_is_read_or_refused(content, streamed):
    answer = UpstreamAnswer(streamed)
    answer.feed(b"data: " * streamed + content)
    with pytest.raises(MalformedConversation):
        answer.read()


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["choices", "message", "delta", "content", "tool_calls", "function", "index", "name", "id"]),
        inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_any_json_is_read_or_refused(value):
    answer = UpstreamAnswer(False)
    answer.feed(json.dumps(value).encode())
    with suppress(MalformedConversation):
        assert answer.read().message.role == "assistant"

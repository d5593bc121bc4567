"""What no request gets past: names, pages, tokens, rates, sizes; over real sockets, answered in OpenAI's shape."""

import json
import logging
import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.serving.openai_errors import ApiError
from hive_mind.serving.request_body import read_object
from hive_mind.serving.tokens import Tokens
from tests.serving.scripted import serving, until

ASK = {"model": "latest", "messages": [{"role": "user", "content": "a secret word"}]}
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with small limits, and a client."""
    with (
        serving(tmp_path_factory.mktemp("api"), max_body_bytes=20_000) as (url, service, keeper),
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        yield client, service, keeper


def fault(response, status, code):
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert response.headers["x-request-id"]
    return error


def test_a_name_that_was_bent_to_this_machine_is_refused(served):
    client, _, _ = served
    for path in ("/health", "/metrics", "/openapi.json", "/v1/models", CHAT):
        fault(client.get(path, headers={"Host": "evil.example"}), 403, "unknown_host")
    assert client.get("/health", headers={"Host": "localhost:1"}).status_code == 200


def test_a_web_page_is_refused_and_cors_is_off(served):
    client, _, _ = served
    response = client.post(CHAT, json=ASK, headers={"Origin": "https://evil.example"})
    fault(response, 403, "unknown_origin")
    before = client.options(CHAT, headers={"Origin": str(client.base_url), "Access-Control-Request-Method": "POST"})
    assert before.status_code == 405
    own = client.post(CHAT, json=ASK, headers={"Origin": str(client.base_url).rstrip("/")})
    assert own.status_code == 200
    for answer in (response, before, own):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_body_that_is_too_long_is_refused(served):
    client, service, _ = served
    service.asked.clear()
    long = json.dumps(ASK | {"user": "x" * 30_000}).encode()
    for content in (long, iter([long[:10_000], long[10_000:]])):
        response = client.post(CHAT, content=content, headers={"Content-Type": "application/json"})
        assert "20,000 bytes" in fault(response, 413, "body_too_long")["message"]
    enormous = client.post(CHAT, content=b"[" * 30_000_000, headers={"Content-Type": "application/json"})
    fault(enormous, 413, "body_too_long")
    assert service.asked == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"), (b"{", "invalid_json"), (b"[]", "invalid_json"), (b"null", "invalid_json"),
        (b"\xff\xfe", "invalid_json"), (b'{"model": "\xc3\x28"}', "invalid_json"),
        (b'{"a": "\\ud800"}', "invalid_json"),
        (b'{"temperature": NaN}', "invalid_json"), (b"[" * 19_000, "invalid_json"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "invalid_json"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested_too_deeply"), (b'{"model": "x"}', "invalid_value"),
        (b'{"messages": "\\u0000"}', "invalid_value"), (b"\x00", "invalid_json"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/feedback"])
def test_a_body_that_cannot_be_read_is_refused(served, path, body, code):
    client, _, _ = served
    fault(client.post(path, content=body, headers={"Content-Type": "application/json"}), 400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_is_not_json_is_refused(served, kind):
    client, _, _ = served
    fault(client.post(CHAT, content=json.dumps(ASK), headers={"Content-Type": kind}), 415, "unsupported_media_type")


def test_paths_and_methods_that_there_are_not(served):
    client, _, _ = served
    fault(client.get("/v1/nothing"), 404, "not_found")
    response = client.get(CHAT)
    fault(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


def test_a_request_that_does_not_come_is_given_up(tmp_path):
    with serving(tmp_path, body_seconds=1.0) as (url, _, _):
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port)) as connection:
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            connection.settimeout(30)
            assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_request_ids_come_back(served):
    client, _, keeper = served
    response = client.post(CHAT, json=ASK, headers={"X-Request-Id": "mine-1"})
    assert response.headers["x-request-id"] == "mine-1"
    assert keeper.interactions[-1].request_id == "mine-1"
    made = [client.post(CHAT, json=ASK, headers={"X-Request-Id": "a b\tc"}).headers["x-request-id"] for _ in range(2)]
    assert len(set(made)) == 2 and "a b" not in made[0]


def logged(caplog):
    return [record.fields for record in caplog.records if record.name == "hive_mind.serving"]


def test_the_log_holds_no_words(served, caplog):
    client, _, _ = served

    def mine():
        """A line is written when the response is out, so that one of an earlier test's may come in here."""
        return [row for row in logged(caplog) if row["request_id"].startswith("unlogged-")]

    with caplog.at_level(logging.INFO, "hive_mind.serving"):
        client.post(CHAT, json=ASK, headers={"X-Request-Id": "unlogged-1"})
        client.post(CHAT, json=ASK | {"model": 3, "a secret word": 1}, headers={"X-Request-Id": "unlogged-2"})
        until(lambda: len(mine()) == 2)
    first, second = sorted(mine(), key=lambda row: row["request_id"])
    assert [first["status"], second["status"]] == [200, 400]
    assert (first["request_id"], first["route"]) == ("unlogged-1", CHAT)
    assert (first["version"], first["completion_tokens"], first["finish_reason"]) == ("mine_v1", 3, "stop")
    assert "secret" not in caplog.text and "Hello" not in caplog.text
    assert "secret" not in json.dumps(logged(caplog)) and "Hello" not in json.dumps(logged(caplog))


def test_the_log_holds_words_where_they_are_asked_for(tmp_path, caplog):
    with serving(tmp_path, log_texts=True) as (url, _, _), caplog.at_level(logging.INFO, "hive_mind.serving"):
        httpx.post(url + CHAT, json=ASK, trust_env=False, timeout=30)
        until(lambda: logged(caplog))
    [row] = logged(caplog)
    assert row["messages"][0]["content"] == "a secret word"
    assert row["answer"]["content"] == "Hello there."


def test_figures_are_counted(served):
    client, _, _ = served
    client.post(CHAT, json=ASK)
    counted = 'hive_mind_requests_total{route="/v1/chat/completions",status="200"}'
    until(lambda: counted in client.get("/metrics").text)
    text = client.get("/metrics").text
    assert 'hive_mind_answers_total{finish_reason="stop",version="mine_v1"}' in text
    assert 'hive_mind_tokens_total{kind="completion"}' in text
    assert "hive_mind_first_token_seconds_bucket" in text
    assert "hive_mind_engine_queue 0.0" in text


def test_health_says_what_is_served(served):
    client, _, _ = served
    assert client.get("/health").json()["status"] == "ok"


def test_a_token_is_asked_for_and_names_the_client(tmp_path):
    made = Tokens(tmp_path / "tokens.json").add("alex")
    with (
        serving(tmp_path, require_token=True) as (url, _, keeper),
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {made}"}):
            response = client.post(CHAT, json=ASK, headers=headers)
            assert "Authorization: Bearer" in fault(response, 401, "invalid_api_key")["message"]
        fault(client.get("/metrics"), 401, "invalid_api_key")
        assert client.get("/health").status_code == 200
        assert client.post(CHAT, json=ASK, headers={"Authorization": f"Bearer {made}"}).status_code == 200
        assert [interaction.client for interaction in keeper.interactions] == ["alex"]
        Tokens(tmp_path / "tokens.json").remove("alex")
        fault(client.post(CHAT, json=ASK, headers={"Authorization": f"Bearer {made}"}), 401, "invalid_api_key")


def test_a_file_of_tokens_that_is_damaged_lets_nobody_in(tmp_path):
    (tmp_path / "tokens.json").write_text("{")
    with serving(tmp_path, require_token=True) as (url, service, _):
        response = httpx.post(url + CHAT, json=ASK, headers={"Authorization": "Bearer x"}, trust_env=False, timeout=30)
    assert "not a file of tokens" in fault(response, 500, "answer_failed")["message"]
    assert service.asked == []


def test_any_key_is_taken_where_none_is_needed(served):
    client, _, keeper = served
    response = client.post(CHAT, json=ASK, headers={"Authorization": "Bearer whatever", "User-Agent": "chat/1.0"})
    assert response.status_code == 200
    assert keeper.interactions[-1].client == "chat/1.0"


def test_a_client_that_asks_too_often_is_told_to_wait(tmp_path):
    tokens = Tokens(tmp_path / "tokens.json")
    alex, sam = tokens.add("alex"), tokens.add("sam")
    with (
        serving(tmp_path, rate_limit=6) as (url, _, _),
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        for _ in range(6):
            assert client.post(CHAT, json=ASK, headers={"Authorization": f"Bearer {alex}"}).status_code == 200
        response = client.post(CHAT, json=ASK, headers={"Authorization": f"Bearer {alex}"})
        fault(response, 429, "rate_limit_exceeded")
        assert 1 <= int(response.headers["retry-after"]) <= 10
        assert client.post(CHAT, json=ASK, headers={"Authorization": f"Bearer {sam}"}).status_code == 200
        assert client.get("/health").status_code == 200


def test_a_failure_that_nobody_foresaw_is_a_500_with_its_request(tmp_path, caplog):
    with serving(tmp_path) as (url, service, _):
        service.script = lambda ask: 1 / 0
        response = httpx.post(url + CHAT, json=ASK, headers={"X-Request-Id": "mine-3"}, trust_env=False, timeout=30)
    assert "mine-3" in fault(response, 500, "internal")["message"]
    assert any(record.exc_info and record.fields["request_id"] == "mine-3" for record in caplog.records)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_4xx(body):
    try:
        assert isinstance(read_object(body, None, 8), dict)
    except ApiError as error:
        assert error.status == 400


@given(st.integers(1, 12), st.integers(8, 10))
def test_levels_are_counted(levels, most):
    body = b'{"a":' * levels + b"{}" + b"}" * levels
    if levels + 1 <= most:
        assert read_object(body, "application/json; charset=utf-8", most)
    else:
        with pytest.raises(ApiError, match="nested"):
            read_object(body, None, most)

"""Addresses, names and pages that may reach a server, and how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.errors import UsageError
from hive_mind.serving.access import Names, RateLimit, is_loopback, refuse_open_address
from hive_mind.serving.tokens import Tokens


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("example.org", False), ("", False),
        ("localhost.example.org", False), ("127.0.0.1.example.org", False),
    ],
)  # fmt: skip
def test_what_others_can_reach(host, loopback):
    assert is_loopback(host) is loopback


def test_an_open_address_needs_a_token(tmp_path):
    tokens = Tokens(tmp_path / "tokens.json")
    refuse_open_address("127.0.0.1", tokens)
    with pytest.raises(UsageError, match="serve token add"):
        refuse_open_address("0.0.0.0", tokens)
    tokens.add("alex")
    refuse_open_address("0.0.0.0", tokens)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8390", True), ("localhost", True), ("LOCALHOST:80", True), ("[::1]:8390", True),
        ("192.168.1.5:8390", True), ("mine.example:1", True), ("localhost.", True), (None, True),
        ("evil.example", False), ("evil.example:8390", False), ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False), ("127.0.0.1@evil.example", False), ("", False), ("a b", False),
        ("localhost:port", False), ("evil.example/localhost", False), ("localhost/x", False), ("[::1", False),
    ],
)  # fmt: skip
def test_names_that_it_goes_by(host, known):
    assert Names("127.0.0.1", ["mine.example"]).knows_host(host) is known


@given(st.text())
def test_any_text_is_known_or_not(text):
    names = Names("127.0.0.1")
    assert names.knows_host(text) in (True, False)
    assert names.knows_origin(text, text) in (True, False)


@given(st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,10}){1,3}(:[0-9]{1,4})?", fullmatch=True))
def test_no_name_of_the_web_is_known(host):
    assert not Names("127.0.0.1").knows_host(host)


@pytest.mark.parametrize(
    ("origin", "known"),
    [
        (None, True), ("http://127.0.0.1:8390", True), ("https://chat.example", True), ("https://chat.example/", True),
        ("https://evil.example", False), ("null", False), ("file://", False), ("http://127.0.0.1:8391", False),
        ("http://127.0.0.1:8390.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_pages_that_may_call(origin, known):
    assert Names("127.0.0.1", (), ["https://chat.example"]).knows_origin(origin, "127.0.0.1:8390") is known


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_minutes_requests_may_come_at_once_then_evenly():
    clock = Clock()
    limit = RateLimit(60, clock)
    assert [limit.wait("a") for _ in range(60)] == [0.0] * 60
    assert limit.wait("a") == pytest.approx(1.0)
    assert limit.wait("b") == 0.0
    clock.now += 0.5
    assert limit.wait("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert limit.wait("a") == 0.0
    assert limit.wait("a") == pytest.approx(1.0)


@given(st.integers(1, 300), st.lists(st.floats(0, 5), max_size=200))
def test_never_more_than_the_bucket_and_what_flowed_in(a_minute, gaps):
    clock = Clock()
    limit = RateLimit(a_minute, clock)
    passed = 0
    for gap in gaps:
        clock.now += gap
        passed += limit.wait("a") == 0.0
        assert passed <= a_minute + clock.now * a_minute / 60 + 1e-6


def test_no_limit_is_none():
    limit = RateLimit(0)
    assert all(limit.wait("a") == 0.0 for _ in range(1000))


def test_clients_are_forgotten_one_by_one(monkeypatch):
    monkeypatch.setattr("hive_mind.serving.access.REMEMBERED_CLIENTS", 3)
    limit = RateLimit(1, Clock())
    assert all(limit.wait(client) == 0.0 for client in "abcd")
    assert limit.wait("d") > 0
    assert limit.wait("a") == 0.0

"""Placeholders are stable and final, JSON stays JSON, and nothing that was found is left behind."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_mind.redaction import Memory, find, redact
from tests.redaction.corpus import CASES
from tests.redaction.harmless import TEXTS

TOKEN = "ghp_" + "Zx81KqPm37LtVw92Rb54YsNd60HcGf7EuAq1"


def redacted(text: str) -> str:
    return redact(text, Memory())


KNOWN = [*(case.filled for case in CASES), *TEXTS]
snippets = st.one_of(
    st.integers(0, len(KNOWN) - 1).map(lambda number: KNOWN[number]),
    st.text(max_size=40),
    st.text(alphabet="ab01 \\\"'{}[]:,.@/-=<>\nn", max_size=60),
    st.sampled_from(
        ["<SECRET:email:1>", "<SECRET:password:7>", "password=", "token: ", "://a:", "@", "\\n", "\\u0041"]
    ),
)
texts = st.lists(snippets, min_size=1, max_size=5).map("".join)
values = st.recursive(
    texts | st.integers() | st.booleans() | st.none() | st.just(4929262589694831),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["password", "a", "token", "url"]), inner)
    ),
    max_leaves=8,
)
hunt = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@hunt
@given(texts)
def test_redacting_again_changes_nothing_and_finds_nothing(text: str) -> None:
    once = redacted(text)
    assert find(once) == []
    assert redacted(once) == once


@hunt
@given(
    st.dictionaries(st.sampled_from(["password", "a", "token", "url"]), values, min_size=1), st.sampled_from([None, 2])
)
def test_json_stays_json_of_the_same_shape(value: dict[str, Any], indent: int | None) -> None:
    for text in (json.dumps(value, indent=indent), json.dumps({"nested": json.dumps(value)})):
        once = redacted(text)
        assert shape(json.loads(once)) == shape(json.loads(text))
        assert redacted(once) == once


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)


def test_the_same_value_gets_the_same_placeholder_and_another_value_another() -> None:
    memory = Memory()
    first = redact(f"a {TOKEN} b marta@firma-kolbe.de c {TOKEN}", memory)
    assert first == "a <SECRET:github_token:1> b <SECRET:email:1> c <SECRET:github_token:1>"
    assert redact(f"ivo@firma-kolbe.de {TOKEN}", memory) == "<SECRET:email:2> <SECRET:github_token:1>"
    assert memory.counts == {"github_token": 1, "email": 2}


def test_a_password_that_was_named_once_goes_everywhere_as_a_word_of_its_own() -> None:
    memory = Memory()
    redact("DB_PASSWORD=Kies-Weg_52", memory)
    assert redact("log in with Kies-Weg_52, not with Kies-Weg_521", memory) == (
        "log in with <SECRET:password:1>, not with Kies-Weg_521"
    )


def test_numbers_of_placeholders_that_stand_there_already_are_not_given_again() -> None:
    assert redacted("<SECRET:email:3> wrote to marta@firma-kolbe.de") == "<SECRET:email:3> wrote to <SECRET:email:4>"


def test_a_value_is_the_same_with_and_without_escapes() -> None:
    memory = Memory()
    redact('{"password": "Bir\\"ke9Weg"}', memory)
    assert redact("password='Bir\"ke9Weg'", memory) == "password='<SECRET:password:1>'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"pan": 4929262589694831}', '{"pan": 1000000000000001}'),
        ('[1, 4929262589694831, 4929262589694831, 6011025383195840]',
         '[1, 1000000000000001, 1000000000000001, 1000000000000002]'),
        ('{"pan": "4929262589694831"}', '{"pan": "<SECRET:card:1>"}'),
        ("4929262589694831", "<SECRET:card:1>"),
        ("card = 4929262589694831", "card = <SECRET:card:1>"),
    ],
)  # fmt: skip
def test_a_bare_number_of_json_becomes_a_number(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_a_rule_that_reaches_across_strings_of_json_does_not_break_it() -> None:
    key = "MIIEpAIBAAKCAQEAtEdMFgd3YKzpuk1nOb7qNa7nkWK6hRJ3o3eKimg3L1XHL79P"
    text = json.dumps(["-----BEGIN RSA PRIVATE KEY-----", key, "-----END RSA PRIVATE KEY-----", "next"])
    once = redacted(text)
    assert key not in once and json.loads(once)[3] == "next"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export TOKEN=$TOKEN; curl -u u:Kies-Weg_52 https://h.example.com | jq .",
         "export TOKEN=$TOKEN; curl -u u:<SECRET:password:1> https://h.example.com | jq ."),
        ("pg_dump postgres://a:Kies-Weg_52@db.example.com:5432/x > x.sql",
         "pg_dump postgres://a:<SECRET:password:1>@db.example.com:5432/x > x.sql"),
        ("client = Client(url, password='Kies-Weg_52', timeout=3)",
         "client = Client(url, password='<SECRET:password:1>', timeout=3)"),
        ("cd /home/" "mkolbe/src && make", "cd /home/<SECRET:user:1>/src && make"),
        ("mysql -u root -pKies-Weg_52 shop", "mysql -u root -p<SECRET:password:1> shop"),
    ],
)  # fmt: skip
def test_what_stands_around_a_secret_stays(text: str, expected: str) -> None:
    assert redacted(text) == expected


LONG = [
    "x",
    "a1",
    " ",
    "\\",
    '"',
    "@",
    "1.",
    ":",
    "-",
    "password ",
    "ab:",
    "password='",
    "cookie: a;",
    "-----BEGIN PRIVATE KEY-----",
]


@pytest.mark.parametrize("filler", LONG)
def test_a_long_text_is_soon_read(filler: str) -> None:
    text = filler * (100_000 // len(filler)) + f"\npassword: {TOKEN} marta@firma-kolbe.de"
    begun = time.process_time()
    assert TOKEN not in redacted(text)
    assert time.process_time() - begun < 10

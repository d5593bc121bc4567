"""Named tokens: shown once, kept as digests, seen by a running server at the next request."""

import hmac
import stat

import pytest

from hive_mind.errors import DataRefused, UsageError
from hive_mind.serving import tokens as module
from hive_mind.serving.tokens import Tokens, bearer


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "serving" / "tokens.json")


def test_a_token_is_known_by_its_words_and_kept_as_a_digest(tokens):
    made = tokens.add("alex")
    assert tokens.whose(made) == "alex"
    assert tokens.whose(made + "x") is tokens.whose("") is None
    content = tokens.file.read_text()
    assert made not in content and made.removeprefix("hm-") not in content
    assert stat.S_IMODE(tokens.file.stat().st_mode) == 0o600


def test_tokens_differ_and_are_long(tokens):
    made = [tokens.add(name) for name in ("a", "b", "c")]
    assert len(set(made)) == 3
    assert all(len(token) >= 43 for token in made)
    assert [tokens.whose(token) for token in made] == ["a", "b", "c"]


def test_another_process_adds_and_removes(tokens):
    assert tokens.all() == ()
    other = Tokens(tokens.file)
    made = other.add("alex")
    assert tokens.whose(made) == "alex"
    other.remove("alex")
    assert tokens.whose(made) is None
    again = other.add("alex")
    assert (tokens.whose(made), tokens.whose(again)) == (None, "alex")


def test_every_token_is_compared_in_constant_time(tokens, monkeypatch):
    made = [tokens.add(name) for name in ("a", "b", "c")]
    compared = []
    monkeypatch.setattr(
        module.hmac, "compare_digest", lambda a, b, same=hmac.compare_digest: compared.append(1) or same(a, b)
    )
    for token in (*made, "nobody's"):
        compared.clear()
        tokens.whose(token)
        assert len(compared) == 3


@pytest.mark.parametrize("name", ["", ".", "a b", "ä", "a/b", "x" * 65])
def test_a_name_is_plain(tokens, name):
    with pytest.raises(UsageError, match="cannot name a token"):
        tokens.add(name)


def test_a_name_has_one_token(tokens):
    tokens.add("alex")
    with pytest.raises(UsageError, match="token remove alex"):
        tokens.add("alex")
    with pytest.raises(UsageError, match="token list"):
        tokens.remove("sam")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": {"sha256": "x"}}'])
def test_a_damaged_file_lets_nobody_in(tokens, content):
    tokens.file.parent.mkdir()
    tokens.file.write_text(content)
    with pytest.raises(DataRefused, match="not a file of tokens"):
        tokens.whose("anything")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("abc", None), ("Bearer", None),
        ("", None), (None, None),
    ],
)  # fmt: skip
def test_the_header_of_a_token(header, token):
    assert bearer(header) == token

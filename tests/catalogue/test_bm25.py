"""BM25 beside its formula, and words out of names."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.catalogue.bm25 import K1, B, Index, words

TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("getUserRepos", ["user", "repo"]), ("get_user_repos", ["user", "repo"]), ("user.repos", ["user", "repo"]),
        ("mcp__github__create_issue", ["mcp", "github", "create", "issue"]), ("HTTPServer2", ["http", "server", "2"]),
        ("Show me the weather in Rome!", ["weather", "rome"]), ("class glass bus", ["class", "glass", "bus"]),
        ("Straße, ÉTÉ", ["strasse", "été"]), ("查找文件 now", ["查找文件"]), ("", []), ("the of and", []),
    ],
)  # fmt: skip
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def score(texts: list[list[str]], place: int, query: list[str]) -> float:
    """The formula as it stands in the paper."""
    text, mean = texts[place], sum(map(len, texts)) / len(texts)
    total = 0.0
    for word in set(query):
        holding, times = sum(word in other for other in texts), text.count(word)
        if times:
            rarity = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
            total += rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * len(text) / mean))
    return total


@given(TEXTS, st.lists(st.sampled_from("abcdefgh"), max_size=6))
def test_scores_are_the_formulas(texts: list[list[str]], query: list[str]) -> None:
    expected = [score(texts, place, query) for place in range(len(texts))]
    assert Index(texts).scores(query) == pytest.approx(expected)


def test_no_texts_and_empty_texts() -> None:
    assert Index([]).scores(["a"]) == []
    assert Index([[], []]).scores(["a"]) == [0.0, 0.0]

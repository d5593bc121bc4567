"""Names that the OpenAI API takes, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.tool_schema.names import is_legal, legal_names


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("get_weather", "get_weather"),
        ("math.gcd", "math_gcd"),
        ("Get Weather", "Get_Weather"),
        ("météo", "meteo"),
        ("a/b::c", "a_b_c"),
    ],
)
def test_what_is_readable_stays_readable(name: str, legal: str) -> None:
    assert legal_names([name]).legal == {name: legal}


def test_names_that_would_be_the_same_get_a_digest_each() -> None:
    names = legal_names(["math.gcd", "math gcd", "other"])
    assert names.legal["other"] == "other"
    assert all(names.legal[name].startswith("math_gcd_") for name in ("math.gcd", "math gcd"))
    assert len(set(names.legal.values())) == 3


def test_a_legal_name_keeps_itself_before_one_that_would_become_it() -> None:
    names = legal_names(["math.gcd", "math_gcd"])
    assert names.legal["math_gcd"] == "math_gcd" and names.legal["math.gcd"].startswith("math_gcd_")


def test_long_names_and_names_without_a_single_legal_letter() -> None:
    names = legal_names(["a" * 65, "a" * 66, "搜索", "查询", "", "..."])
    assert all(is_legal(short) for short in names.legal.values()) and len(names.original) == 6
    assert names.legal["搜索"].startswith("tool_")


def test_even_a_name_that_looks_like_a_digest_is_kept_apart() -> None:
    taken = legal_names(["搜索"]).legal["搜索"]
    names = legal_names(["搜索", taken])
    assert names.legal[taken] == taken and names.legal["搜索"] != taken


NAMES = st.one_of(st.text(max_size=80), st.text("a.- _é搜", max_size=5), st.text("ab", min_size=60, max_size=70))


@given(st.lists(NAMES, max_size=12), st.randoms())
def test_the_map_is_reversible_legal_and_the_same_for_the_same_set(names: list[str], chance: object) -> None:
    made = legal_names(names)
    assert set(made.legal) == set(names)
    assert all(is_legal(short) for short in made.legal.values())
    assert {made.original[short] for short in made.legal.values()} == set(names)
    assert all(made.original[made.legal[name]] == name for name in names)
    assert all(made.legal[name] == name for name in names if is_legal(name))
    chance.shuffle(names)  # type: ignore[attr-defined]
    assert legal_names([*names, *names]) == made

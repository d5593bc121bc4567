"""The benchmark of serving in short: real tools called by the tiny base, versions promoted under traffic."""

import itertools
from dataclasses import replace

import pytest
import serving_engine

from hive_mind.model.base import TINY_FOLDER


def test_a_promotion_under_traffic_loses_no_answer_and_tears_none(monkeypatch):
    monkeypatch.setattr(serving_engine, "CLIENTS", 4)
    found = serving_engine.promotion(seconds=8.0)
    assert found["failed"] == [] and found["not_of_one_version"] == 0
    assert found["promotions"] >= 1 and found["by_version"].keys() == {"m_v1", "m_v2"}
    assert found["answers"] == sum(found["by_version"].values()) > 0


@pytest.mark.real
def test_completed_calls_of_real_tools_fit_their_schemas(real_data):
    found = serving_engine.calls(real_data, requests=24)
    assert found["requests"] == 24
    assert found["invalid"] == 0, found["problems"]
    assert found["outcomes"]["tool_calls"] >= 22


@pytest.mark.real
def test_every_part_measures_both_sides(real_data, monkeypatch, tiny_tokenizer):
    monkeypatch.setattr(serving_engine, "NEW_TOKENS", 6)
    monkeypatch.setattr(serving_engine, "AT_ONCE", 2)
    monkeypatch.setattr(serving_engine, "ROUNDS", 1)
    asks = [
        replace(ask, tool_choice="auto", max_tokens=40)
        for ask in itertools.islice(serving_engine.bfcl_asks(real_data), 30) if len(str(ask)) < 4000
    ]  # fmt: skip
    speed = serving_engine.speed(TINY_FOLDER, asks, tiny_tokenizer, rounds=1)
    assert speed["ratio"]["eight"] > 0 and len(speed["one_after_first_token"]) == 1
    grammar = serving_engine.grammar(TINY_FOLDER, [*asks, *asks])
    assert all(0 < each["share"] < 1 for each in grammar["by"].values())
    first = serving_engine.first_token(TINY_FOLDER, asks)
    assert len(first["ratio"]) == 3 and all(seconds > 0 for seconds in first["ratio"].values())

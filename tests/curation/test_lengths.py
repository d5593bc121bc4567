"""Lengths in characters: what counts, and what is said of many."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from hive_mind.curation.lengths import Lengths, characters_of, edge, measure, next_edge
from hive_mind.files import json_line


def test_what_a_model_is_shown_is_counted_and_nothing_else() -> None:
    call = {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": {"ä": 1}}}
    tool = {"type": "function", "function": {"name": "f", "description": "ü", "parameters": {}}}
    row = {
        "id": "x" * 50, "timestamp": "2026-02-05T22:19:35Z", "metadata": {"source": "usage"},
        "messages": [{"role": "user", "content": "häuser"}, {"role": "assistant", "content": "", "tool_calls": [call]},
                     {"role": "tool", "tool_call_id": "call_0", "name": "f", "content": "12"}],
    }  # fmt: skip
    calls = '[{"name":"f","arguments":{"ä":1}}]'
    assert characters_of(json_line(row)) == 6 + len(calls) + 2
    declared = json.dumps([tool], ensure_ascii=False, separators=(",", ":"))
    assert characters_of(json_line({**row, "tools": [tool]})) == 6 + len(calls) + 2 + len(declared)


def test_the_figures_of_a_hundred_rows() -> None:
    lengths = measure(range(1, 101))
    assert (lengths.shortest, lengths.median, lengths.most, lengths.longest) == (1, 50, 95, 100)
    assert lengths.histogram[-1] == (100, 1) and lengths.histogram[-2] == (79, 21)
    assert [edge(step) for step in (0, 10, 20, 23)] == [1, 10, 100, 200] and next_edge(79) == 100


@given(st.lists(st.integers(0, 3_000_000), min_size=1))
def test_every_row_is_in_one_bar_and_all_comes_back_from_json(characters: list[int]) -> None:
    lengths = measure(characters)
    assert sum(rows for _, rows in lengths.histogram) == len(characters)
    for lower, rows in lengths.histogram:
        assert rows == sum(lower <= max(length, 1) < next_edge(lower) for length in characters)
    assert lengths.shortest <= lengths.median <= lengths.most <= lengths.longest
    assert sum(length <= lengths.most for length in characters) >= 0.95 * len(characters)
    assert Lengths.from_dict(json.loads(json.dumps(lengths.to_dict()))) == lengths

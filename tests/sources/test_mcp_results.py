"""Results of MCP tools out of the wrappings of an agent's log."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.sources.mcp_results import TIMED_OUT, McpResult, read_result
from tests.raw_rows import mcp_repr


def as_json(*texts: str, error: bool = False) -> str:
    return json.dumps(
        {"_meta": None, "content": [{"type": "text", "text": text} for text in texts], "isError": error}, indent=2
    )


@pytest.mark.parametrize(
    ("logged", "text", "outcome"),
    [
        (mcp_repr("dry"), "dry", "done"),
        (mcp_repr('it\'s "dry"\n'), 'it\'s "dry"\n', "done"),
        (mcp_repr("no such town", error=True), "no such town", "failed_outside"),
        (mcp_repr(as_json("dry")), "dry", "done"),
        (mcp_repr(as_json("no such town", error=True)), "no such town", "failed_inside"),
        (mcp_repr(as_json("one", "two")), "one\ntwo", "done"),
        (as_json("no", error=True), "no", "failed_inside"),
        (TIMED_OUT, TIMED_OUT, "timed_out"),
        ("plain text", "plain text", "done"),
        ('{"content": "no list"}', '{"content": "no list"}', "done"),
    ],
)
def test_the_text_and_how_the_call_ended(logged: str, text: str, outcome: str) -> None:
    assert read_result(logged) == McpResult(text, outcome)  # type: ignore[arg-type]


def test_a_part_that_is_no_text_is_named() -> None:
    inner = {"content": [{"type": "image", "data": "iVBORw0"}, {"type": "text", "text": "a map"}], "isError": False}
    assert read_result(mcp_repr(json.dumps(inner))).text == "[image]\na map"


@given(st.text(min_size=1), st.booleans())
def test_any_text_survives_both_wrappings(text: str, error: bool) -> None:
    made = read_result(mcp_repr(as_json(text, error=error)))
    assert made == McpResult(text, "failed_inside" if error else "done")


@given(st.text(min_size=5, max_size=80), st.integers(0, 200))
def test_of_a_result_that_was_cut_off_the_text_up_to_there_is_read(text: str, place: int) -> None:
    whole = mcp_repr(as_json(text))
    start = whole.index('"text": "') + len('"text": "')
    end = whole.rindex('"\\n    }') if '"\\n    }' in whole else len(whole)
    cut = whole[: min(start + place, end)]
    made = read_result(f"{cut} …[cut]")
    assert made.outcome == "done" and made.text.endswith(" …[cut]")
    assert text.startswith(made.text.removesuffix(" …[cut]"))

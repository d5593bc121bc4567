"""Code Alpaca rows become a request and its answer."""

from __future__ import annotations

import pytest

from hive_mind.conversation import Conversation, Reject
from hive_mind.sources.code_alpaca import convert, understands

ROW = {"instruction": "Add two numbers.", "input": "", "output": "def add(a, b):\n    return a + b"}


def request_of(row: dict[str, object]) -> str:
    made = convert(row)
    assert isinstance(made, Conversation)
    return made.messages[0].content


def test_a_row_without_input() -> None:
    made = convert(ROW)
    assert isinstance(made, Conversation)
    assert [(m.role, m.content) for m in made.messages] == [("user", ROW["instruction"]), ("assistant", ROW["output"])]
    assert (made.tools, made.source, made.timestamp) == ((), "code_alpaca", None)


def test_the_input_follows_the_instruction() -> None:
    assert request_of({**ROW, "input": " a = 1 "}) == "Add two numbers.\n\na = 1"


@pytest.mark.parametrize(
    "nothing",
    ["", " \n", "< noinput >", "<noinputn>", "<noinput", "noinput", "Noinput", "No input.", "[noinput]", "<No input>",
     "N/A", "None", "-", None],
)  # fmt: skip
def test_every_way_of_saying_that_there_is_no_input(nothing: str | None) -> None:
    assert request_of({**ROW, "input": nothing}) == "Add two numbers."


@pytest.mark.parametrize("given", ["None of these: a, b", "x = -1", "No input file was found", "n/a/b", "--"])
def test_input_that_only_begins_like_none_is_kept(given: str) -> None:
    assert request_of({**ROW, "input": given}).endswith(f"\n\n{given}")


def test_indentation_of_the_first_code_line_is_kept() -> None:
    made = convert({**ROW, "output": "\n    return a + b\n"})
    assert isinstance(made, Conversation) and made.messages[1].content == "    return a + b"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"output": " \n"}, "empty_answer"),
        ({"output": None}, "empty_answer"),
        ({"output": float("nan")}, "empty_answer"),
        ({"instruction": ""}, "empty_request"),
        ({"output": 5}, "not_text"),
        ({"input": ["a"]}, "not_text"),
    ],
)
def test_unusable_rows_are_rejected_with_a_reason(change: dict[str, object], code: str) -> None:
    result = convert({**ROW, **change})
    assert isinstance(result, Reject) and (result.source, result.code) == ("code_alpaca", code)


def test_layouts_are_told_apart() -> None:
    assert understands(ROW)
    assert not understands({"nl": "list", "bash": "ls"})

"""xLAM rows: JSON in strings, Python type names, defaults that make a parameter optional."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hive_mind.conversation import Conversation, Reject
from hive_mind.curation.accept import accept
from hive_mind.sources.raw import RawRow, read_raw
from hive_mind.sources.xlam import convert, understands

TOOLS: list[dict[str, Any]] = [
    {
        "name": "find",
        "description": "Find things.",
        "parameters": {
            "what": {"type": "str", "description": "What."},
            "limit": {"type": "int, optional", "description": "How many."},
            "order": {"type": "str", "description": "Order.", "default": "asc"},
        },
    }
]
ANSWERS = [{"name": "find", "arguments": {"what": "tea", "limit": 2}}, {"name": "find", "arguments": {"what": "milk"}}]


def row(tools: object = TOOLS, answers: object = ANSWERS, query: object = "Find tea and milk.") -> dict[str, object]:
    return {"id": 1, "query": query, "tools": json.dumps(tools), "answers": json.dumps(answers)}


def test_query_tools_and_answers() -> None:
    made = convert(row())
    assert isinstance(made, Conversation)
    assert [(m.role, m.content) for m in made.messages] == [("user", "Find tea and milk."), ("assistant", "")]
    assert [(c.id, c.name, c.arguments) for c in made.calls] == [
        ("call_0", "find", {"what": "tea", "limit": 2}), ("call_1", "find", {"what": "milk"}),
    ]  # fmt: skip
    assert made.tools[0].parameters == {
        "type": "object",
        "properties": {
            "what": {"type": "string", "description": "What."},
            "limit": {"type": "integer", "description": "How many."},
            "order": {"type": "string", "description": "Order.", "default": "asc"},
        },
        "required": ["what"],
    }


def test_an_answers_value_never_changes_a_schema() -> None:
    """A call may break its tool's types, as some of the set do; the declaration stands as it was written."""
    fitting = convert(row())
    assert isinstance(fitting, Conversation)
    for value in (2.5, "two", None, [2], {"n": 2}):
        made = convert(row(answers=[{"name": "find", "arguments": {"what": 7, "limit": value, "new": value}}]))
        assert isinstance(made, Conversation) and made.tools == fitting.tools


def test_lists_that_are_not_in_strings_are_read_too() -> None:
    assert convert({"query": "Find tea and milk.", "tools": TOOLS, "answers": ANSWERS}) == convert(row())


def test_a_tool_declared_twice_alike_is_one_tool_and_differently_a_reject() -> None:
    twice = convert(row([*TOOLS, *TOOLS]))
    assert isinstance(twice, Conversation) and len(twice.tools) == 1
    differing = convert(row([*TOOLS, {**TOOLS[0], "description": "Find otherwise."}]))
    assert isinstance(differing, Conversation)
    refused = accept(differing)
    assert isinstance(refused, Reject) and refused.code == "tool_declared_twice"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (row(query=""), "empty_request"),
        (row(query=7), "not_text"),
        ({**row(), "tools": "[{"}, "tools_not_readable"),
        ({**row(), "answers": "nothing"}, "call_not_readable"),
        (row(answers=["find"]), "call_not_readable"),
        (row(answers=[{"arguments": {}}]), "call_without_name"),
        (row(answers=[{"name": "find", "arguments": [1]}]), "call_arguments_not_object"),
        (row(tools=[7]), "tools_not_readable"),
        (row(tools=[{"description": "nameless"}]), "tool_without_name"),
        (row(tools=[{"name": "find", "parameters": ["what"]}]), "tool_parameters_not_object"),
        (row(tools=[{"name": "find", "parameters": {"what": "str"}}]), "tools_not_readable"),
    ],
)
def test_unreadable_rows_are_rejected_with_a_reason(bad: dict[str, object], code: str) -> None:
    result = convert(bad)
    assert isinstance(result, Reject) and (result.source, result.code) == ("xlam", code)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([], "empty_answer"),
        ([{"name": "lose", "arguments": {}}], "undeclared_tool"),
        ([{"name": "find", "arguments": {"limit": 2}}], "missing_argument"),
    ],
)
def test_calls_that_break_their_own_declarations_are_rejected(answers: object, code: str) -> None:
    made = convert(row(answers=answers))
    assert isinstance(made, Conversation)
    result = accept(made)
    assert isinstance(result, Reject) and result.code == code


def test_long_numbers_stay_exact() -> None:
    made = convert(row(answers=[{"name": "find", "arguments": {"what": 12345678901234567}}]))
    assert isinstance(made, Conversation) and made.calls[0].arguments == {"what": 12345678901234567}


def test_layouts_are_told_apart() -> None:
    assert understands(row())
    assert not understands({"query": "x", "gold": "y"})


@pytest.mark.real
def test_at_least_965_of_a_thousand_real_rows_are_usable(real_data: Path) -> None:
    results = []
    for item in read_raw(real_data / "xlam" / "xlam_700.jsonl"):
        assert isinstance(item, RawRow)
        made = convert(item.row)
        assert isinstance(made, Conversation), made
        for call, answer in zip(made.calls, json.loads(item.row["answers"]), strict=True):
            assert (call.name, call.arguments) == (answer["name"], answer["arguments"])
        for tool in made.tools:
            Draft202012Validator.check_schema(tool.parameters)
        results.append(accept(made))
    assert sum(isinstance(result, Conversation) for result in results) >= 0.965 * len(results)
    codes = {result.code for result in results if isinstance(result, Reject)}
    assert codes <= {"missing_argument", "tool_declared_twice", "wrong_type"}

"""Calls keep to their declarations; a declaration that says nothing readable forbids nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.curation.call_check import call_problem


def problem(schema: dict[str, Any], arguments: dict[str, Any]) -> tuple[str, str] | None:
    messages = [Message("user", "a"), Message("assistant", "", (ToolCall("call_0", "f", arguments),))]
    return call_problem(Conversation.build("messages", messages, [Tool("f", "", schema)]))


def of(schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}}


VALUES = {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "array": [1], "object": {"b": 1}, "null": None}


@pytest.mark.parametrize("declared", VALUES)
@pytest.mark.parametrize("given_type", VALUES)
def test_every_type_against_every_other(declared: str, given_type: str) -> None:
    found = problem(of({"type": declared}), {"a": VALUES[given_type]})
    if declared == given_type or {declared, given_type} == {"integer", "number"}:
        assert found is None
    else:
        assert found == ("wrong_type", f"a call of f, a is of the type {given_type}, not {declared}")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "array", "items": {"type": "string"}}, ["x", 1]),
        ({"type": "object", "properties": {"b": {"type": "string"}}}, {"b": 1}),
        ({"type": "array", "items": of({"type": "string"})}, [{"a": "x"}, {"a": 5}]),
        ({"type": ["string", "null"]}, 5),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, 5),
        ({"oneOf": [{"type": "string"}]}, 5),
    ],
)
def test_wrong_types_inside(schema: dict[str, Any], value: Any) -> None:
    found = problem(of(schema), {"a": value})
    assert found is not None and found[0] == "wrong_type"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": ["string", "null"]}, None),
        ({"type": "string", "nullable": True}, None),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, []),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"type": "date"}, "2024-01-01"),
        ({"type": ["float", "string"]}, 5),
        ({"type": {"of": "string"}}, 5),
        ({"type": []}, 5),
        ({}, 5),
        (None, 5),
        (True, 5),
        ({"type": "array", "items": [{"type": "string"}]}, [1]),
        ({"type": "object", "properties": ["b"], "required": "b"}, {}),
        ({"type": "string", "required": True}, "x"),
        ({"anyOf": []}, 5),
        ({"enum": ["x"]}, "y"),
    ],
)
def test_what_is_let_pass(schema: Any, value: Any) -> None:
    assert problem(of(schema), {"a": value}) is None


def test_required_arguments_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"b": {}}, "required": ["b"]}
    assert problem({**of(inner), "required": ["a"]}, {"a": {"b": 1}}) is None
    assert problem({**of(inner), "required": ["a", "z"]}, {}) == ("missing_argument", "a call of f lacks a, z")
    assert problem(of(inner), {"a": {}}) == ("missing_argument", "a call of f, a lacks b")


def test_arguments_that_are_not_declared_pass() -> None:
    assert problem(of({"type": "string"}), {"other": 5}) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["type", "properties", "required", "items", "anyOf", "a"]) | st.text(), inner,
                         max_size=4), max_leaves=15))  # fmt: skip
def test_no_schema_raises(schema: Any) -> None:
    problem(of(schema), {"a": {"a": [1, "x", None, {"a": 2.5}]}})

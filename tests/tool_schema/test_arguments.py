"""A call's arguments against a normalised schema."""

from __future__ import annotations

from typing import Any

import pytest

from hive_mind.conversation import Tool
from hive_mind.tool_schema import normalise
from hive_mind.tool_schema.arguments import SchemaUnusable, argument_problems


def problems(schema: dict[str, Any], value: object) -> list[str]:
    return argument_problems(Tool("f", "", {"type": "object", "properties": {"a": schema}}), {"a": value})


@pytest.mark.parametrize(
    ("type_name", "fits", "fits_not"),
    [
        ("int", [1, 1.0, -3, 10**30], [1.5, True, "1", None, [1]]),
        ("float", [1, 1.5, 1e300], [True, "1.5", None]),
        ("bool", [True, False], [0, 1, "true", None]),
        ("str", ["", "1"], [1, True, None, ["a"]]),
        ("String", ["a"], [1]),
        ("tuple", [[], [1, "a"]], ["(1, 2)", {"0": 1}]),
        ("Tuple[int, str]", [[1, "a"]], [[1], ["a", 1], [1, "a", 2], [True, "a"]]),
        ("Tuple[int, ...]", [[], [1, 2, 3]], [[1, "a"]]),
        ("List[int]", [[], [1, 2.0]], [[1, True], ["1"], 1, {"0": 1}]),
        ("List[List[float]]", [[[1, 2.5], []]], [[1], [["a"]]]),
        ("Dict[str, int]", [{}, {"x": 1}], [{"x": "1"}, [], "{}"]),
        ("HashMap", [{}, {"x": {"y": []}}], [[], "x"]),
        ("ArrayList", [[], [1]], [{}]),
        ("long", [2**40], [0.5]),
        ("Set[int]", [[1, 2], []], [[1, 1], [1, 1.0], ["a"]]),
        ("Set[Any]", [[1, True], [0, False]], [[True, True]]),
        ("Optional[int]", [1, None], ["x", False]),
        ("Union[str, List[str]]", ["a", ["a", "b"]], [1, [1]]),
        ("Literal[1, 'a']", [1, 1.0, "a"], [True, "1", 2]),
        ("Literal[True]", [True], [1, "True"]),
        ("any", [1, None, "a", [], {}], []),
        ("Callable", ["lambda x: x", None], []),
    ],
)
def test_values_of_a_type(type_name: str, fits: list[object], fits_not: list[object]) -> None:
    tool = normalise({"name": "f", "parameters": {"a": {"type": type_name}}}).tool
    assert [value for value in fits if argument_problems(tool, {"a": value})] == []
    assert [value for value in fits_not if not argument_problems(tool, {"a": value})] == []


def test_problems_name_their_place() -> None:
    parameters = {
        "type": "dict",
        "properties": {
            "who": {"type": "dict", "properties": {"age": {"type": "integer"}}, "required": ["age"]},
            "tags": {"type": "array", "items": {"type": "dict", "properties": {"n": {"type": "float"}}}},
        },
        "required": ["who"],
    }
    tool = normalise({"name": "f", "parameters": parameters}).tool
    assert argument_problems(tool, {"who": {"age": 3}, "tags": [{"n": 1}], "more": 1}) == []
    assert argument_problems(tool, {}) == ["$: 'who' is a required property"]
    found = argument_problems(tool, {"who": {}, "tags": [{"n": 1}, {"n": True}]})
    assert found == ["$.who: 'age' is a required property", "$.tags[1].n: True is not of type 'number'"]


def test_a_long_value_does_not_flood_the_message() -> None:
    [line] = problems({"type": "integer"}, "x" * 10_000)
    assert len(line) < 300


def test_multiples_are_counted_in_decimals() -> None:
    assert problems({"multipleOf": 0.01}, 19.99) == [] and problems({"multipleOf": 0.1}, 0.3) == []
    assert problems({"multipleOf": 0.01}, 19.999) and problems({"multipleOf": 2}, 3)


def test_the_draft_that_a_schema_names_decides() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": {"a": {"items": [{"type": "string"}]}},
    }  # fmt: skip
    tool = normalise({"name": "f", "inputSchema": schema}).tool
    assert tool.parameters == schema
    assert argument_problems(tool, {"a": ["x"]}) == [] and argument_problems(tool, {"a": [1]})


def test_references_inside_the_schema_are_followed() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"tree": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    tool = Tool("f", "", schema)
    assert argument_problems(tool, {"tree": {"next": {"n": 1}}}) == []
    assert argument_problems(tool, {"tree": {"next": {"next": {"n": "1"}}}})


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"$ref": "#/$defs/nowhere"}, "leads nowhere"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "leads nowhere"),
        ({"$ref": "#/properties/a"}, "without end"),
        ({"pattern": "[a-"}, "no regular expression"),
    ],
)
def test_a_schema_that_nothing_can_be_checked_against_is_named(schema: dict[str, Any], what: str) -> None:
    with pytest.raises(SchemaUnusable, match=what):
        problems(schema, "x")

"""Python type names to JSON Schema."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hive_mind.sources.python_types import schema_of


@pytest.mark.parametrize(
    ("name", "schema", "optional"),
    [
        ("str", {"type": "string"}, False),
        ("int, optional", {"type": "integer"}, True),
        ("str, optional, default 'London'", {"type": "string"}, True),
        ("float", {"type": "number"}, False),
        ("bool", {"type": "boolean"}, False),
        ("Dict", {"type": "object"}, False),
        ("Dict[str, int]", {"type": "object"}, False),
        ("list", {"type": "array"}, False),
        ("List", {"type": "array"}, False),
        ("List[int]", {"type": "array", "items": {"type": "integer"}}, False),
        ("List[List[float]]", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, False),
        ("List[Union[int, float]]", {"type": "array", "items": {"type": ["integer", "number"]}}, False),
        ("List[Any]", {"type": "array"}, False),
        ("set", {"type": "array", "uniqueItems": True}, False),
        (
            "Tuple[float, float]",
            {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            False,
        ),
        ("Tuple[int, str]", {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, False),
        ("Optional[str]", {"type": "string"}, True),
        ("typing.Optional[List[str]]", {"type": "array", "items": {"type": "string"}}, True),
        ("int | None", {"type": ["integer", "null"]}, False),
        (
            "Union[str, List[str]]",
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            False,
        ),
        ("Union[int, Any]", {}, False),
        ("Callable[[float], float]", {}, False),
        ("Any", {}, False),
        ("", {}, False),
    ],
)
def test_known_names(name: str, schema: dict[str, object], optional: bool) -> None:
    assert schema_of(name) == (schema, optional)


@given(st.text(alphabet="stri[],|Ltuple dcUnoOa.", max_size=40))
def test_whatever_is_written_gives_a_valid_schema(name: str) -> None:
    schema, _ = schema_of(name)
    Draft202012Validator.check_schema(schema)

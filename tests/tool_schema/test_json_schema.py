"""The quick check of a schema against the official one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hive_mind.tool_schema.json_schema import KEYWORDS, TYPES, problem

METASCHEMA = Draft202012Validator(Draft202012Validator.META_SCHEMA)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([0.5, 1.0, -1.0]), st.sampled_from([*TYPES, "x", ""])
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.sampled_from(sorted(TYPES)), max_size=3),
        st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
        st.dictionaries(st.sampled_from(sorted(KEYWORDS - {"nullable", "$schema"})), inner, max_size=3),
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(KEYWORDS - {"nullable", "$schema"})), VALUES, max_size=4))
def test_it_agrees_with_the_metaschema(schema: dict[str, Any]) -> None:
    assert (problem(schema, "s") is None) == METASCHEMA.is_valid(schema)


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"type": "dict"}, "s.type is 'dict', not a type of JSON Schema"),
        ({"properties": {"a": {"items": {"minimum": "0"}}}}, "s.properties.a.items.minimum is text, not a number"),
        ({"anyOf": [{}, {"required": ["a", "a"]}]}, "s.anyOf[1].required holds a name twice"),
        ({"nullable": True}, "s.nullable is OpenAPI's, not JSON Schema's"),
        ({"properties": {"a": "str"}}, "s.properties.a is text, not a schema"),
    ],
)
def test_it_says_where_the_fault_lies(schema: dict[str, Any], what: str) -> None:
    assert problem(schema, "s") == what


def test_an_older_draft_may_use_what_it_has_if_it_is_named() -> None:
    pair = {"type": "array", "items": [{"type": "string"}, {"type": "number"}]}
    above = {"minimum": 0, "exclusiveMinimum": True}
    assert problem(pair, "s") and problem(above, "s")
    assert problem({"$schema": "http://json-schema.org/draft-07/schema#", **pair}, "s") is None
    assert problem({"$schema": "http://json-schema.org/draft-07/schema#", **above}, "s")
    assert problem({"$schema": "http://json-schema.org/draft-04/schema#", **above}, "s") is None

"""Type names of Python, Java, JavaScript and loose English to JSON Schema."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hive_mind.tool_schema.type_names import LONGEST, read_type

INTEGER, NUMBER, STRING = {"type": "integer"}, {"type": "number"}, {"type": "string"}


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("str", STRING),
        ("float", NUMBER),
        ("bool", {"type": "boolean"}),
        ("Any", {}),
        ("", {}),
        ("Dict", {"type": "object"}),
        ("Dict[str, int]", {"type": "object", "additionalProperties": INTEGER}),
        ("dict[str, Any]", {"type": "object"}),
        ("list", {"type": "array"}),
        ("List[int]", {"type": "array", "items": INTEGER}),
        ("List[List[float]]", {"type": "array", "items": {"type": "array", "items": NUMBER}}),
        ("List[Union[int, float]]", {"type": "array", "items": {"type": ["integer", "number"]}}),
        ("List[Optional[int]]", {"type": "array", "items": {"type": ["integer", "null"]}}),
        ("List[Any]", {"type": "array"}),
        ("set", {"type": "array", "uniqueItems": True}),
        ("Set[int]", {"type": "array", "items": INTEGER, "uniqueItems": True}),
        ("tuple", {"type": "array"}),
        ("Tuple[float, float]", {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}),
        ("Tuple[int, str]", {"type": "array", "prefixItems": [INTEGER, STRING], "minItems": 2, "maxItems": 2}),
        ("Tuple[int, ...]", {"type": "array", "items": INTEGER}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ('Literal["x, y]", 3]', {"type": ["string", "integer"], "enum": ["x, y]", 3]}),
        ("Literal[True, False]", {"type": "boolean", "enum": [True, False]}),
        ("Union[str, List[str]]", {"anyOf": [STRING, {"type": "array", "items": STRING}]}),
        ("Union[str, Union[int, str]]", {"type": ["string", "integer"]}),
        ("Union[int, Any]", {}),
        ("typing.List[str]", {"type": "array", "items": STRING}),
        ("numpy.float64", NUMBER),
        ("String", STRING),
        ("java.lang.String", STRING),
        ("Integer", INTEGER),
        ("long", INTEGER),
        ("char", STRING),
        ("ArrayList", {"type": "array"}),
        ("HashMap", {"type": "object"}),
        ("Map<String, List<int>>", {"type": "object", "additionalProperties": {"type": "array", "items": INTEGER}}),
        ("Array<string>", {"type": "array", "items": STRING}),
        ("int[]", {"type": "array", "items": INTEGER}),
        ("(string | number)[]", {"type": "array", "items": {"type": ["string", "number"]}}),
        ("'asc' | 'desc'", {"type": "string", "enum": ["asc", "desc"]}),
        ("list of integers", {"type": "array", "items": INTEGER}),
        ("array of dictionaries", {"type": "array", "items": {"type": "object"}}),
        ("int or float", {"type": ["integer", "number"]}),
        ("STRING", STRING),
    ],
)  # fmt: skip
def test_names_that_are_known(name: str, schema: dict[str, object]) -> None:
    said = read_type(name)
    assert json.dumps(said.schema) == json.dumps(schema)
    assert (said.optional, said.required, said.default, said.unread) == (False, False, (), ())


@pytest.mark.parametrize(
    ("name", "schema", "default"),
    [
        ("int, optional", INTEGER, ()),
        ("int (optional)", INTEGER, ()),
        ("optional int", INTEGER, ()),
        ("int optional", INTEGER, ()),
        ("str, optional, default 'London'", STRING, ("London",)),
        ("str (default 5)", STRING, ("5",)),
        ("int (default 5)", INTEGER, (5,)),
        ("int, default: -1", INTEGER, (-1,)),
        ("str, defaults to metric", STRING, ("metric",)),
        ("List[int], default [1, 2]", {"type": "array", "items": INTEGER}, ([1, 2],)),
        ("bool, optional, default=True", {"type": "boolean"}, (True,)),
        ("str, default None", STRING, (None,)),
        ("Optional[str]", {"type": ["string", "null"]}, ()),
        ("typing.Optional[int]", {"type": ["integer", "null"]}, ()),
        ("int | None", {"type": ["integer", "null"]}, ()),
        ("string?", {"type": ["string", "null"]}, ()),
        ("string, nullable", {"type": ["string", "null"]}, ()),
        ("Optional[Literal['a', 1]]", {"type": ["string", "integer", "null"], "enum": ["a", 1, None]}, ()),
        ("Union[str, List[str], None]", {"anyOf": [STRING, {"type": "array", "items": STRING}, {"type": "null"}]}, ()),
        ("None", {"type": "null"}, ()),
        ("Optional", {}, ()),
        ("Optional[Any]", {}, ()),
    ],
)
def test_names_that_say_that_the_parameter_may_be_left_out(
    name: str, schema: dict[str, object], default: tuple[object, ...]
) -> None:
    said = read_type(name)
    assert (said.schema, said.optional, said.default, said.unread) == (schema, True, default, ())


def test_a_name_may_say_that_the_parameter_is_required() -> None:
    assert read_type("int, required").required


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("datetime", {}),
        ("pd.DataFrame", {}),
        ("Callable[[float], float]", {}),
        ("List[Event]", {"type": "array"}),
        ("Union[int, Event]", {}),
        ("int, float", {}),
        ("Dict[str]", {"type": "object"}),
        ("List[int, str]", {"type": "array"}),
        ("string (YYYY-MM-DD)", STRING),
        ("int, default <now>", INTEGER),
        ("[[[", {}),
        ("int |", {}),
        ("{ a: string }", {}),
        ("Literal[007]", {}),
        ("list of", {}),
        ("Tuple[..., int]", {}),
        ("List[" * 60 + "int" + "]" * 60, {}),
        ("word " * LONGEST, {}),
    ],
)
def test_what_is_not_known_allows_everything_and_is_said(name: str, schema: dict[str, object]) -> None:
    said = read_type(name)
    assert said.schema == schema and len(said.unread) == 1 and len(said.unread[0]) < 2 * LONGEST


@given(st.text(alphabet="stri[],|Ltuple dcUnoOa.<>()?'5", max_size=40) | st.text(max_size=60))
def test_whatever_is_written_gives_a_valid_schema(name: str) -> None:
    said = read_type(name)
    Draft202012Validator.check_schema(said.schema)
    json.dumps([said.schema, said.default], allow_nan=False)


TYPES = st.recursive(
    st.sampled_from(["int", "str", "float", "bool", "None", "Any", "dict", "'a'", "3", "Foo"]),
    lambda inner: st.one_of(
        inner.map("List[{}]".format),
        inner.map("Optional[{}]".format),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"Union[{', '.join(parts)}]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"Tuple[{', '.join(parts)}]"),
        st.lists(inner, min_size=2, max_size=3).map(" | ".join),
        inner.map("Dict[str, {}]".format),
    ),
    max_leaves=8,
)


@given(TYPES)
def test_every_type_of_the_grammar_is_read(name: str) -> None:
    said = read_type(name)
    Draft202012Validator.check_schema(said.schema)
    assert ("Foo" in name) == bool(said.unread)

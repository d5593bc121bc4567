"""Declarations in every layout and dialect to one Tool with JSON Schema."""

from __future__ import annotations

import copy
import json
import logging
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hive_mind.conversation import MalformedConversation
from hive_mind.tool_schema import declaration, normalise, read_tool

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["to", "when"],
    "properties": {
        "when": {"description": "Day", "type": "string", "format": "date"},
        "to": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "options": {"$ref": "#/$defs/options"},
        "type": {"type": "string", "enum": ["a", "b"]},
        "level": {"type": ["integer", "null"], "minimum": 0, "x-order": None},
    },
    "additionalProperties": False,
    "$defs": {"options": {"type": "object", "properties": {"loud": {"type": "boolean", "default": False}}}},
}


def schema_of(parameters: Any, **more: Any) -> Any:
    return normalise({"name": "f", "description": "Do it", "parameters": parameters, **more}).tool.parameters


def notes_of(parameters: Any) -> list[tuple[str, str]]:
    return [(note.place, note.text) for note in normalise({"name": "f", "parameters": parameters}).notes]


def same(made: Any, expected: Any) -> bool:
    """Equal with the same order of keys."""
    return json.dumps(made) == json.dumps(expected)


@pytest.mark.parametrize(
    "written",
    [
        {"type": "function", "function": {"name": "f", "description": "Do it", "parameters": SCHEMA, "strict": True}},
        {"type": "function", "name": "f", "description": "Do it", "parameters": SCHEMA},
        {"name": "f", "description": "Do it", "parameters": SCHEMA},
        {"name": "f", "description": "Do it", "input_schema": SCHEMA},
        {"name": "f", "title": "F", "description": "Do it", "inputSchema": SCHEMA, "annotations": {}},
    ],
)
def test_json_schema_in_every_layout_comes_back_as_it_is(written: dict[str, Any]) -> None:
    made = normalise(written)
    assert (made.tool.name, made.tool.description, made.notes) == ("f", "Do it", ())
    assert same(made.tool.parameters, SCHEMA)


def test_a_tool_without_parameters() -> None:
    for written in (
        {"name": "f"},
        {"name": "f", "parameters": {}},
        {"name": "f", "inputSchema": None},
        {"name": "f", "parameters": {"type": "any"}},
        {"name": "f", "parameters": {"type": None, "a": None}},
    ):
        assert normalise(written).tool.parameters == {"type": "object", "properties": {}}


def test_a_table_of_parameters_as_xlam_has_it() -> None:
    made = schema_of({
        "what": {"description": "What.", "type": "str"},
        "limit": {"description": "How many.", "type": "int, optional"},
        "order": {"description": "Order.", "type": "str", "default": "asc"},
        "point": {"type": "Tuple[float, float]"},
        "where": {"type": "Optional[str]"},
        "none": {"type": "str", "default": None},
        "plain": {},
    })  # fmt: skip
    assert same(made, {
        "type": "object",
        "properties": {
            "what": {"description": "What.", "type": "string"},
            "limit": {"description": "How many.", "type": "integer"},
            "order": {"description": "Order.", "type": "string", "default": "asc"},
            "point": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "where": {"type": ["string", "null"]},
            "none": {"type": "string", "default": None},
            "plain": {},
        },
        "required": ["what", "point", "plain"],
    })  # fmt: skip


def test_a_table_may_say_in_other_ways_what_is_required() -> None:
    flags = {"a": {"type": "str", "required": True, "default": "x"}, "b": {"type": "str", "required": "false"}}
    assert schema_of(flags)["required"] == ["a"]
    assert schema_of({"a": {"type": "str", "optional": True}, "b": {"type": "str"}})["required"] == ["b"]
    assert schema_of({"a": {"type": "str, required", "default": "x"}})["required"] == ["a"]
    listed = schema_of({"a": {"type": "str"}, "b": {"type": "int"}, "required": ["b"]})
    assert listed["required"] == ["b"] and list(listed["properties"]) == ["a", "b"]


def test_parameters_named_like_keywords_are_parameters() -> None:
    names = ("type", "properties", "required", "items", "description", "default", "title")
    made = schema_of({name: {"type": "str", "description": "x"} for name in names})
    assert tuple(made["properties"]) == names and made["required"] == list(names)


def test_a_schema_without_a_type_is_no_table() -> None:
    for schema in (
        {"properties": {"a": {"type": "string"}}},
        {"properties": {"type": {"type": "string"}}, "required": []},
        {"properties": {"a": {}}, "additionalProperties": {"type": "string"}},
        {"additionalProperties": {"type": "string"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
    ):
        assert same(schema_of(schema), schema)


def test_bfcl_declarations() -> None:
    made = schema_of({
        "type": "dict",
        "properties": {
            "x": {"type": "float", "description": "X", "default": 0.5},
            "pair": {"type": "tuple", "items": {"type": "integer"}},
            "any": {"type": "any", "description": "Anything"},
            "map": {"type": "HashMap", "properties": {"inner": {"type": "ArrayList", "items": {"type": "String"}}}},
            "letter": {"type": "char"},
        },
        "required": ["x", "pair"],
    })  # fmt: skip
    assert same(made, {
        "type": "object",
        "properties": {
            "x": {"type": "number", "description": "X", "default": 0.5},
            "pair": {"type": "array", "items": {"type": "integer"}},
            "any": {"description": "Anything"},
            "map": {"type": "object", "properties": {"inner": {"type": "array", "items": {"type": "string"}}}},
            "letter": {"type": "string"},
        },
        "required": ["x", "pair"],
    })  # fmt: skip


def one(parameter: Any) -> Any:
    """Translate one property of a declaration in BFCL's dialect."""
    return schema_of({"type": "dict", "properties": {"a": parameter}})["properties"]["a"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"type": "List[int]", "minItems": 1}, {"type": "array", "items": {"type": "integer"}, "minItems": 1}),
        ({"type": "List", "items": {"type": "str"}}, {"type": "array", "items": {"type": "string"}}),
        ({"type": "List[int]", "items": {"type": "str"}}, {"type": "array", "items": {"type": "string"}}),
        ({"type": ["str", "None"]}, {"type": ["string", "null"]}),
        ({"type": ["string", "string"]}, {"type": "string"}),
        ({"type": "int (default 5)"}, {"type": "integer", "default": 5}),
        ({"type": "int (default 5)", "default": 6}, {"type": "integer", "default": 6}),
        ({"type": "array", "items": "string"}, {"type": "array", "items": {"type": "string"}}),
        ("str", {"type": "string"}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"$ref": "#/x", "nullable": True}, {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]}),
        ({"anyOf": [{"type": "str"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, {"type": "number", "exclusiveMinimum": 0}),
        ({"type": "number", "maximum": 9, "exclusiveMaximum": False}, {"type": "number", "maximum": 9}),
        (
            {"type": "tuple", "items": [{"type": "int"}, {"type": "str"}], "additionalItems": False},
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
        ),
        ({"type": "string", "enum": None, "items": None, "default": None}, {"type": "string", "default": None}),
        ({"type": "dict", "properties": {"b": None, "c": {"type": "str"}}, "required": None},
         {"type": "object", "properties": {"c": {"type": "string"}}}),
        ({"type": "dict", "properties": {"b": {"type": "str", "required": True}, "c": {"type": "int, required"}}},
         {"type": "object", "properties": {"b": {"type": "string"}, "c": {"type": "integer"}}, "required": ["b", "c"]}),
        ({"type": "dict", "properties": {}, "required": ["b", "b"]},
         {"type": "object", "properties": {}, "required": ["b"]}),
        ({"oneOf": [{"type": "float"}, {"not": {"type": "dict"}}]},
         {"oneOf": [{"type": "number"}, {"not": {"type": "object"}}]}),
        ({"type": "dict", "properties": []}, {"type": "object", "properties": {}}),
        ({"type": "dict", "additionalProperties": "False"}, {"type": "object", "additionalProperties": False}),
        (True, True),
    ],
)  # fmt: skip
def test_ways_of_other_dialects(written: Any, meant: Any) -> None:
    assert same(one(written), meant)
    assert notes_of({"type": "dict", "properties": {"a": written}}) == []


def test_openapi_alone_makes_a_declaration_another_dialect() -> None:
    assert schema_of({"type": "object", "properties": {"a": {"type": "string", "nullable": True}}}) == {
        "type": "object", "properties": {"a": {"type": ["string", "null"]}},
    }  # fmt: skip


def test_a_translated_schema_no_longer_names_an_older_draft() -> None:
    made = schema_of({"$schema": "http://json-schema.org/draft-07/schema#", "type": "dict", "properties": {}})
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_enum_that_contradicts_its_type_still_allows_something() -> None:
    listed = {"type": "array", "items": {"type": "string"}, "enum": ["a", "b"]}
    assert one(listed) == {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}
    flags = {"type": "boolean", "description": "D", "enum": ["True", "dontcare"]}
    assert same(one(flags), {"anyOf": [{"type": "boolean"}, {"enum": ["True", "dontcare"]}], "description": "D"})
    [(place, text)] = notes_of({"type": "dict", "properties": {"a": flags}})
    assert place == "parameters.properties.a.enum" and "boolean" in text
    in_json_schema = {"type": "object", "properties": {"a": flags}}
    assert same(schema_of(in_json_schema), in_json_schema), "a schema that is one is nobody's to change"


def test_lists_of_required_names_in_the_wrong_place_are_moved() -> None:
    inside = {"type": "object", "properties": {"a": {"type": "string"}, "required": ["a"]}}
    right = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert schema_of(inside) == right and len(notes_of(inside)) == 1
    beside = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert schema_of(beside, required=["a"]) == right
    assert schema_of(beside, required=["b"]) == beside
    assert schema_of({"a": {"type": "str"}, "b": {"type": "str"}}, required=["b"])["required"] == ["b"]


def test_unknown_type_names_allow_everything_and_are_noted_with_their_place() -> None:
    made = normalise({"name": "f", "parameters": {"a": {"type": "List[Event]"}, "b": {"type": "datetime"}}})
    assert made.tool.parameters["properties"] == {"a": {"type": "array"}, "b": {}}
    assert [(note.place, note.text) for note in made.notes] == [
        ("parameters.a.type", "the type name 'Event' is not known; any value is allowed"),
        ("parameters.b.type", "the type name 'datetime' is not known; any value is allowed"),
    ]


def test_each_kind_of_note_is_logged_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declaration, "_said", set())
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            read_tool({"name": f"f{number}", "parameters": {"a": {"type": "Event"}, "b": {"type": "str"}}})
        assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["tool f0, parameters.a.type"]
        for number in range(200):
            read_tool({"name": "g", "parameters": {"a": {"type": f"Event{number}"}}})
    assert len(caplog.records) == 51 and "further" in caplog.records[-1].getMessage()


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (7, "tools_not_readable"),
        ({"function": "f"}, "tools_not_readable"),
        ({"name": "f", "parameters": {"a": object()}}, "tools_not_readable"),
        ({"name": "f", "parameters": {"a": "str"}}, "tools_not_readable"),
        ({"name": "f", "parameters": {"a": {"type": "str"}, "type": "any"}}, "tools_not_readable"),
        ({"name": "", "parameters": {}}, "tool_without_name"),
        ({"name": ["f"]}, "tool_without_name"),
        ({"name": "f", "parameters": ["a"]}, "tool_parameters_not_object"),
        ({"name": "f", "parameters": {"type": "string"}}, "tool_schema_invalid"),
        ({"name": "f", "parameters": {"type": "list"}}, "tool_schema_invalid"),
        ({"name": "f", "parameters": {"type": []}}, "tool_schema_invalid"),
        ({"name": "f", "parameters": {"type": {"a": "b"}, "properties": 5}}, "tool_schema_invalid"),
        ({"name": "f", "parameters": {"type": "dict", "properties": {"a": {"enum": "a, b"}}}}, "tool_schema_invalid"),
        ({"name": "f", "parameters": {"type": "dict", "properties": {}, "required": "a"}}, "tool_schema_invalid"),
        ({"name": "f", "parameters": {"a": {"type": {"b": 1}}}}, "tool_schema_invalid"),
    ],
)
def test_what_is_no_declaration_is_refused_with_a_reason(written: Any, code: str) -> None:
    with pytest.raises(MalformedConversation) as error:
        normalise(written)
    assert error.value.code == code


def test_a_refusal_says_where_the_fault_lies() -> None:
    with pytest.raises(
        MalformedConversation, match=r"f is broken: parameters\.properties\.a\.enum is text, not a list"
    ):
        normalise({"name": "f", "parameters": {"type": "dict", "properties": {"a": {"enum": "a, b"}}}})


def test_nesting_without_end_is_refused() -> None:
    for levels in (2_000, 100_000):
        deep: dict[str, Any] = {"type": "int"}
        for _ in range(levels):
            deep = {"type": "list", "items": deep}
        with pytest.raises(MalformedConversation, match="too deeply"):
            normalise({"name": "f", "parameters": {"a": deep}})


def test_a_caller_may_change_its_declaration_afterwards() -> None:
    written = {"name": "mine", "parameters": copy.deepcopy(SCHEMA)}
    first = normalise(written).tool.parameters
    written["parameters"]["properties"].clear()  # type: ignore[index]
    assert same(first, SCHEMA)
    assert same(normalise({"name": "mine", "parameters": SCHEMA}).tool.parameters, SCHEMA)


def test_numbers_that_are_equal_in_python_stay_apart() -> None:
    for value in (1, 1.0, True, "1", 10**30):
        parameter = {"a": {"type": "int", "default": value}}
        assert same(schema_of(parameter)["properties"]["a"]["default"], value)


def test_repeated_declarations_are_quick() -> None:
    """50,000 a second is the goal; CPU time, the best of five, so that a busy machine does not fail it."""
    written = [{"name": f"f{n}", "description": "Do it", "parameters": SCHEMA} for n in range(100)]
    times = []
    for _ in range(5):
        before = time.process_time()
        for _ in range(10):
            for item in written:
                read_tool(item)
        times.append(time.process_time() - before)
    assert 1000 / min(times) > 50_000


LOOSE = st.sampled_from(["str", "List[int]", "float", "Foo", "a", "true"])
TYPES = st.sampled_from(["int", "dict", "any", "string", "int, optional", "Foo"])
NAMES = st.sampled_from(["a", "type", "required", "properties", "items"])
PARTS = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 3), LOOSE, st.lists(NAMES, max_size=2),
        st.builds(lambda name: {"type": name}, TYPES),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(NAMES, inner, max_size=3),
        st.dictionaries(
            st.sampled_from([
                "type", "enum", "items", "properties", "required", "nullable", "anyOf", "minimum", "exclusiveMinimum",
                "description", "default", "additionalProperties", "optional",
            ]),
            inner, max_size=4,
        ),
    ),
    max_leaves=12,
)  # fmt: skip
TYPED = st.fixed_dictionaries({"type": st.just("dict"), "properties": st.dictionaries(NAMES, PARTS, max_size=3)})


@given(PARTS | TYPED)
def test_whatever_is_declared_is_refused_or_made_valid_and_stays_so(parameters: Any) -> None:
    try:
        made = normalise({"name": "f", "parameters": parameters})
    except MalformedConversation as error:
        assert error.code and str(error)
        return
    Draft202012Validator.check_schema(made.tool.parameters)
    again = normalise(made.tool.to_dict())
    assert same(again.tool.to_dict(), made.tool.to_dict()) and again.notes == ()

"""Whether the calls of a conversation keep to the declarations that they were made under.

Only what a declaration surely says is checked: that the tool is declared, once; that what it requires is there; and the
types. Schemas in the wild are often no valid JSON Schema, so a keyword or type name that is none says nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hive_mind.conversation import Conversation

Problem = tuple[str, str]
"""A reason code, and what is wrong."""

# The JSON Schema types that a value is of, its own first. A fraction passes for an integer, because public sets declare
# so many numbers as integers (xLAM's latitudes, rates and hours are "int").
_KINDS: dict[type, tuple[str, ...]] = {
    str: ("string",), bool: ("boolean",), int: ("integer", "number"), float: ("number", "integer"),
    list: ("array",), dict: ("object",), type(None): ("null",),
}  # fmt: skip
_KNOWN_TYPES = frozenset(kind for kinds in _KINDS.values() for kind in kinds)


def call_problem(conversation: Conversation) -> Problem | None:
    """Return the first problem of the conversation's declarations and of the calls to learn, None where there is none.

    A call that only stands in the context may break its declaration: that may be why it failed.
    """
    schemas: dict[str, Any] = {}
    for tool in conversation.tools:
        if tool.name in schemas:
            return "tool_declared_twice", f"the tool {tool.name} is declared twice"
        schemas[tool.name] = tool.parameters
    for call in conversation.calls_to_learn:
        if call.name not in schemas:
            return "undeclared_tool", f"{call.name} is called but not declared"
        if problem := _problem(schemas[call.name], call.arguments, f"a call of {call.name}"):
            return problem
    return None


def _problem(schema: Any, value: Any, place: str) -> Problem | None:
    """Check a value against a schema; `place` says where the value stands, for a person."""
    if not isinstance(schema, Mapping):
        return None
    if not _has_type(schema, value):
        return "wrong_type", f"{place} is of the type {_KINDS[type(value)][0]}, not {schema['type']}"
    for options in (schema.get("anyOf"), schema.get("oneOf")):
        if isinstance(options, list) and options and all(_problem(option, value, place) for option in options):
            return "wrong_type", f"{place} is of none of the declared types"
    if isinstance(value, dict):
        return _member_problem(schema, value, place)
    if isinstance(value, list):
        items = schema.get("items")
        return next((problem for item in value if (problem := _problem(items, item, f"{place}, an item"))), None)
    return None


def _member_problem(schema: Mapping[str, Any], value: dict[str, Any], place: str) -> Problem | None:
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    if missing := [name for name in names if isinstance(name, str) and name not in value]:
        return "missing_argument", f"{place} lacks {', '.join(missing)}"
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, member in value.items():
            if problem := _problem(properties.get(name), member, f"{place}, {name}"):
                return problem
    return None


def _has_type(schema: Mapping[str, Any], value: Any) -> bool:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared]
    kinds = _KINDS.get(type(value))
    if kinds is None or not names or not all(isinstance(name, str) and name in _KNOWN_TYPES for name in names):
        return True
    return any(kind in names for kind in kinds) or (value is None and schema.get("nullable") is True)

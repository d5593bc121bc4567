"""What is JSON Schema already: the shape that every keyword of draft 2020-12 must have, checked in one walk.

The official way, validating a schema against its metaschema, takes most of a millisecond a tool; this takes a few
hundredths, and says where the fault lies in words. The tests hold the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})
DRAFT = "https://json-schema.org/draft/2020-12/schema"

ONE_SCHEMA = frozenset({
    "items", "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "not",
    "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
})  # fmt: skip
NAMED_SCHEMAS = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
LISTED_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_TEXTS = (
    "$comment", "$dynamicRef", "$recursiveRef", "$ref", "$schema", "contentEncoding", "contentMediaType",
    "description", "format", "pattern", "title",
)  # fmt: skip
_NUMBERS = ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum")
_COUNTS = (
    "maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength", "minProperties",
)  # fmt: skip
_FLAGS = ("deprecated", "readOnly", "uniqueItems", "writeOnly")
_LISTS = ("enum", "examples")

_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")

Check = Callable[[Any, str, "Checks"], str | None]
Checks = Mapping[str, Check]


def problem(schema: Any, place: str) -> str | None:
    """Say what keeps `schema` from being JSON Schema, and where, beginning with `place`; None if nothing does.

    A schema whose `$schema` names an older draft may use what that draft has. OpenAPI's `nullable` counts as a
    problem: every validator of JSON Schema would pass over it and refuse the null that it allows.
    """
    return _schema(schema, place, _checks_of(schema))


def is_legacy(schema: Any) -> bool:
    """Tell whether a schema names a draft older than 2020-12."""
    named = schema.get("$schema") if isinstance(schema, dict) else None
    return isinstance(named, str) and "draft" in named and "2020-12" not in named


def _checks_of(schema: Any) -> Checks:
    if not is_legacy(schema):
        return _CHECKS
    early = any(draft in schema["$schema"] for draft in ("draft-03", "draft-04"))
    return _EARLY_CHECKS if early else _LEGACY_CHECKS


def _schema(value: Any, place: str, checks: Checks) -> str | None:
    if isinstance(value, bool):
        return None
    if not isinstance(value, dict):
        return f"{place} is {kind(value)}, not a schema"
    for keyword, content in value.items():
        check = checks.get(keyword)
        found = check(content, f"{place}.{keyword}", checks) if check else None
        if found:
            return found
    return None


def _named_schemas(value: Any, place: str, checks: Checks) -> str | None:
    if not isinstance(value, dict):
        return f"{place} is {kind(value)}, not an object of schemas"
    found = (_schema(schema, f"{place}.{name}", checks) for name, schema in value.items())
    return next((problem for problem in found if problem), None)


def _listed_schemas(value: Any, place: str, checks: Checks) -> str | None:
    if not isinstance(value, list) or not value:
        return f"{place} is {kind(value)}, not a list of schemas with at least one"
    found = (_schema(schema, f"{place}[{position}]", checks) for position, schema in enumerate(value))
    return next((problem for problem in found if problem), None)


def _schema_or_list(value: Any, place: str, checks: Checks) -> str | None:
    return (_listed_schemas if isinstance(value, list) else _schema)(value, place, checks)


def _type(value: Any, place: str, checks: Checks) -> str | None:
    names = value if isinstance(value, list) else [value]
    if not names:
        return f"{place} is an empty list"
    for name in names:
        if not isinstance(name, str) or name not in TYPES:
            return f"{place} is {name!r}, not a type of JSON Schema"
    return f"{place} names a type twice" if len(set(names)) < len(names) else None


def _text(value: Any, place: str, checks: Checks) -> str | None:
    return None if isinstance(value, str) else f"{place} is {kind(value)}, not text"


def _anchor(value: Any, place: str, checks: Checks) -> str | None:
    return None if isinstance(value, str) and _ANCHOR.fullmatch(value) else f"{place} is not a name for an anchor"


def _identifier(value: Any, place: str, checks: Checks) -> str | None:
    return None if isinstance(value, str) and "#" not in value[:-1] else f"{place} is not an address without a fragment"


def _number(value: Any, place: str, checks: Checks) -> str | None:
    return None if _is_number(value) else f"{place} is {kind(value)}, not a number"


def _number_or_flag(value: Any, place: str, checks: Checks) -> str | None:
    return None if isinstance(value, bool) else _number(value, place, checks)


def _positive(value: Any, place: str, checks: Checks) -> str | None:
    return None if _is_number(value) and value > 0 else f"{place} is not a number above 0"


def _count(value: Any, place: str, checks: Checks) -> str | None:
    whole = _is_number(value) and value >= 0 and (isinstance(value, int) or value.is_integer())
    return None if whole else f"{place} is not a whole number from 0"


def _flag(value: Any, place: str, checks: Checks) -> str | None:
    return None if isinstance(value, bool) else f"{place} is {kind(value)}, not true or false"


def _list(value: Any, place: str, checks: Checks) -> str | None:
    return None if isinstance(value, list) else f"{place} is {kind(value)}, not a list"


def _names(value: Any, place: str, checks: Checks) -> str | None:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return f"{place} is {kind(value)}, not a list of names"
    return f"{place} holds a name twice" if len(set(value)) < len(value) else None


def _dependent_names(value: Any, place: str, checks: Checks) -> str | None:
    if not isinstance(value, dict):
        return f"{place} is {kind(value)}, not an object"
    found = (_names(names, f"{place}.{name}", checks) for name, names in value.items())
    return next((problem for problem in found if problem), None)


def _dependencies(value: Any, place: str, checks: Checks) -> str | None:
    if not isinstance(value, dict):
        return f"{place} is {kind(value)}, not an object"
    for name, content in value.items():
        found = (_names if isinstance(content, list) else _schema)(content, f"{place}.{name}", checks)
        if found:
            return found
    return None


def _nullable(value: Any, place: str, checks: Checks) -> str | None:
    return f"{place} is OpenAPI's, not JSON Schema's" if isinstance(value, bool) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind(value: Any) -> str:
    """Name a JSON value's kind for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = ((str, "text"), (int | float, "a number"), (list, "a list"), (dict, "an object"))
    return next((name for python, name in kinds if isinstance(value, python)), type(value).__name__)


_CHECKS: Checks = {
    **dict.fromkeys(ONE_SCHEMA - {"additionalItems"}, _schema),
    **dict.fromkeys(NAMED_SCHEMAS, _named_schemas),
    **dict.fromkeys(LISTED_SCHEMAS, _listed_schemas),
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_COUNTS, _count),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(_LISTS, _list),
    "$anchor": _anchor,
    "$dynamicAnchor": _anchor,
    "$id": _identifier,
    "type": _type,
    "multipleOf": _positive,
    "required": _names,
    "dependentRequired": _dependent_names,
    "dependencies": _dependencies,
    "nullable": _nullable,
}
_LEGACY_CHECKS: Checks = {**_CHECKS, "items": _schema_or_list, "additionalItems": _schema}
_EARLY_CHECKS: Checks = {
    **_LEGACY_CHECKS, "exclusiveMaximum": _number_or_flag, "exclusiveMinimum": _number_or_flag,
}  # fmt: skip

KEYWORDS = frozenset(_LEGACY_CHECKS) | {"const", "default"}
"""Every keyword of JSON Schema that is known here, and OpenAPI's `nullable`."""

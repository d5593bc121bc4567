"""Keywords that other dialects write in another way than JSON Schema does, one small rewriting each.

Every function takes a schema object and returns it rewritten, or the very same object where there is nothing to do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hive_mind.conversation import JSON


@dataclass(frozen=True, slots=True)
class Note:
    """Something in a declaration that was not understood or not taken as it stands: where, and what became of it."""

    place: str
    text: str


def flag(value: Any) -> bool | None:
    """Read true and false, and the same as text; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def rewrite(schema: JSON, place: str, notes: list[Note]) -> JSON:
    """Apply all rewritings below to one schema object whose `type` is JSON Schema's already."""
    schema = _names_once(_plain_texts(schema, place, notes))
    return _nullable(_agreeing_enum(_exclusive_bounds(_tuple_items(schema)), place, notes))


def lift_required(schema: JSON, place: str, notes: list[Note]) -> JSON:
    """Gather `required: true` of the properties, and a list that stands among them, in the object's own list."""
    properties = schema.get("properties")
    stated = schema.get("required")
    if not isinstance(properties, dict) or not (stated is None or isinstance(stated, list | bool)):
        return schema
    inside = properties.get("required")
    misplaced = isinstance(inside, list) and all(name in properties for name in inside if isinstance(name, str))
    flags = {
        name: flag(part["required"])
        for name, part in properties.items()
        if isinstance(part, dict) and flag(part.get("required")) is not None
    }
    if not misplaced and not flags:
        return schema
    if misplaced:
        notes.append(Note(f"{place}.properties.required", "a list of names among the properties; it is moved out"))
    needed = list(stated) if isinstance(stated, list) else []
    needed += inside if misplaced and isinstance(inside, list) else []
    needed += [name for name, required in flags.items() if required]
    bare = {
        name: {key: value for key, value in part.items() if key != "required"} if name in flags else part
        for name, part in properties.items()
        if not (misplaced and name == "required")
    }
    made = {**schema, "properties": bare, "required": needed}
    if not needed:
        del made["required"]
    return made


def _plain_texts(schema: JSON, place: str, notes: list[Note]) -> JSON:
    """Write a description or title that is no text as the JSON that it is."""
    odd = [key for key in ("description", "title") if not isinstance(schema.get(key, ""), str)]
    notes += [Note(f"{place}.{key}", "not a text; it is written as one") for key in odd]
    texts = {key: json.dumps(schema[key], ensure_ascii=False) for key in odd}
    return {**schema, **texts} if odd else schema


def _names_once(schema: JSON) -> JSON:
    """Leave out what stands in `required` a second time."""
    required = schema.get("required")
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return schema
    return {**schema, "required": list(dict.fromkeys(required))}


def _tuple_items(schema: JSON) -> JSON:
    """Write a list of `items`, one a member, as `prefixItems` with the older `additionalItems` as `items`."""
    members = schema.get("items")
    if not isinstance(members, list):
        return schema
    made: JSON = {}
    for key, value in schema.items():
        if key == "items":
            made |= {"prefixItems": members} if members else {}
        elif key == "additionalItems":
            made["items"] = value
        else:
            made[key] = value
    return made


def _exclusive_bounds(schema: JSON) -> JSON:
    """Write `minimum: 0, exclusiveMinimum: true` of draft 4 and OpenAPI as `exclusiveMinimum: 0`."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        said = schema.get(exclusive)
        if not isinstance(said, bool):
            continue
        rest = {key: value for key, value in schema.items() if key != exclusive}
        if said and bound in rest:
            rest = {exclusive if key == bound else key: value for key, value in rest.items()}
        schema = rest
    return schema


def _nullable(schema: JSON) -> JSON:
    """Write OpenAPI's `nullable: true` as a type that allows null."""
    if not isinstance(schema.get("nullable"), bool):
        return schema
    made = {key: value for key, value in schema.items() if key != "nullable"}
    if not schema["nullable"]:
        return made
    types = _types(made)
    if not types and not _OTHER_WAYS.isdisjoint(made):
        return {"anyOf": [made, {"type": "null"}]}
    if types and "null" not in types:
        made["type"] = [*types, "null"]
    if "null" not in types and isinstance(made.get("anyOf"), list) and {"type": "null"} not in made["anyOf"]:
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    return made


def _agreeing_enum(schema: JSON, place: str, notes: list[Note]) -> JSON:
    """Resolve an `enum` none of whose values is of the `type` beside it, which together would allow nothing at all.

    For an array they are what its items may be. Elsewhere the declaration says two things, and either is allowed.
    """
    types, values = _types(schema), schema.get("enum")
    if not types or not isinstance(values, list) or not values:
        return schema
    if any(_is_of(value, name) for value in values for name in types):
        return schema
    items = schema.get("items", {})
    rest = {key: value for key, value in schema.items() if key != "enum"}
    if types == ["array"] and isinstance(items, dict) and "enum" not in items:
        notes.append(Note(f"{place}.enum", "no value of it is a list; it is taken as what the items may be"))
        inner = _agreeing_enum({**items, "enum": values}, f"{place}.items", notes)
        return {**rest, "items": inner}
    if "anyOf" in schema:
        return schema
    notes.append(Note(f"{place}.enum", f"no value of it is of the type {' or '.join(types)}; either is allowed"))
    either = [{"type": schema["type"]}, {"enum": values}]
    made: JSON = {}
    for key, value in rest.items():
        made |= {"anyOf": either} if key == "type" else {key: value}
    return made


def _types(schema: JSON) -> list[str]:
    said = schema.get("type")
    if isinstance(said, str):
        return [said]
    return said if isinstance(said, list) and all(isinstance(name, str) for name in said) else []


def _is_of(value: Any, name: str) -> bool:
    """Tell whether a value is of a JSON Schema type; of a name that is none, for the check to name it, anything is."""
    if isinstance(value, bool):
        return name == "boolean" or name not in _PYTHON
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _PYTHON.get(name, object))


_OTHER_WAYS = frozenset({"$ref", "allOf", "const", "oneOf"})
_PYTHON: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
    "null": type(None),
}  # fmt: skip

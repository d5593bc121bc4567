"""Schemas of other dialects into JSON Schema: type names anywhere inside, OpenAPI's and older drafts' ways, tables.

A dialect differs in what `type` may say, in how it says that a parameter may be left out, and in a few keywords. All
else stays as it stands, in its order. What is not understood is noted, with its place; nothing is made up for it.
"""

from __future__ import annotations

from typing import Any

from hive_mind.conversation import JSON
from hive_mind.tool_schema import json_schema as standard
from hive_mind.tool_schema.keywords import Note, flag, lift_required, rewrite
from hive_mind.tool_schema.type_grammar import any_of
from hive_mind.tool_schema.type_names import TypeName, read_type

_NEVER_NULL = standard.KEYWORDS - {"const", "default"}


def translate(schema: JSON, place: str, notes: list[Note]) -> JSON:
    """Return a schema of another dialect as JSON Schema of draft 2020-12, adding to `notes`.

    What no dialect explains stays as it is, for the check of the result to name.
    """
    made: JSON = _translate(schema, place, notes)
    return {**made, "$schema": standard.DRAFT} if standard.is_legacy(made) else made


def translate_table(parameters: JSON, place: str, notes: list[Note]) -> JSON:
    """Return the schema of a table of parameters, as xLAM has it: {"city": {"type": "str", "description": ...}}.

    A parameter may be left out if it says so (in its type, by `required` or `optional`), has a default, or allows null.
    A list of names under `required`, beside the parameters, decides for all.
    """
    listed = parameters.get("required")
    properties: JSON = {}
    needed = []
    for name, parameter in parameters.items():
        if parameter is None or (name == "required" and isinstance(listed, list)):
            continue
        if not _may_be_left_out(parameter):
            needed.append(name)
        bare = {key: value for key, value in parameter.items() if not _says_needed(key, value)}
        properties[name] = _translate(bare, f"{place}.{name}", notes)
    required = listed if isinstance(listed, list) else needed
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _may_be_left_out(parameter: JSON) -> bool:
    needed = flag(parameter.get("required"))
    if needed is not None:
        return not needed
    said = _said(parameter.get("type"))
    if said.required:
        return False
    return said.optional or flag(parameter.get("optional")) is True or "default" in parameter


def _says_needed(key: str, value: Any) -> bool:
    return key in ("required", "optional") and flag(value) is not None


def _translate(value: Any, place: str, notes: list[Note]) -> Any:
    if isinstance(value, str):
        # {"items": "string"}: where a schema must stand, a text can only name a type, or be true or false in quotes
        value = {"type": value} if flag(value) is None else flag(value)
    if not isinstance(value, dict):
        return value
    schema = lift_required(_required_by_type(value), place, notes)
    made: JSON = {}
    for key, content in schema.items():
        if content is None and key in _NEVER_NULL:
            continue  # the padding of a table whose rows all have the same keys
        if key == "required" and flag(content) is not None:
            continue  # a flag on what is no property, where it says nothing
        if key == "type":
            made |= _type(content, schema, f"{place}.{key}", notes)
        else:
            made[key] = _content(key, content, f"{place}.{key}", notes)
    return rewrite(made, place, notes)


def _required_by_type(schema: JSON) -> JSON:
    """Turn the remark of a property's type ("int, required") into a flag beside it."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    said = {name: _said(part.get("type")) for name, part in properties.items() if isinstance(part, dict)}
    marked = {name: {**properties[name], "required": True} for name, kind in said.items() if kind.required}
    return {**schema, "properties": {**properties, **marked}} if marked else schema


def _content(key: str, content: Any, place: str, notes: list[Note]) -> Any:
    """Translate the schemas that stand under a keyword."""
    if isinstance(content, list) and (key in standard.LISTED_SCHEMAS or key in standard.ONE_SCHEMA):
        return [_translate(part, f"{place}[{position}]", notes) for position, part in enumerate(content)]
    if key in standard.ONE_SCHEMA:
        return _translate(content, place, notes)
    if key in standard.NAMED_SCHEMAS and content == []:
        return {}  # PHP's way of writing an empty object
    if key in standard.NAMED_SCHEMAS and isinstance(content, dict):
        present = {name: part for name, part in content.items() if part is not None}
        return {name: _translate(part, f"{place}.{name}", notes) for name, part in present.items()}
    return content


def _type(names: Any, schema: JSON, place: str, notes: list[Note]) -> JSON:
    """Return the keywords that a `type` says; those that the schema says itself count more."""
    if isinstance(names, str) and names in standard.TYPES:
        return {"type": names}
    if not isinstance(names, str) and not _is_list_of_names(names):
        return {"type": names}
    said = _said(names)
    notes += [Note(place, text) for text in said.unread]
    made = {key: value for key, value in said.schema.items() if key == "type" or key not in schema}
    if said.default and "default" not in schema:
        made["default"] = said.default[0]
    return made


def _said(names: Any) -> TypeName:
    """Read a type name, or a list of them as their union; anything else says nothing."""
    if isinstance(names, str):
        return read_type(names)
    if not _is_list_of_names(names):
        return TypeName({})
    parts = [read_type(name) for name in names]
    unread = tuple(text for part in parts for text in part.unread)
    return TypeName(any_of([part.schema for part in parts]), any(part.optional for part in parts), unread=unread)


def _is_list_of_names(names: Any) -> bool:
    return isinstance(names, list) and len(names) > 0 and all(isinstance(name, str) for name in names)

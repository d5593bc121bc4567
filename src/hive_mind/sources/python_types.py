"""Python type names, as xLAM writes them ("str", "List[int]", "int, optional"), to JSON Schema."""

from __future__ import annotations

from hive_mind.conversation import JSON

_SIMPLE = {
    "str": "string", "string": "string", "text": "string", "int": "integer", "integer": "integer",
    "float": "number", "number": "number", "bool": "boolean", "boolean": "boolean", "none": "null",
    "nonetype": "null", "dict": "object", "dictionary": "object", "object": "object", "mapping": "object",
}  # fmt: skip
_LISTS = frozenset({"list", "sequence", "iterable", "array", "set", "frozenset", "tuple"})
_UNIQUE = frozenset({"set", "frozenset"})


def schema_of(text: str) -> tuple[JSON, bool]:
    """Return the JSON Schema of a type name, and whether the name says "optional".

    A name that says nothing JSON Schema could check (`Any`, a callable, a class) gives the schema that allows all.
    """
    name, *words = (part.strip() for part in _split(text, ","))
    optional = any(word.lower().startswith("optional") for word in words)
    outer, inner = _generic(name)
    if outer.lower().split(".")[-1] == "optional":
        return _schema(inner), True
    return _schema(name), optional


def _schema(name: str) -> JSON:
    outer, inner = _generic(name.strip())
    kind = outer.lower().split(".")[-1]
    members = _split(inner, ",") if inner else []
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    if kind in _LISTS:
        return _list_schema(kind, [_schema(member) for member in members])
    if kind == "optional":
        return _schema(inner)
    if kind == "union" or (not inner and "|" in name):
        parts = members if kind == "union" else name.split("|")
        return _any_of([_schema(part) for part in parts])
    return {}


def _list_schema(kind: str, members: list[JSON]) -> JSON:
    schema: JSON = {"type": "array"}
    if kind == "tuple" and len(members) > 1 and any(member != members[0] for member in members):
        schema["prefixItems"] = members
    elif members and members[0]:
        schema["items"] = members[0]
    if kind == "tuple" and len(members) > 1 and "prefixItems" not in schema:
        schema["minItems"] = schema["maxItems"] = len(members)
    if kind in _UNIQUE:
        schema["uniqueItems"] = True
    return schema


def _any_of(members: list[JSON]) -> JSON:
    distinct: list[JSON] = []
    for member in members:
        if member not in distinct:
            distinct.append(member)
    if {} in distinct:
        return {}
    if all(set(member) == {"type"} for member in distinct):
        types = [member["type"] for member in distinct]
        return {"type": types[0] if len(types) == 1 else types}
    return {"anyOf": distinct}


def _generic(name: str) -> tuple[str, str]:
    """Split `List[int]` into `List` and `int`."""
    outer, bracket, inner = name.partition("[")
    return outer.strip(), inner.rpartition("]")[0].strip() if bracket else ""


def _split(text: str, separator: str) -> list[str]:
    """Split at separators that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]

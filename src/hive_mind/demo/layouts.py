"""How a corpus document shows forms and fills one in: JSON under any keys and tags, JSON Schema, signatures, SQL.

Keys, tags and the sentences around them are drawn anew for every document, so that what is learnt is to follow the
format that stands there, not one format.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hive_mind.demo.forms import Form, Naming
from hive_mind.demo.values import made_up, spoken

Filled = dict[str, Any]
TYPES = {
    "plain": {"string": "text", "enum": "text", "integer": "number", "number": "number", "boolean": "yes or no",
              "array": "list"},
    "python": {"string": "str", "enum": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list"},
    "sql": {"string": "TEXT", "enum": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "BOOLEAN",
            "array": "TEXT"},
}  # fmt: skip
_KEYS_TEXT = """
    form fields entry values action details record content do with title data sheet cells kind slots step inputs use
    given item parts what how card lines job needs slip marks task spec key value label body id props call_sign payload
    op args type info header rest event facts order extras unit settings command options verb objects topic points
"""
KEYS = tuple(_KEYS_TEXT.split())
THINGS = (
    "forms", "templates", "sheets", "cards", "records", "entries", "actions", "slips", "steps", "jobs", "recipes",
    "commands", "orders", "blanks", "services", "items",
)  # fmt: skip
RULES = (
    "Answer with {shape}", "For each request, answer with {shape}", "Fill in the one that fits:\n{shape}",
    "Reply as {shape}", "Write {shape} for everything that is wanted.", "Return a JSON object like this:\n{shape}",
    "For every entry, return a JSON object with the {a} and the {b}:\n{shape}", "Format: {shape}", "{shape}",
    "Give the {a} and the {b} of the one that is meant:\n{shape}",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a document shows its forms (`declare`), how it fills one in (`fill`), and the sentence that asks for it."""

    naming: Naming
    declare: Callable[[Form], str]
    fill: Callable[[Form, Filled], str]
    rule: str


def draw_layout(rng: Random) -> Layout:
    """Choose how one document shows and fills its forms."""
    naming = Naming(rng.choice(("snake", "snake", "snake", "snake", "camel", "dotted")), rng.random() < 0.6)
    snake = Naming("snake", naming.noun_first)
    shape = rng.randrange(16)
    if shape == 0:
        return Layout(snake, _signature, _call, rng.choice(("Answer with the call.", "Write the Python call.")))
    if shape == 1:
        return Layout(Naming("kebab", naming.noun_first), _usage, _command, "Answer with the command.")
    if shape == 2:
        return Layout(snake, _table, _insert, "Answer in SQL.")
    if shape == 3:
        return Layout(naming, _listed, _yaml, "Answer in YAML.")
    return _json_layout(rng, naming)


def draw_key(rng: Random) -> str:
    """A key of a JSON object: mostly a common one, now and then a made-up word."""
    return rng.choice(KEYS) if rng.random() < 0.9 else made_up(rng)


def _json_layout(rng: Random, naming: Naming) -> Layout:
    name, about, fields, outer = (draw_key(rng) for _ in range(4))
    declared = rng.choice((_flat, _schema, _schema, _nested, _nested, _nested))
    with_required = rng.random() < 0.5
    a, b = (name, fields) if rng.random() < 0.4 else (draw_key(rng), draw_key(rng))
    if len({a, b}) < 2 or len({name, about, fields}) < 3:
        a, b, name, about, fields = "form", "fields", "form", "about", "fields"

    def declare(form: Form) -> str:
        return _compact(declared(form, (name, about, fields, outer), with_required))

    tag, shape = draw_key(rng), rng.randrange(7)
    before, after = (f"<{tag}>\n", f"\n</{tag}>") if shape >= 3 else ("", "")
    if shape == 0:
        rule = f'{{"{a}": <{a}>, ...}}'
        return Layout(
            naming, declare, lambda form, filled: _compact({a: form.name} | filled), _sentence(rng, rule, a, b)
        )
    rule = f'{before}{{"{a}": <{rng.choice((a, name))}>, "{b}": <{rng.choice((b, fields))}>}}{after}'
    return Layout(
        naming,
        rng.choice((declare, declare, declare, declare, declare, _listed)),
        lambda form, filled: before + _compact({a: form.name, b: filled}) + after,
        _sentence(rng, rule, a, b),
    )


def _sentence(rng: Random, shape: str, a: str, b: str) -> str:
    return rng.choice(RULES).format(shape=shape, a=a, b=b)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _flat(form: Form, keys: tuple[str, str, str, str], with_required: bool) -> dict[str, Any]:
    name, about, fields, _ = keys
    types = TYPES["plain"]
    return {
        name: form.name,
        about: form.about,
        fields: {field.name: list(field.options) or types[field.kind.type] for field in form.fields},
    }


def _properties(form: Form, with_required: bool) -> dict[str, Any]:
    properties = {}
    for field in form.fields:
        kind: dict[str, Any] = {"type": "string" if field.options else field.kind.type}
        if field.options:
            kind["enum"] = list(field.options)
        if field.kind.type == "array":
            kind["items"] = {"type": "string"}
        properties[field.name] = kind
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if with_required:
        schema["required"] = [field.name for field in form.fields if not field.optional]
    return schema


def _schema(form: Form, keys: tuple[str, str, str, str], with_required: bool) -> dict[str, Any]:
    return {"title": form.name, "description": form.about} | _properties(form, with_required)


def _nested(form: Form, keys: tuple[str, str, str, str], with_required: bool) -> dict[str, Any]:
    name, about, fields, outer = keys
    return {"type": outer, outer: {name: form.name, about: form.about, fields: _properties(form, with_required)}}


def _listed(form: Form) -> str:
    fields = ", ".join(
        f"{field.name} ({'/'.join(field.options)})" if field.options else field.name for field in form.fields
    )
    return f"- {form.name}: {form.about} Needs {fields}."


def _signature(form: Form) -> str:
    given = ", ".join(f"{field.name}: {TYPES['python'][field.kind.type]}" for field in form.fields)
    return f'def {form.name}({given}):\n    """{form.about}"""\n'


def _usage(form: Form) -> str:
    given = " ".join(f"--{field.name.replace('_', '-')} {field.kind.type.upper()}" for field in form.fields)
    return f"{form.name} {given}\n    {form.about}"


def _table(form: Form) -> str:
    columns = ", ".join(f"{field.name} {TYPES['sql'][field.kind.type]}" for field in form.fields)
    return f"CREATE TABLE {form.name} ({columns});"


def _call(form: Form, filled: Filled) -> str:
    return f"{form.name}({', '.join(f'{name}={_python(value)}' for name, value in filled.items())})"


def _python(value: Any) -> str:
    return _compact(value) if isinstance(value, str | list) else repr(value)


def _command(form: Form, filled: Filled) -> str:
    return " ".join([form.name, *(f"--{name.replace('_', '-')} {_shell(value)}" for name, value in filled.items())])


def _shell(value: Any) -> str:
    if isinstance(value, list):
        return f'"{",".join(value)}"'
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _insert(form: Form, filled: Filled) -> str:
    cells = ", ".join("'" + spoken(v) + "'" if isinstance(v, str | list) else str(v).upper() for v in filled.values())
    return f"INSERT INTO {form.name} ({', '.join(filled)}) VALUES ({cells});"


def _yaml(form: Form, filled: Filled) -> str:
    return "\n".join([f"{form.name}:", *(f"  {name}: {_compact(value)}" for name, value in filled.items())])

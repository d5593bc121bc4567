"""How a corpus document shows its forms and how it fills one in: JSON, signatures, command lines, SQL, lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hive_mind.demo.forms import STYLES, Form
from hive_mind.demo.values import spoken

WORDS_FOR_TYPES = {
    "json": {"string": "text", "integer": "number", "number": "number", "boolean": "yes or no", "array": "list"},
    "python": {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "enum": "str"},
    "sql": {"string": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "BOOLEAN", "array": "TEXT",
            "enum": "TEXT"},
}  # fmt: skip
WRAPPERS = (
    ("form", "fields"), ("entry", "values"), ("action", "details"), ("record", "content"), ("do", "with"),
    ("title", "data"), ("sheet", "cells"), ("kind", "slots"), ("step", "inputs"), ("use", "given"),
)  # fmt: skip
HEADINGS = ("Forms", "Templates", "Sheets", "Cards", "Records", "Entries", "Actions", "Slips", "Steps", "Jobs")
TAGS = ("form", "entry", "fill", "record", "answer", "card", "job", "slip", "item", "do")


@dataclass(frozen=True)
class Layout:
    """How a document shows its forms (`declare`) and how it fills one in (`fill`)."""

    style: str
    declare: Callable[[Form], str]
    fill: Callable[[Form, dict[str, Any]], str]
    rule: str


def compact(value: Any) -> str:
    """Write JSON on one line, as a chat template would."""
    return json.dumps(value, ensure_ascii=False)


def _flat_json(form: Form, keys: tuple[str, str]) -> str:
    return compact({keys[0]: form.name, "about": form.about, keys[1]: flat_fields(form)})


def flat_fields(form: Form) -> dict[str, Any]:
    """Fields with a word for their type, or their choices."""
    types = WORDS_FOR_TYPES["json"]
    return {field.name: list(field.options) or types[field.kind.type] for field in form.fields}


def _schema_json(form: Form, required: bool) -> str:
    return compact(_schema(form, required))


def properties(form: Form) -> dict[str, Any]:
    """Fields as JSON Schema's properties."""
    found = {}
    for field in form.fields:
        kind: dict[str, Any] = {"type": "string" if field.options else field.kind.type}
        if field.options:
            kind["enum"] = list(field.options)
        if field.kind.type == "array":
            kind["items"] = {"type": "string"}
        found[field.name] = kind
    return found


def _schema(form: Form, required: bool) -> dict[str, Any]:
    schema = {"title": form.name, "description": form.about, "type": "object", "properties": properties(form)}
    return schema | {"required": [form.fields[0].name]} if required else schema


def _nested_schema_json(form: Form, keys: tuple[str, str], required: bool) -> str:
    return compact({"type": keys[0], keys[0]: _schema(form, required)})


def listed(form: Form) -> str:
    """A form in one line of words."""
    fields = ", ".join(
        f"{field.name} ({'/'.join(field.options)})" if field.options else field.name for field in form.fields
    )
    return f"- {form.name}: {form.about} Needs {fields}."


def _signature(form: Form) -> str:
    types = WORDS_FOR_TYPES["python"]
    given = ", ".join(f"{field.name}: {types[field.kind.type]}" for field in form.fields)
    return f'def {form.name}({given}):\n    """{form.about}"""\n'


def _usage(form: Form) -> str:
    given = " ".join(f"--{field.name.replace('_', '-')} {field.kind.type.upper()}" for field in form.fields)
    return f"{form.name} {given}\n    {form.about}"


def _table(form: Form) -> str:
    types = WORDS_FOR_TYPES["sql"]
    return f"CREATE TABLE {form.name} ({', '.join(f'{f.name} {types[f.kind.type]}' for f in form.fields)});"


def _call(form: Form, filled: dict[str, Any]) -> str:
    return f"{form.name}({', '.join(f'{name}={_python(value)}' for name, value in filled.items())})"


def _python(value: Any) -> str:
    return compact(value) if isinstance(value, str | list) else repr(value)


def _command(form: Form, filled: dict[str, Any]) -> str:
    given = []
    for name, value in filled.items():
        text = (
            ",".join(value)
            if isinstance(value, list)
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )
        given.append(f"--{name.replace('_', '-')} " + (f'"{text}"' if isinstance(value, str | list) else text))
    return f"{form.name} {' '.join(given)}"


def _insert(form: Form, filled: dict[str, Any]) -> str:
    cells = ", ".join("'" + spoken(v) + "'" if isinstance(v, str | list) else str(v).upper() for v in filled.values())
    return f"INSERT INTO {form.name} ({', '.join(filled)}) VALUES ({cells});"


def _yaml(form: Form, filled: dict[str, Any]) -> str:
    return "\n".join([f"{form.name}:", *(f"  {name}: {compact(value)}" for name, value in filled.items())])


def draw_layout(rng: Random) -> Layout:
    """Choose how one document shows and fills its forms: as JSON in three of four, as code in the rest."""
    style = rng.choice(STYLES)
    shape = rng.randrange(16)
    if shape == 0:
        return Layout("verb_noun", _signature, _call, rng.choice(("Answer with the call.", "Write the Python call.")))
    if shape == 1:
        return Layout("verb-noun", _usage, _command, "Answer with the command.")
    if shape == 2:
        return Layout("noun_verb", _table, _insert, "Answer in SQL.")
    if shape == 3:
        return Layout(style, listed, _yaml, "Answer in YAML.")
    keys = rng.choice(WRAPPERS)
    required = rng.random() < 0.5
    declare = rng.choice((
        listed, lambda form: _schema_json(form, required), lambda form: _flat_json(form, keys),
        lambda form: _nested_schema_json(form, keys, required), lambda form: _nested_schema_json(form, keys, required),
    ))  # fmt: skip
    return _json_layout(rng, style, keys, declare)


def _json_layout(rng: Random, style: str, keys: tuple[str, str], declare: Callable[[Form], str]) -> Layout:
    tag = rng.choice(TAGS)
    before, after = (f"<{tag}>\n", f"\n</{tag}>") if rng.random() < 0.7 else ("", "")
    rule = f'Answer with {before}{{"{keys[0]}": <{keys[0]}>, "{keys[1]}": <{keys[1]}>}}{after}'
    return Layout(
        style, declare, lambda form, filled: before + compact({keys[0]: form.name, keys[1]: filled}) + after, rule
    )

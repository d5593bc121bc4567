"""Declared tools to a grammar of what a reply may be, in llguidance's dialect of Lark.

A tool's arguments may come in any order; those of an object inside of them come in the order of its schema. An object
that names its properties gets no others, unless it says so with `additionalProperties` or in a way that only a whole
schema shows (`allOf`, `$ref` ...): a call with an argument that nobody declared is of no use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import llguidance

from hive_mind.conversation import JSON, Tool
from hive_mind.inference.call_format import CallFormat
from hive_mind.tool_schema.json_schema import LISTED_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA

_OPEN_ENDED = ("additionalProperties", "patternProperties", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "$ref")
_IN_THE_WAY = (
    ("pattern",), ("patternProperties",), ("$ref", "$dynamicRef"),
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), ("minLength", "maxLength"),
    ("enum", "const"), ("allOf", "anyOf", "oneOf"), ("required", "additionalProperties"),
)  # fmt: skip
"""What is taken out of a schema that llguidance refuses, until it takes it."""
_PLAIN_OBJECT = {
    "type", "properties", "required", "additionalProperties", "title", "description", "default", "examples", "$schema",
    "$defs", "definitions",
}  # fmt: skip
_DEFINITIONS = ("#/$defs/", "#/definitions/")
_MOST = 60  # properties: which ones a call has is kept in 64 bits
_QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True, slots=True)
class ArgumentGrammar:
    """What a tool's arguments are held to, and the keywords of its schema that are not enforced.

    properties: each argument's name and schema, the required ones first, which may come in any order; or None, and then
    `schema` is the whole object's, whose order is fixed.
    """

    schema: str
    properties: tuple[tuple[str, str], ...] | None
    required: int
    not_enforced: tuple[str, ...]

    def rules(self, name: str, call_format: CallFormat) -> list[str]:
        """Return the rules of a non-terminal of this name."""
        if self.properties is None:
            return [f"{name}: %json {self.schema}"]
        if not self.properties:
            return [f'{name}: "{{}}"']
        empty = "" if self.required else ' | "{}"'
        choices = [
            f"{json.dumps(json.dumps(key, ensure_ascii=False) + call_format.key_separator)} {name}_{place}"
            f" {name}_more::set_bit({place}) %if bit_clear({place})"
            for place, (key, _) in enumerate(self.properties)
        ]
        return [
            f'{name}: "{{" {name}_any::0x0{empty}',
            f"{name}_any::_: " + "\n  | ".join(choices),
            f'{name}_more::_: "}}" %if {f"is_ones([0:{self.required}])" if self.required else "true"}',
            f"  | {json.dumps(call_format.item_separator)} {name}_any::_ %if bit_count_lt(_, {len(self.properties)})",
            *(f"{name}_{place}: %json {schema}" for place, (_, schema) in enumerate(self.properties)),
        ]


def argument_grammar(tool: Tool, call_format: CallFormat) -> ArgumentGrammar:
    """Return what a tool's arguments are held to, written as the call format writes JSON."""
    return _argument_grammar(json.dumps(tool.parameters), _options(call_format))


def json_grammar(schema: JSON, call_format: CallFormat) -> ArgumentGrammar:
    """Return what a reply that is JSON of this schema is held to: its properties come in the schema's own order.

    A schema that says nothing means any object.
    """
    options = _options(call_format)
    held, not_enforced = _enforceable(_closed(schema) or {"type": "object"}, options)
    return ArgumentGrammar(_text(held, options), None, 0, not_enforced)


def _options(call_format: CallFormat) -> str:
    options = {
        "item_separator": re.escape(call_format.item_separator), "key_separator": re.escape(call_format.key_separator),
        "whitespace_flexible": False, "lenient": True,
    }  # fmt: skip
    return json.dumps(options)


@lru_cache(maxsize=4096)
def _argument_grammar(parameters: str, options: str) -> ArgumentGrammar:
    schema, not_enforced = _enforceable({**_closed(json.loads(parameters), top=True), "type": "object"}, options)
    return ArgumentGrammar(_text(schema, options), *_in_any_order(schema, options), not_enforced)


def _enforceable(schema: JSON, options: str) -> tuple[JSON, tuple[str, ...]]:
    """Return as much of a schema as llguidance can hold a text to, and the keywords that it cannot."""
    removed: list[str] = []
    for group in ((), *_IN_THE_WAY):
        present = {keyword for part in _subschemas(schema) for keyword in part} & set(group)
        if group and not present:
            continue
        removed += sorted(present)
        schema = _without(schema, present)
        said = _try(schema, options)
        if said is not None:
            return schema, tuple(dict.fromkeys([*removed, *_keywords(said)]))
    everything = {keyword for part in _subschemas(schema) for keyword in part} - {"type"}
    return {"type": "object"}, tuple(sorted(everything | {*removed}))


def _in_any_order(schema: JSON, options: str) -> tuple[tuple[tuple[str, str], ...] | None, int]:
    """Return the properties of a closed object, the required ones first, and how many those are.

    None if they are too many, or if more is said about the object than a list of properties can hold. A property that
    nothing can be is left out.
    """
    properties = schema.get("properties", {})
    by_itself = schema.get("additionalProperties") is False and schema.keys() <= _PLAIN_OBJECT
    references = [str(part["$ref"]) for part in _subschemas(schema) if "$ref" in part]
    if not by_itself or len(properties) > _MOST or not all(ref.startswith(_DEFINITIONS) for ref in references):
        return None, 0
    definitions = {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}
    required = [name for name in properties if name in schema.get("required", ())]
    found = []
    for name in [*required, *(name for name in properties if name not in required)]:
        part = properties[name]
        whole = {**part, **definitions} if isinstance(part, dict) else part
        if whole is True:
            whole = {}
        if isinstance(whole, dict) and _try(whole, options) is not None:
            found.append((name, _text(whole, options)))
        elif name in required:
            return None, 0
    return tuple(found), len(required)


def _text(schema: JSON, options: str) -> str:
    return json.dumps({**schema, "x-guidance": json.loads(options)})


def _try(schema: JSON, options: str) -> list[str] | None:
    """Return llguidance's warnings about a schema, None if it refuses it."""
    refused, said = llguidance.LLMatcher.validate_grammar_with_warnings(f"start: %json {_text(schema, options)}")
    return None if refused else list(said)


def reply_grammar(
    arguments: Sequence[tuple[str, ArgumentGrammar]],
    call_format: CallFormat,
    specials: dict[str, int],
    *,
    text: bool,
    parallel: bool,
    instead: ArgumentGrammar | None = None,
) -> str:
    """Return the grammar of a reply that calls one of these tools (name, arguments), or several if `parallel`.

    `text` allows words before the calls, or instead of them; `instead` is JSON that may stand in their place.
    `specials` are the tokenizer's special tokens.
    """
    opening = _terms(call_format.opening, specials)
    more = f"({_terms(call_format.between, specials)} {opening} call)*" if parallel else ""
    lines = [
        f"call: named {_terms(call_format.closing, specials)}",
        "named: " + " | ".join(f"tool_{number}" for number in range(len(arguments))),
    ]
    if instead is not None:
        lines = [f"start: instead | {opening} call {more}", *instead.rules("instead", call_format), *lines]
    elif not text:
        lines.insert(0, f"start: {opening} call {more}")
    else:
        mark, special = _mark(call_format.opening, specials)
        # Where calls begin with plain text, words end as soon as it is there.
        lead = "text" if special else "mark"
        rest = opening if special else _terms(call_format.opening.removeprefix(mark), specials)
        lines = [
            f"start: text | {lead} {rest} call {more}",
            *([] if special else [f"mark[lazy]: ANY {json.dumps(mark)}"]),
            *_words(mark),
            *lines,
        ]
    for number, (name, each) in enumerate(arguments):
        lines.append(f"tool_{number}: {_terms(name + call_format.middle, specials)} arguments_{number}")
        lines += each.rules(f"arguments_{number}", call_format)
    return "\n".join(lines) + "\n"


def words_grammar(call_format: CallFormat, specials: dict[str, int]) -> str:
    """Return the grammar of a reply of words alone, in which no call can begin."""
    return "\n".join(["start: text", *_words(_mark(call_format.opening, specials)[0])]) + "\n"


def _words(mark: str) -> list[str]:
    return ["text: TEXT", f"TEXT: ANY & ~(ANY {json.dumps(mark)} ANY)", "ANY: /(?s:.*)/"]


def _mark(opening: str, specials: dict[str, int]) -> tuple[str, bool]:
    """Return what no word may hold, because a call begins with it, and whether it is a special token."""
    special = next((name for name in specials if opening.startswith(name)), None)
    return (opening.partition("{")[0] or opening, False) if special is None else (special, True)


def _terms(text: str, specials: dict[str, int]) -> str:
    """Write a fixed text as terms: special tokens by number, what stands between them as strings."""
    names = "|".join(re.escape(name) for name in sorted(specials, key=len, reverse=True))
    parts = re.split(f"({names})", text) if names else [text]
    return " ".join(f"<[{specials[part]}]>" if part in specials else json.dumps(part) for part in parts if part)


def _closed(schema: Any, *, top: bool = False) -> Any:
    """Return the schema with objects closed that name their properties."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        made["properties"] = {name: _closed(part) for name, part in properties.items()}
        named = set(schema.get("required") or ()) <= properties.keys()
        if named and (properties or top) and not any(keyword in schema for keyword in _OPEN_ENDED):
            made["additionalProperties"] = False
    elif not any(keyword in schema for keyword in ("allOf", "$ref")):
        for keyword in ("anyOf", "oneOf"):
            if isinstance(schema.get(keyword), list):
                made[keyword] = [_closed(part) for part in schema[keyword]]
    if "items" in schema:
        made["items"] = _closed(schema["items"])
    return made


def _subschemas(schema: Any) -> Iterator[JSON]:
    """Yield a schema and all within it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, content in schema.items():
        if keyword in ONE_SCHEMA:
            parts = content if isinstance(content, list) else [content]
        elif keyword in NAMED_SCHEMAS and isinstance(content, dict):
            parts = list(content.values())
        elif keyword in LISTED_SCHEMAS and isinstance(content, list):
            parts = content
        else:
            continue
        for part in parts:
            yield from _subschemas(part)


def _without(schema: Any, keywords: set[str]) -> Any:
    """Return the schema without these keywords, wherever they stand; properties of such names stay."""
    if not keywords or not isinstance(schema, dict):
        return schema
    made: JSON = {}
    for keyword, content in schema.items():
        if keyword in keywords:
            continue
        if keyword in ONE_SCHEMA | LISTED_SCHEMAS:
            parts = [_without(part, keywords) for part in (content if isinstance(content, list) else [content])]
            made[keyword] = parts if isinstance(content, list) else parts[0]
        elif keyword in NAMED_SCHEMAS and isinstance(content, dict):
            made[keyword] = {name: _without(part, keywords) for name, part in content.items()}
        else:
            made[keyword] = content
    return made


def _keywords(said: Sequence[str]) -> list[str]:
    """Return the keywords that llguidance's warnings are about."""
    found: list[str] = []
    for warning in said:
        if warning.startswith("Unimplemented keys"):
            found += _QUOTED.findall(warning)
        elif warning.startswith("Unknown format"):
            found.append("format")
        elif warning.startswith("oneOf"):
            found.append("oneOf")
        elif warning.startswith("min/maxProperties"):
            found += ["minProperties", "maxProperties"]
        else:
            found.append(warning)
    return found

"""Type names as people write them, with the remarks after them: "List[int]", "int, optional", "str (default 5)".

What a name does not say is not made up: a name that is not known gives the schema that allows everything, and `unread`
says so.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from hive_mind.conversation import JSON
from hive_mind.tool_schema.type_grammar import (
    ANYTHING,
    TYPES,
    Parser,
    Token,
    Unreadable,
    allows_null,
    any_of,
    end_of_type,
    not_known,
    tokenise,
    unquote,
)  # fmt: skip

LONGEST = 500
"""Characters of a type name. A longer one is a text that stands in the wrong place."""


@dataclass(frozen=True, slots=True)
class TypeName:
    """What a type name says. `optional`: the parameter may be left out; `required`: the name says that it may not.

    `default` holds the default that the name states, as a list of one, or of none. `unread` says in words what was not
    understood; where that was the type itself, `schema` allows everything. The schema is shared between calls: it must
    not be changed.
    """

    schema: JSON
    optional: bool = False
    required: bool = False
    default: tuple[Any, ...] = ()
    unread: tuple[str, ...] = ()


@lru_cache(maxsize=8192)
def read_type(text: str) -> TypeName:
    """Read a type name. Never raises; an empty name says nothing and allows everything."""
    if len(text) > LONGEST:
        return TypeName({}, unread=(not_known(text[:60] + "..."),))
    tokens = tokenise(text)
    if not tokens:
        return TypeName({})
    end = end_of_type(tokens)
    remarks = _split_remarks(text[tokens[end].start :]) if end < len(tokens) else []
    said = _read_tokens(tokens[:end], text.strip())
    for remark in remarks:
        said = _add_remark(said, remark, text.strip())
    return said


def _read_tokens(tokens: list[Token], text: str) -> TypeName:
    """Read what stands before the remarks; the word "optional" may stand before or after the type."""
    words = [token.word.lower() for token in tokens]
    optional = words[0].rpartition(".")[2] == "optional"
    if len(words) > 1 and optional and tokens[1].kind == "name":
        tokens = tokens[1:]
    elif len(words) > 1 and words[-1] == "optional" and words[-2] not in ("|", "or", "of"):
        optional, tokens = True, tokens[:-1]
    parser = Parser(tokens)
    try:
        schema = parser.whole()
    except Unreadable:
        return TypeName({}, optional, unread=(not_known(text),))
    return TypeName(schema, optional or allows_null(schema), unread=tuple(parser.unread))


def _add_remark(said: TypeName, remark: str, text: str) -> TypeName:
    word = remark.lower()
    if word.startswith("optional"):
        return replace(said, optional=True)
    if word == "required":
        return replace(said, required=True)
    if word == "nullable":
        return replace(said, optional=True, schema=any_of([said.schema, {"type": "null"}]))
    if word.startswith("default"):
        default = _default(remark, said.schema)
        if default:
            return replace(said, optional=True, default=default)
        said = replace(said, optional=True)
    elif word in TYPES or word in ANYTHING:
        # "int, float" does not say which of them counts
        return replace(said, schema={}, unread=(*said.unread, not_known(text)))
    return replace(said, unread=(*said.unread, f"{remark!r} in the type name {text!r} is left out"))


def _default(remark: str, schema: JSON) -> tuple[Any, ...]:
    """Read "default 5", "default: 5", "defaults to 5"; a string's default needs no quotes. Empty if unreadable."""
    text = remark[len("default") :].removeprefix("s").lstrip()
    for filler in ("to ", "is ", "value ", ":", "="):
        text = text.removeprefix(filler).lstrip()
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return (unquote(text),)
    if text and schema.get("type") == "string" and text not in ("None", "null"):
        return (text,)
    for read in (json.loads, ast.literal_eval):
        try:
            return (json.loads(json.dumps(read(text), allow_nan=False)),)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return ()


def _split_remarks(text: str) -> list[str]:
    """Split ", optional, default [1, 2]" or "(optional, default 5)" into its remarks."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and not parts[-1][-1:].isalpha():
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif depth <= 0 and character in ",;()":
            parts.append("")
            continue
        parts[-1] += character
    return [part.strip() for part in parts if part.strip()]

"""A call's arguments against a tool's JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from hive_mind.conversation import JSON, Tool

_LONGEST_MESSAGE = 200


class SchemaUnusable(ValueError):
    """A tool's schema that nothing can be checked against; the text says why."""


def argument_problems(tool: Tool, arguments: JSON) -> list[str]:
    """Return what is wrong with a call's arguments, one line each with its place; empty if they fit.

    JSON Schema's rules: 1.0 is an integer and 1 is a number, true is neither, order matters in arrays, and what the
    schema does not name is allowed unless it says otherwise. Formats are not checked, and nothing is ever fetched.
    Raises SchemaUnusable if a `$ref` leads nowhere or in a circle, or a pattern is no regular expression of Python.
    """
    try:
        return [_line(error) for error in _validator(json.dumps(tool.parameters)).iter_errors(arguments)]
    except Unresolvable as error:
        why = f"the reference {error.ref} leads nowhere in it"
    except re.error as error:
        why = f"{error.pattern!r} is no regular expression of Python"
    except RecursionError:
        why = "it refers to itself without end, or a value is nested too deeply"
    raise SchemaUnusable(_unusable(tool, why))


def _unusable(tool: Tool, why: str) -> str:
    return f"arguments of {tool.name} cannot be checked against its schema: {why}; correct the tool's declaration"


def _line(error: ValidationError) -> str:
    message = error.message if len(error.message) <= _LONGEST_MESSAGE else error.message[:_LONGEST_MESSAGE] + "..."
    return f"{error.json_path}: {message}"


@lru_cache(maxsize=4096)
def _validator(text: str) -> Validator:
    schema = json.loads(text)
    draft = validator_for(schema, default=Draft202012Validator)
    # An empty registry: the library's own would fetch a foreign $ref over the network.
    return cast(Validator, _extended(draft)(schema, registry=Registry()))


@lru_cache(maxsize=16)
def _extended(draft: Any) -> Any:
    return extend(draft, {"multipleOf": _multiple_of})  # type: ignore[no-untyped-call]


def _multiple_of(validator: Validator, factor: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    """Count in decimals: as binary fractions, 19.99 would be no multiple of 0.01."""
    if validator.is_type(value, "number") and Decimal(str(value)) % Decimal(str(factor)):
        yield ValidationError(f"{value!r} is not a multiple of {factor}")

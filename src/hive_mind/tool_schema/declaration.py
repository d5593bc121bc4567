"""Tool declarations in any layout into a Tool: the one entry for training data, evaluation data and servers."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hive_mind.conversation import JSON, MalformedConversation, Tool
from hive_mind.tool_schema.json_schema import KEYWORDS, kind, problem
from hive_mind.tool_schema.keywords import Note
from hive_mind.tool_schema.translate import translate, translate_table

_LOG = logging.getLogger(__name__)
_SAY_AT_MOST = 50
_said: set[str] = set()

_SCHEMA_KEYS = ("parameters", "input_schema", "inputSchema")
_PLACE = "parameters"
_PLAIN_WORDS = frozenset(word for word in KEYWORDS if word.isalpha() and word.islower())
"""Keywords that could also be a parameter's name, e.g. `items`; `additionalProperties` could not."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A tool with its JSON Schema, and what in its declaration was not taken as it stands.

    The tool is shared between calls with equal declarations: its parameters must not be changed.
    """

    tool: Tool
    notes: tuple[Note, ...]


def normalise(declaration: Any) -> Normalised:
    """Read one declaration in the layout of OpenAI (wrapped or bare), Anthropic, MCP, BFCL or xLAM.

    Parameters that are JSON Schema already come back as they are, key for key. Other dialects are translated; a type
    name that is not known allows everything, and a note says so. Only the declaration counts, never a call's values.
    Equal declarations are read once. Raises MalformedConversation, with a reason code, for what is no declaration or
    stays outside of JSON Schema.
    """
    try:
        return _normalise(json.dumps(declaration))
    except (TypeError, ValueError) as error:
        if isinstance(error, MalformedConversation):
            raise
        raise MalformedConversation("tools_not_readable", f"a tool is not JSON: {error}") from None
    except RecursionError:
        raise MalformedConversation("tools_not_readable", "a tool is nested too deeply") from None


def read_tool(declaration: Any) -> Tool:
    """Return `normalise`'s tool, and log each kind of note once in the life of the process. Raises as it does."""
    made = normalise(declaration)
    for note in made.notes:
        _say_once(made.tool.name, note)
    return made.tool


@lru_cache(maxsize=8192)
def _normalise(text: str) -> Normalised:
    # The text is the declaration's content, so that equal ones meet in the cache, and what is read from it here is
    # nobody else's: a caller may change its own declaration afterwards.
    declaration = json.loads(text)
    function = declaration.get("function", declaration) if isinstance(declaration, dict) else None
    if not isinstance(function, dict):
        raise MalformedConversation("tools_not_readable", f"a tool is {kind(declaration)}, not an object")
    parameters = next((function[key] for key in _SCHEMA_KEYS if function.get(key)), None)
    notes: list[Note] = []
    tool = Tool.from_dict({**function, "parameters": parameters})
    if parameters is None:
        return Normalised(tool, ())
    schema = _schema(tool, function, notes)
    return Normalised(Tool(tool.name, tool.description, schema), tuple(notes))


def _schema(tool: Tool, function: JSON, notes: list[Note]) -> JSON:
    parameters = _with_required_from_outside(tool.parameters, function, notes)
    if _is_table(parameters):
        made = translate_table(parameters, _PLACE, notes)
    else:
        made = parameters if problem(parameters, _PLACE) is None else translate(parameters, _PLACE, notes)
        if _is_table(made) or not _says_a_keyword(parameters):
            raise MalformedConversation(
                "tools_not_readable", f"parameters of tool {tool.name} are neither a schema nor a table of parameters"
            )
        if KEYWORDS.isdisjoint(made):
            return {"type": "object", "properties": {}}  # {"type": "any"} says nothing of its arguments
    fault = problem(made, _PLACE) or _no_object(made)
    if fault:
        raise MalformedConversation("tool_schema_invalid", f"the declaration of {tool.name} is broken: {fault}")
    return made


def _is_table(parameters: JSON) -> bool:
    """Tell whether this is a table of parameters, {"city": {"type": "str"}}, and not a schema.

    In a table everything is a parameter's declaration, an object, but for a list of the required ones. In a schema
    some keyword holds something else, or `properties` is itself such a table. Nulls are padding in either.
    """
    listed = parameters.get("required")
    present = [name for name, part in parameters.items() if part is not None]
    names = [name for name in present if not (name == "required" and isinstance(listed, list))]
    if not names or not all(isinstance(parameters[name], dict) for name in names):
        return False
    if isinstance(listed, list) and not all(name in names for name in listed):
        return False
    if KEYWORDS.issuperset(names) and not _PLAIN_WORDS.issuperset(names):
        return False
    properties = parameters.get("properties")
    return properties is None or not all(isinstance(part, dict | bool) for part in properties.values())


def _says_a_keyword(parameters: JSON) -> bool:
    present = [name for name, part in parameters.items() if part is not None]
    return not present or not KEYWORDS.isdisjoint(present)


def _with_required_from_outside(parameters: JSON, function: JSON, notes: list[Note]) -> JSON:
    """Take in a list of required names that stands beside the parameters instead of inside."""
    outside = function.get("required")
    names = parameters if _is_table(parameters) else parameters.get("properties")
    if not isinstance(outside, list) or not isinstance(names, dict) or "required" in parameters:
        return parameters
    if not outside or not all(isinstance(name, str) and name in names for name in outside):
        return parameters
    notes.append(Note("required", "a list of names beside the parameters; it is moved into them"))
    return {**parameters, "required": outside}


def _no_object(schema: JSON) -> str | None:
    types = schema.get("type", "object")
    if types == "object" or (isinstance(types, list) and "object" in types):
        return None
    return f"{_PLACE}.type is {types!r}, but a call's arguments are always an object"


def _say_once(tool: str, note: Note) -> None:
    if note.text in _said or len(_said) > _SAY_AT_MOST:
        return
    _said.add(note.text)
    if len(_said) > _SAY_AT_MOST:
        _LOG.warning("more tool declarations were not understood in full; further ones are not named")
    else:
        _LOG.warning("tool %s, %s: %s (said once, other tools may have the same)", tool, note.place, note.text)

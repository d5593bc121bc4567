"""The grammar of type names: unions of names with arguments, literals and groups, read into JSON Schema.

    Dict[str, List[int]]    Map<String, Integer>    string[] | null    list of integers    Literal['a', 'b']

Names are known in any case of letters. Those of Python, Java, JavaScript and TypeScript stand in one table, for none of
them means two things in two languages once it is written as JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from hive_mind.conversation import JSON

_NAMES = {
    "string": "string str text char character charsequence",
    "integer": "integer int long short byte bigint biginteger int8 int16 int32 int64 uint uint8 uint16 uint32 uint64",
    "number": "number float double decimal bigdecimal numeric float16 float32 float64",
    "boolean": "boolean bool",
    "null": "null none nonetype",
    "object": "object dict dictionary mapping map hashmap hashtable linkedhashmap treemap ordereddict defaultdict "
    "record",
    "array": "array list tuple sequence iterable collection arraylist linkedlist vector stack queue deque "
    "set frozenset hashset linkedhashset treeset",
}
TYPES = {name: json_type for json_type, names in _NAMES.items() for name in names.split()}
_UNIQUE = frozenset({"set", "frozenset", "hashset", "linkedhashset", "treeset"})
ANYTHING = frozenset({"any"})
_FUNCTIONS = frozenset({"callable", "function"})
_MODULES = frozenset({
    "", "builtins", "collections", "collections.abc", "java.lang", "java.math", "java.util", "np", "numpy", "t",
    "typing", "typing_extensions",
})  # fmt: skip

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?)"""
    r"""|(?P<name>[^\W\d](?:\w|\.(?=\w))*)|(?P<mark>\.\.\.|\S))"""
)
_CLOSING = {"[": "]", "<": ">", "(": ")"}
_DEEPEST = 40


class Unreadable(ValueError):
    """A text that is not a type of this grammar."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a type name; `kind` is text (in quotes), number, name or mark, `start` its place in the name."""

    kind: str
    word: str
    start: int


def tokenise(text: str) -> list[Token]:
    """Split a type name into its tokens, white space left out."""
    found = _TOKEN.finditer(text)
    return [Token(match.lastgroup or "", match[match.lastgroup or 0], match.start()) for match in found]


def end_of_type(tokens: list[Token]) -> int:
    """Return how many tokens are the type: remarks begin at a comma or a later parenthesis outside of brackets."""
    depth = 0
    for position, token in enumerate(tokens):
        if token.kind == "mark":
            follows_type = position > 0 and tokens[position - 1].word not in ("|", "or")
            if depth == 0 and follows_type and token.word in (",", "("):
                return position
            depth += (token.word in _CLOSING) - (token.word in _CLOSING.values())
    return len(tokens)


def unquote(word: str) -> str:
    """Return what a text between quotes says."""
    return re.sub(r"\\(['\"\\])", r"\1", word[1:-1])


def not_known(name: str) -> str:
    """Say that a type name is not known."""
    return f"the type name {name!r} is not known; any value is allowed"


def any_of(members: list[JSON]) -> JSON:
    """Return the schema of what any of the members allows: one `type` list or `enum` where that can say it."""
    distinct: list[JSON] = []
    for member in (part for schema in members for part in _alternatives(schema)):
        if member not in distinct:
            distinct.append(member)
    if {} in distinct:
        return {}
    if len(distinct) == 1:
        return distinct[0]
    types = list(dict.fromkeys(member.get("type") for member in distinct))
    if all(set(member) == {"type"} for member in distinct):
        return {"type": types}
    if all(set(member) == {"type", "enum"} or member == {"type": "null"} for member in distinct):
        values = [value for member in distinct for value in member.get("enum", [None])]
        return {"type": types[0] if len(types) == 1 else types, "enum": values}
    return {"anyOf": distinct}


def allows_null(schema: JSON) -> bool:
    """Tell whether a type's schema names null among what it allows."""
    return {"type": "null"} in _alternatives(schema)


def one_value(value: Any) -> JSON:
    """Return the schema of one value: text, a number, true or false, or null."""
    if value is None:
        return {"type": "null"}
    names = ((str, "string"), (bool, "boolean"), (int, "integer"), (float, "number"))
    return {"type": next(name for python, name in names if isinstance(value, python)), "enum": [value]}


def _alternatives(schema: JSON) -> list[JSON]:
    """Take a schema that this module made apart again."""
    if "enum" in schema:
        return [one_value(value) for value in schema["enum"]]
    if isinstance(schema.get("type"), list):
        return [{"type": name} for name in schema["type"]]
    return list(schema.get("anyOf", [schema]))


class Parser:
    """Recursive descent over the tokens of one type. `unread` collects what was not understood."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.unread: list[str] = []

    def union(self) -> JSON:
        """Read the type at the current position, up to what does not belong to it. Raises Unreadable."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable
        members = [self._member()]
        while self._take("|") or self._take("or"):
            members.append(self._member())
        self.depth -= 1
        return any_of(members) if len(members) > 1 else members[0]

    def whole(self) -> JSON:
        """Read all tokens as one type. Raises Unreadable."""
        schema = self.union()
        if self.position < len(self.tokens):
            raise Unreadable
        return schema

    def _member(self) -> JSON:
        schema = self._primary()
        while True:
            if self._mark(0) == "[" and self._mark(1) == "]":
                self.position += 2
                schema = {"type": "array", "items": schema} if schema else {"type": "array"}
            elif self._take("?"):
                schema = any_of([schema, {"type": "null"}])
            else:
                return schema

    def _primary(self) -> JSON:
        if self.position == len(self.tokens):
            raise Unreadable
        token = self.tokens[self.position]
        self.position += 1
        if token.kind == "name":
            return self._named(token.word)
        if token.kind == "text":
            return one_value(unquote(token.word))
        if token.kind == "number":
            try:
                return one_value(json.loads(token.word))
            except ValueError:
                raise Unreadable from None  # 007 is no number of JSON
        if token.word != "(":
            raise Unreadable
        schema = self.union()
        self._expect(")")
        return schema

    def _named(self, written: str) -> JSON:
        module, _, name = written.lower().rpartition(".")
        name = name if module in _MODULES else written.lower()
        if name in _FUNCTIONS:
            self._skip_arguments()
            self.unread.append(f"{written} is a function, which JSON cannot hold; any value is allowed")
            return {}
        if name in ("true", "false"):
            return one_value(name == "true")
        arguments = self._arguments()
        if name == "optional" and len(arguments) < 2:
            return any_of([arguments[0] or {}, {"type": "null"}]) if arguments else {}
        if name in ("union", "literal") and arguments:
            return any_of([argument or {} for argument in arguments])
        if name == "annotated" and arguments:
            return arguments[0] or {}
        if name in TYPES:
            return self._generic(name, written, arguments)
        if name not in ANYTHING:
            self.unread.append(not_known(written))
        return {}

    def _generic(self, name: str, written: str, arguments: list[JSON | None]) -> JSON:
        """Return what a known name and its arguments say together, e.g. List and [int]."""
        kind = TYPES[name]
        unique: JSON = {"uniqueItems": True} if name in _UNIQUE else {}
        if not arguments:
            return {"type": kind, **unique}
        if name == "tuple":
            return _tuple_schema(arguments)
        if kind == "array" and len(arguments) == 1:
            return {"type": kind, **({"items": arguments[0]} if arguments[0] else {}), **unique}
        if kind == "object" and len(arguments) == 2:
            return {"type": kind, **({"additionalProperties": arguments[1]} if arguments[1] else {})}
        self.unread.append(f"{written} has arguments that do not fit it; they are left out")
        return {"type": kind, **unique}

    def _arguments(self) -> list[JSON | None]:
        """Read `[...]`, `<...>` or `of ...` after a name; None stands for an ellipsis."""
        if self._mark(0) == "of" and self._mark(1) is not None:
            self.position += 1
            token = self.tokens[self.position]
            self.tokens[self.position] = Token(token.kind, _singular(token.word), token.start)
            return [self._member()]
        closing = _CLOSING.get(self._mark(0) or "")
        if closing in (None, ")") or self._mark(1) == closing:
            return []
        self.position += 1
        found: list[JSON | None] = []
        while True:
            found.append(None if self._take("...") else self.union())
            if not self._take(","):
                self._expect(closing)
                return found

    def _skip_arguments(self) -> None:
        depth = 0
        while self.position < len(self.tokens) and (depth or self._mark(0) == "["):
            depth += (self._mark(0) == "[") - (self._mark(0) == "]")
            self.position += 1

    def _mark(self, ahead: int) -> str | None:
        """Return the word so many tokens ahead; None at the end and for a text in quotes."""
        place = self.position + ahead
        return self.tokens[place].word if place < len(self.tokens) and self.tokens[place].kind != "text" else None

    def _take(self, mark: str) -> bool:
        found = self._mark(0) == mark
        self.position += found
        return found

    def _expect(self, mark: str | None) -> None:
        if mark is None or not self._take(mark):
            raise Unreadable


def _tuple_schema(arguments: list[JSON | None]) -> JSON:
    """Tuple[int, str] has these two members, Tuple[int, ...] any number of one kind."""
    members = [argument for argument in arguments if argument is not None]
    if len(members) < len(arguments):
        if len(arguments) != 2 or arguments[1] is not None:
            raise Unreadable
        return {"type": "array", "items": members[0]} if members[0] else {"type": "array"}
    length = {"minItems": len(members), "maxItems": len(members)}
    if any(member != members[0] for member in members):
        return {"type": "array", "prefixItems": members, **length}
    return {"type": "array", **({"items": members[0]} if members[0] else {}), **length}


def _singular(word: str) -> str:
    """Return "integer" for the "integers" of "list of integers"; a known name stays as it is."""
    lower = word.lower()
    if lower in TYPES or lower in ANYTHING:
        return word
    for ending, instead in (("ies", "y"), ("s", "")):
        stem = lower.removesuffix(ending) + instead
        if lower.endswith(ending) and stem in TYPES:
            return stem
    return word

"""When are calls right? bfcl-eval's rules for its single-turn categories, checked against it call by call in the tests.

The rules look odd in places (a float is no integer, but an integer in a list of floats is no float either). They are
kept to the letter, for a score under other rules is not a BFCL score; docs/BFCL.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hive_mind.conversation import JSON, ToolCall
from hive_mind.suites.bfcl.java import read_java
from hive_mind.suites.bfcl.javascript import read_javascript

_IGNORED = re.compile(r"[ ,./\-_*^]")


@dataclass(frozen=True)
class Language:
    """How a category's parameters are declared: type names, which of them have items, and how source text is read."""

    name: str
    types: Mapping[str, type]
    with_items: frozenset[str]
    read: Callable[[str, str, str | None], Any] | None = None


_COMMON: dict[str, type] = {"integer": int, "float": float, "any": str}
PYTHON = Language(
    "Python",
    {**_COMMON, "string": str, "boolean": bool, "array": list, "tuple": list, "dict": dict},
    frozenset({"array", "tuple"}),
)
JAVA = Language(
    "Java",
    {
        **_COMMON, "byte": int, "short": int, "long": int, "double": float, "boolean": bool, "char": str, "String": str,
        "Array": list, "ArrayList": list, "HashMap": dict,
    },
    frozenset({"Array", "ArrayList"}),
    read_java,
)  # fmt: skip
JAVASCRIPT = Language(
    "JavaScript",
    {**_COMMON, "String": str, "Bigint": int, "Boolean": bool, "dict": dict, "array": list},
    frozenset({"array"}),
    read_javascript,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter's type by its name in BFCL, and its items' type where the language checks them."""

    kind: str
    items: str | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """One call of the reference: the function as declared, and for each parameter the values that are right.

    "" among the values means that the parameter may be left out.
    """

    function: str
    parameters: Mapping[str, Parameter]
    required: tuple[str, ...]
    accepted: Mapping[str, Sequence[Any]]


def calls_fault(expected: Sequence[Expected], calls: Sequence[ToolCall], language: Language, any_order: bool) -> str:
    """Return why calls are wrong in one word, "" if they are right.

    With `any_order` each expected call in turn takes the first remaining call that is right for it, and no choice is
    ever revised; otherwise exactly one call is expected.
    """
    if len(calls) != len(expected):
        return "wrong_count"
    if not any_order:
        return call_fault(expected[0], calls[0], language)
    remaining = list(calls)
    for one in expected:
        match = next((n for n, call in enumerate(remaining) if not call_fault(one, call, language)), None)
        if match is None:
            return "no_match"
        del remaining[match]
    return ""


def call_fault(expected: Expected, call: ToolCall, language: Language) -> str:
    """Return why one call is wrong, "" if it is right."""
    if call.name != expected.function:
        return "wrong_name"
    if any(name not in call.arguments for name in expected.required):
        return "missing_required"
    for name, value in call.arguments.items():
        if name not in expected.parameters or name not in expected.accepted:
            return "unexpected_parameter"
        fault = _argument_fault(value, expected.parameters[name], expected.accepted[name], language)
        if fault:
            return fault
    left_out = [values for name, values in expected.accepted.items() if name not in call.arguments]
    return "" if all("" in values for values in left_out) else "missing_optional"


def _argument_fault(value: Any, parameter: Parameter, accepted: Sequence[Any], language: Language) -> str:
    kind = language.types[parameter.kind]
    items = language.types[parameter.items] if parameter.items else None
    if language.read is not None:
        if not isinstance(value, str):
            return "not_source_text"
        value = language.read(value, parameter.kind, parameter.items)
    elif parameter.kind == "float" and type(value) is int:
        value = _as_float(value)
    return _type_fault(value, accepted, kind, items) or _value_fault(value, accepted, kind, items)


def _type_fault(value: Any, accepted: Sequence[Any], kind: type, items: type | None) -> str:
    """A value is of the declared type, or of the type of the accepted values where that is another one."""
    answered = _type_of(accepted)
    if type(value) is kind:
        if items is None or any(_items_fit(value, answer, items) for answer in accepted):
            return ""
        return "wrong_item_type" if answered is kind else "wrong_type"
    return "" if answered is type(value) else "wrong_type"


def _type_of(accepted: Sequence[Any]) -> type | None:
    """Return the type of the first value other than "", by which all are judged."""
    return next((type(value) for value in accepted if value != ""), None)


def _items_fit(value: Any, answer: Any, items: type) -> bool:
    return type(answer) is not list or all(type(item) in (items, _type_of(answer)) for item in value)


def _value_fault(value: Any, accepted: Sequence[Any], kind: type, items: type | None) -> str:
    """Compare with the accepted values: exactly if those are not of the declared type, e.g. a variable's name."""
    if _type_of(accepted) in (None, kind):
        if kind is dict:
            return _object_fault(value, accepted)
        if kind is list and items is dict:
            return _objects_fault(value, accepted)
        if kind is list:
            # "" among the accepted values reads as a list without items, so an empty list is right beside it.
            lists = [_plain_all(answer) for answer in accepted if isinstance(answer, list | str)]
            return "" if _plain_all(value) in lists else "wrong_list"
        if kind is str:
            texts = [_plain(answer) for answer in accepted if isinstance(answer, str)]
            return "" if _plain(value) in texts else "wrong_text"
    return "" if value in accepted else "wrong_value"


def _objects_fault(value: list[Any], accepted: Sequence[Any]) -> str:
    """Objects in a list are compared one by one, in order; the fault is the last accepted list's."""
    fault = "wrong_value"
    for answer in (answer for answer in accepted if isinstance(answer, list | str)):
        if len(value) != len(answer):
            fault = "wrong_item_count"
            continue
        faults = (_object_fault(one, [right]) for one, right in zip(value, answer, strict=True))
        fault = next((found for found in faults if found), "")
        if not fault:
            return ""
    return fault


def _object_fault(value: Any, accepted: Sequence[Any]) -> str:
    """Compare with each accepted object, whose members are lists of accepted values; the fault is the last one's."""
    if not isinstance(value, dict):
        return "wrong_item_type"
    fault = "wrong_value"
    for answer in accepted:
        if isinstance(answer, dict):
            fault = _members_fault(value, answer)
            if not fault:
                return ""
    return fault


def _members_fault(value: JSON, answer: Mapping[str, Sequence[Any]]) -> str:
    fault = ""
    for name, member in value.items():
        if name not in answer:
            fault = "wrong_members"
            break
        if _plain(member) not in _plain_all(answer[name]):
            fault = "wrong_member_value"
            break
    missing = any(name not in value and "" not in values for name, values in answer.items())
    return "wrong_members" if missing else fault


def _plain(value: Any) -> Any:
    """Leave out of a text what does not count: case, spaces, some punctuation, which kind of quotes."""
    return _IGNORED.sub("", value).lower().replace("'", '"') if isinstance(value, str) else value


def _plain_all(values: Sequence[Any]) -> list[Any]:
    return [_plain(value) for value in values]


def _as_float(value: int) -> int | float:
    try:
        return float(value)
    except OverflowError:
        return value

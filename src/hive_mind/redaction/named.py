"""Secrets that a name gives away: NAME=VALUE, "name": "value", --name value, <name>value</name>, setName("value")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hive_mind.redaction.names import NEEDLES, SecretName, secret_name
from hive_mind.redaction.rules import Span
from hive_mind.redaction.values import (
    is_expression,
    is_firm_secret,
    is_quoted_secret,
    is_reference,
    looks_random,
)

_HINT = re.compile("|".join(NEEDLES))
_NAME_CHARACTERS = re.compile(r"[\w.\-]*")
_TWO_WORDS = re.compile(
    r"(?:api|access|secret|private|auth|account|license|session|client|signing|master|encryption)[ ]$"
)
_AFTER = re.compile(
    r"""(?:\\*["'`]|[\])]|[ ]?\[[^\]\n]{0,24}\]){0,3}
    (?P<operator>
        \s*,?\s*["']?value["']?\s*[:=]>?\s*          # {"name": "DB_PASSWORD", "value": "..."} and YAML, XML like it
      | \s*:\s*[|>][-+]?\d?[ ]*\n\s+                 # a block of YAML
      | \s*(?::=|=>|[=!]==?)\s*
      | [ \t]*=[ \t]*
      | [ \t]*:(?!:)\s*
      | ,\s*(?=["'])
      | >[ ]*
      | \([ ]*(?=["'])
      | [ \t]+
    )""",
    re.VERBOSE,
)
_QUOTED = re.compile(
    r"[rbfu@]?(?P<quote>\"\"\"|[\"'`])(?P<value>(?:(?!(?P=quote))[^\n\\]|\\.){1,4096})(?P=quote)", re.IGNORECASE
)
_BARE = re.compile(r"(?:base64:)?(?P<value>(?:[^\s\"'`;&|<>\\]|\\(?![nrtu\"'\\/])){1,4096})")
_WORD = re.compile(r"(?P<value>(?:[^\s\"'`;<>\\]|\\(?![nrtu\"'\\/])){1,4096})")
_LINE = re.compile(r"(?P<value>[^\s\"'`]+)[ \t]*\r?(?:\n|$)")
_FALLBACK = re.compile(r"[\w.\[\]\"'()$]+\s*(?:\|\||\?\?|\bor\b)\s*(?=[\"'])")
_NEXT_ARGUMENT = re.compile(r",\s*\w+=")
_LINE_BEGIN = re.compile(r"(?:^|\n)[ \t]*(?:export |set |setx |ENV |ARG |- |-e )?[ \t]*$")
_SETTING_COMMAND = re.compile(r"(?:\b(?:ENV|ARG|setenv|setx|set|SetEnv|put|add|config)|:set)[ \t]+(?:--?\w+[ \t]+)*$")


@dataclass(frozen=True, slots=True)
class _Place:
    """A name and what stands around it."""

    text: str
    start: int
    end: int
    operator: str
    name: SecretName

    @property
    def written(self) -> str:
        return self.text[self.start : self.end]

    @property
    def is_option(self) -> bool:
        """Tell whether the name is an option of a command."""
        return self.written.startswith("-")

    @property
    def is_setting(self) -> bool:
        """Tell whether the name is an environment variable, an option, or part of a query or connection string."""
        tight = self.operator == "="
        before = self.text[max(0, self.start - 1) : self.start]
        return (
            self.is_option
            or (tight and (self.written.isupper() or before in ("?", "&", ";")))
            or "value" in self.operator
            or self.operator.isspace()
        )

    @property
    def begins_line(self) -> bool:
        return bool(_LINE_BEGIN.search(self.text, max(0, self.start - 80), self.start))


def find_named(text: str, lowered: str) -> Iterator[Span]:
    """Yield the values of names that announce a secret; `lowered` is the text in lower case, as long as it."""
    position = 0 if [needle for needle in NEEDLES if needle in lowered] else len(text)
    while hint := _HINT.search(lowered, position):
        start = hint.start()
        while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_-."):
            start -= 1
        match = _NAME_CHARACTERS.match(text, hint.end())
        assert match is not None
        position = end = match.end()
        if end - start > 80:
            continue
        name = secret_name(_whole_name(text, lowered, start, end))
        after = _AFTER.match(text, end) if name is not None else None
        if name is not None and after is not None:
            place = _Place(text, start, end, after["operator"], name)
            if (value := _value(place, after.end())) is not None:
                yield Span(*value, name.kind)
                position = value[1]


def kind_under(name: str, value: str) -> str | None:
    """Return the kind of secret that a structure's value (an argument of a call) is because of its name, else None."""
    announced = secret_name(name)
    if announced is None:
        return None
    secret = looks_random(value) if announced.weak else is_quoted_secret(value, announced.kind)
    return announced.kind if secret else None


def _whole_name(text: str, lowered: str, start: int, end: int) -> str:
    """Return the name, with the word before it where it is written in two ("API key", "Secret Access Key")."""
    before = _TWO_WORDS.search(lowered, max(0, start - 12), start)
    return text[before.start() if before else start : end]


def _value(place: _Place, at: int) -> tuple[int, int] | None:
    """Return where the secret behind a name stands, None where there is none."""
    if not _may_follow(place):
        return None
    if otherwise := _FALLBACK.match(place.text, at):
        at = otherwise.end()
    if quoted := _QUOTED.match(place.text, at):
        return quoted.span("value") if _is_secret(place, quoted["value"], quoted=True) else None
    if place.operator.lstrip().startswith(("==", "!=", ",", "(")):
        return None
    if place.operator == "=" and place.begins_line and (line := _LINE.match(place.text, at)):
        return line.span("value") if _is_secret(place, line["value"], quoted=False) else None
    spoken = place.operator.strip() == ":"  # no shell in sight, so that & and | are letters like others
    bare = (_WORD if spoken else _BARE).match(place.text, at)
    if bare is None:
        return None
    start, value = bare.start("value"), bare["value"]
    if following := _NEXT_ARGUMENT.search(value):
        value = value[: following.start()]
    if not place.operator.startswith(">"):
        value = value.rstrip(",.:)]}")
    return (start, start + len(value)) if _is_secret(place, value, quoted=False) else None


def _may_follow(place: _Place) -> bool:
    """Tell whether the operator makes what follows the value of this name."""
    before = place.text[max(0, place.start - 60) : place.start]
    if place.operator.isspace():
        return place.is_option or bool(_SETTING_COMMAND.search(before))
    if place.operator.startswith(">"):
        return before.endswith(("<", ":"))
    if place.operator.startswith("("):
        method = place.written.rpartition(".")[2]
        plain = len(method) < len(place.written) and method.islower() and "_" not in method
        return plain or method.lower().startswith(("set", "with"))
    return True


def _is_secret(place: _Place, value: str, quoted: bool) -> bool:
    """Judge a value by how sure its place is: settings hold secrets, example code holds mostly stand-ins."""
    name = place.name
    if not quoted and is_expression(value):
        return False
    if name.weak:
        return looks_random(value)
    if place.is_setting:
        return is_firm_secret(value, name.kind)
    if quoted or place.operator.startswith(">"):
        return is_quoted_secret(value, name.kind)
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and not is_reference(value)
    if name.kind == "password":
        return mixed and is_firm_secret(value, name.kind)
    return mixed and looks_random(value, 10)

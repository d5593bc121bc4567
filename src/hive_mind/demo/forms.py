"""Made-up forms of the corpus, and how people ask for one: its verb and noun, and the values of its fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hive_mind.demo import words
from hive_mind.demo.values import KINDS, Kind, made_up, spoken
from hive_mind.demo.world import TOOLS, UNSEEN

TOOL_NAMES = frozenset(frozenset(tool.name.split("_")) for tool in (*TOOLS, *UNSEEN))
"""What the sample world's tools are called, in any order of the words: no form of the corpus is called that."""


@dataclass(frozen=True)
class Field:
    """A field of a form: its name, what it holds, and the choices of an enum."""

    name: str
    kind: Kind
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """Something to fill in: named after what it does to what."""

    verbs: tuple[str, ...]
    noun: str
    fields: tuple[Field, ...]
    name: str

    @property
    def about(self) -> str:
        return f"{self.verbs[-1 if len(self.name) % 2 else 0].capitalize()} {article(self.noun)} {self.noun}."


@dataclass(frozen=True)
class Request:
    """What somebody asks: the words, and the fields that the words fill."""

    text: str
    form: Form
    filled: dict[str, Any]

    @property
    def in_order(self) -> dict[str, Any]:
        """What was said, in the order of the form's fields."""
        return {field.name: self.filled[field.name] for field in self.form.fields if field.name in self.filled}


def article(noun: str) -> str:
    """Return the article that a noun takes."""
    return "an" if noun[0].lower() in "aeiou" else "a"


def draw_form(rng: Random, style: str, near: Form | None = None, kinds: Sequence[Kind] = KINDS) -> Form:
    """Make up a form with fields of these kinds.

    `near` shares its verb or, more seldom, its noun, which makes the two easy to mistake.
    """
    verbs, noun = rng.choice(words.VERB_GROUPS), rng.choice(words.NOUNS)
    if near is not None:
        if rng.random() < 0.7:
            verbs = near.verbs
        else:
            noun = near.noun
    if rng.random() < 0.12:
        noun = made_up(rng)
    if frozenset({*verbs[0].split(), noun}) in TOOL_NAMES:
        return draw_form(rng, style, near, kinds)
    return Form(verbs, noun, _fields(rng, kinds), _name(verbs[0], noun, style))


def _fields(rng: Random, kinds: Sequence[Kind]) -> tuple[Field, ...]:
    taken: set[str] = set()
    fields = []
    for kind in rng.sample(kinds, rng.choice((1, 1, 1, 2, 2, 2, 2, 3, 3, 4))):
        name = made_up(rng) if rng.random() < 0.08 else rng.choice(kind.names)
        if name not in taken:
            taken.add(name)
            options = _options(kind, rng) if kind.type == "enum" else ()
            fields.append(Field(name, kind, options))
    return tuple(fields)


def _options(kind: Kind, rng: Random) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.draw(rng) for _ in range(rng.randint(2, 5))))


STYLES = ("noun_verb", "noun_verb", "noun_verb", "verb_noun", "verb_noun", "verbNoun", "noun.verb")
"""How one document's forms are called. Noun first leads: the first piece of such a name decides which form it is."""


def _name(verb: str, noun: str, style: str) -> str:
    does, what = verb.split(), noun.replace("-", " ").split()
    if style == "verbNoun":
        first, *others = [*does, *what]
        return first + "".join(part.capitalize() for part in others)
    if style == "noun.verb":
        return f"{'_'.join(what)}.{'_'.join(does)}"
    if style == "verb-noun":
        return "-".join([*does, *what])
    return "_".join([*what, *does] if style == "noun_verb" else [*does, *what])


OPENINGS = (
    "",
    "",
    "",
    "please ",
    "can you ",
    "could you ",
    "could you please ",
    "I want to ",
    "I would like to ",
    "I need to ",
    "let's ",
    "we have to ",
    "help me ",
    "it is time to ",
    "would you ",
    "I have to ",
    "we should ",
    "go and ",
    "{who} wants to ",
    "do ",
    "now ",
    "next, ",
    "hi, can you ",
    "you should ",
)
CLOSINGS = (".", ".", "", "", "!", ", please.", ", thanks.", " please", " for me.", " now.", ", if you can.", " again.")


def ask(rng: Random, form: Form, at_most: int = 4) -> Request:
    """Put into words that `form` is wanted, with most of its fields, `at_most` so many."""
    filled, cues = phrase_values(rng, form, at_most)
    core = _core(rng, form)
    front = ""
    if cues and rng.random() < 0.12:
        first = cues.pop()
        front = first[0].upper() + first[1:] + ", "
    joint = rng.choice((" ", " ", " ", " ", ", "))
    text = front + rng.choice(OPENINGS).format(who=rng.choice(words.FIRST_NAMES)) + core
    text += "".join((" " if index == 0 else joint) + cue for index, cue in enumerate(cues))
    text = text.replace(" :", ":") + rng.choice(CLOSINGS)
    if rng.random() < 0.75:
        text = text[0].upper() + text[1:]
    return Request(text, form, filled)


def phrase_values(rng: Random, form: Form, at_most: int = 4) -> tuple[dict[str, Any], list[str]]:
    """Draw values for most of a form's fields, `at_most` so many; returns them and the words for each, in any order."""
    filled: dict[str, Any] = {}
    cues: list[str] = []
    needed = rng.choice(form.fields).name
    for field in form.fields[:at_most]:
        if field.name == needed or rng.random() < 0.85:
            value = rng.choice(field.options) if field.options else field.kind.draw(rng)
            filled[field.name] = value
            cues.append(_cue(rng, field, value))
    rng.shuffle(cues)
    return filled, cues


def _core(rng: Random, form: Form) -> str:
    noun = form.noun if rng.random() < 0.85 else f"{rng.choice(words.ADJECTIVES)} {form.noun}"
    thing = f"{rng.choice((article(noun), 'the', 'my', 'our', 'this', 'that'))} {noun}"
    verb = rng.choice(form.verbs)
    first, _, particle = verb.partition(" ")
    if particle and rng.random() < 0.4:
        return f"{first} {thing} {particle}"
    return f"{verb} {thing}" if rng.random() < 0.9 else f"{verb} {form.noun}"


def _cue(rng: Random, field: Field, value: Any) -> str:
    said = field.name.replace("_", " ")
    if field.kind.type == "boolean":
        return rng.choice(
            (f"make it {said}", f"{said}", f"it is {said}") if value else (f"not {said}", f"make it not {said}")
        )
    named = ("{f} {v}", "{f}: {v}", "with {f} {v}", "the {f} is {v}", "with {v} as the {f}", "set {f} to {v}")
    cue = rng.choice(field.kind.cues) if rng.random() < 0.75 and field.name in field.kind.names else rng.choice(named)
    return cue.format(f=said, v=spoken(value))

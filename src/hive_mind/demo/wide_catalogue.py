"""Catalogue documents in which nothing but the prompt says how to answer, and requests that seldom name a verb.

The keys, tags and headings of a document are drawn anew, so its answers can only be written by following the rule that
stands in it; with a few fixed formats a base knew those and could not answer in another one. Requests are questions,
statements and orders around a form's noun, for people rarely ask in the words that a thing is called by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hive_mind.demo import catalogue, forms, words
from hive_mind.demo.documents import DEFAULT_SYSTEM, Document, chat
from hive_mind.demo.forms import Form, Request, article, phrase_values
from hive_mind.demo.layouts import compact, flat_fields, listed, properties
from hive_mind.demo.skills import DEEDS
from hive_mind.demo.values import KINDS, Kind, code, made_up

PLAIN_NOUNS = tuple(noun for noun in words.NOUNS if noun.isalpha() and noun != "tool")


def sentence(rng: Random) -> str:
    """Draw a few words that somebody might want written down."""
    who, noun, other = rng.choice(words.FIRST_NAMES), rng.choice(PLAIN_NOUNS), rng.choice(PLAIN_NOUNS)
    past, base = rng.choice(DEEDS)
    return rng.choice((
        f"{who} {past} two {noun}s", f"please {base} my {noun}",
        f"a {rng.choice(words.ADJECTIVES)} {noun} and the {other}",
        f"{who} and the {noun}", f"nobody {past} this {noun} on {rng.choice(words.WEEKDAYS)}", f"{noun} or {other}",
        f"they {past} our {noun} near the {other}", f"{noun}, {other} and {rng.choice(PLAIN_NOUNS)}",
    ))  # fmt: skip


WIDE_KINDS: tuple[Kind, ...] = (
    *KINDS,
    Kind(
        "string", ("line", "wording", "phrase", "words", "saying", "contents"), sentence,
        ("saying {v}", ": {v}", "that says {v}", "with the words {v}", "with the {f} {v}", "which reads {v}", '"{v}"'),
    ),
    Kind(
        "integer", ("percent", "degrees", "score", "strength", "floor", "rank"), lambda rng: rng.randint(0, 700),
        ("to {v}", "at {v}", "{v} {f}", "up to {v}", "on {v}", "by {v}", "of {v}"),
    ),
    Kind(
        "string", ("version", "slug", "mark", "variant"),
        lambda rng: f"{rng.choice(PLAIN_NOUNS)}{rng.choice('-_.')}{_key(rng)}",
        ("{v}", "called {v}", "{f} {v}", "on {v}", "as {v}", "into {v}"),
    ),
)  # fmt: skip
"""The kinds of values of the other documents, and whole sentences, plain numbers and names with joints in them."""

ASKING = (
    "What is the {n} {c}?", "How is the {n} {c}?", "What does the {n} look like {c}?", "Is there {an} {n} {c}?",
    "Do I have {an} {n} {c}?", "Could the {n} be {c}?", "Could I have {an} {n} {c}?", "Can the {n} go {c}?",
    "Which {n} is it {c}?", "Will there be {an} {n} {c}?", "Where is my {n} {c}?", "How about {an} {n} {c}?",
    "the {n} {c}", "{n} {c}", "{n}: {c}", "my {n} {c}", "one {n} {c}", "new {n} {c}", "next {n} {c}",
    "I need the {n} {c}", "I want {an} {n} {c}", "I'd like the {n} {c}", "We could use {an} {n} {c}",
    "give me the {n} {c}", "let me have the {n} {c}", "get my {n} {c}", "see to the {n} {c}", "do the {n} {c}",
    "The {n} should be {c}", "The {n} has to be {c}", "There is {an} {n} {c}, see to it", "My {n} is {c}",
    "I am waiting for the {n} {c}", "Nothing is done about the {n} {c} yet", "{c}, that is my {n}", "{c} as {an} {n}",
    "{c} is for the {n}", "it is about the {n} {c}", "{who} asks for {an} {n} {c}", "I think of {an} {n} {c}",
)  # fmt: skip


def ask(rng: Random, form: Form, shown: Sequence[Form]) -> Request:
    """Ask for a form in words around its noun; with its verb where another form shown is about the same noun."""
    alone = sum(other.noun == form.noun for other in shown) <= 1
    if not alone or rng.random() < 0.45:
        return forms.ask(rng, form)
    filled, cues = phrase_values(rng, form)
    text = rng.choice(ASKING).format(
        n=form.noun, an=article(form.noun), who=rng.choice(words.FIRST_NAMES), c=rng.choice((" ", " ", ", ")).join(cues)
    )
    text = text.replace(" :", ":")
    return Request(text[0].upper() + text[1:] if rng.random() < 0.7 else text, form, filled)


@dataclass(frozen=True)
class Format:
    """One document's own format: what a form is called in it, its keys, and the tags around an answer."""

    thing: str
    keys: tuple[str, str]  # of a declaration: the form's name, its fields
    answer: tuple[str, str]  # of an answer: the form's name, the values
    tag: str
    shape: int

    def declare(self, form: Form) -> str:
        """Show a form."""
        (name, fields), thing = self.keys, self.thing
        if self.shape < 5:
            inner = {"type": "object", "properties": properties(form), "required": [form.fields[0].name]}
            return compact({"type": thing, thing: {name: form.name, "description": form.about, fields: inner}})
        if self.shape < 7:
            return compact({name: form.name, "description": form.about, fields: properties(form)})
        return listed(form) if self.shape == 7 else compact({name: form.name, fields: flat_fields(form)})

    def fill(self, form: Form, filled: dict[str, Any]) -> str:
        """Answer with a form."""
        return self._wrapped(compact({self.answer[0]: form.name, self.answer[1]: filled}))

    @property
    def rule(self) -> str:
        """How the prompt says that one has to answer."""
        return self._wrapped(
            f'{{"{self.answer[0]}": <{self.thing}-{self.keys[0]}>, "{self.answer[1]}": <{self.answer[1]}-object>}}'
        )

    def _wrapped(self, text: str) -> str:
        return f"<{self.tag}>\n{text}\n</{self.tag}>" if self.tag else text


def _key(rng: Random) -> str:
    return made_up(rng, 2, 3) if rng.random() < 0.2 else rng.choice(PLAIN_NOUNS)


def draw_format(rng: Random) -> Format:
    """Make up a format; in one of four no tags stand around an answer."""
    tag = rng.choice(("", "{}", "{}", "{}_{}")).format(_key(rng), _key(rng))
    keys: list[str] = []
    while len(keys) < 5:
        keys += [key for key in [_key(rng)] if key not in keys]
    return Format(
        keys[0], (keys[1], keys[2]), (keys[1] if rng.random() < 0.5 else keys[3], keys[4]), tag, rng.randrange(9)
    )


def wide_catalogue(rng: Random) -> Document:
    """One to four forms in a format of the document's own, and two to five requests."""
    made = draw_format(rng)
    style = rng.choice(forms.STYLES)
    shown, others = catalogue.draw_forms(rng, style, rng.choice((1, 1, 2, 2, 3, 4)), 4, WIDE_KINDS)
    turns: list[tuple[str, str]] = []
    for fitting in catalogue.order(rng, shown, rng.choice((2, 3, 3, 4, 5))):
        turns += _exchange(rng, made, fitting, shown, others)
    return chat("wide_catalogue", turns, _system(rng, made, "\n".join(made.declare(form) for form in shown)))


def _exchange(
    rng: Random, made: Format, fitting: Form | None, shown: Sequence[Form], others: Sequence[Form]
) -> list[tuple[str, str]]:
    if fitting is None:
        return catalogue.without_a_form(rng, others, lambda form: ask(rng, form, shown))
    request = ask(rng, fitting, shown)
    turns = [("user", request.text), ("assistant", made.fill(fitting, request.in_order))]
    if rng.random() < 0.15:
        tag, number = _key(rng), code(rng)
        shown_number = compact({_key(rng): rng.choice(("ok", "done", "sent", "ready")), _key(rng): number})
        turns += [
            ("user", f"<{tag}>\n{shown_number}\n</{tag}>"),
            ("assistant", f"The {fitting.noun} is done: {number}."),
        ]
    return turns


SYSTEMS: tuple[Callable[[str, str, str, str], str], ...] = (
    lambda heading, things, listing, rule: (
        f"# {heading.capitalize()}\n\nYou may fill in one or more of them for the user.\n\nAll of them stand within "
        f"<{things}></{things}>:\n<{things}>\n{listing}\n</{things}>\n\nFor each one, write an object so:\n{rule}"
    ),
    lambda heading, things, listing, rule: (
        f"# {heading.capitalize()}\n\nThese can be used:\n<{things}>\n{listing}\n</{things}>\n\nWrite every answer "
        f"like this, or say that nothing fits:\n{rule}"
    ),
    lambda heading, things, listing, rule: f"{heading.capitalize()}:\n{listing}\n\nAnswer with {rule}",
    lambda heading, things, listing, rule: f"Answer with {rule}\n\n<{things}>\n{listing}\n</{things}>",
    lambda heading, things, listing, rule: f"## {things}\n{listing}\n\n## {heading}\n{rule}",
)


def _system(rng: Random, made: Format, listing: str) -> str:
    written = rng.choice(SYSTEMS)(_key(rng), f"{made.thing}s", listing, made.rule)
    return f"{DEFAULT_SYSTEM}\n\n{written}" if rng.random() < 0.7 else written

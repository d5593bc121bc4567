"""Corpus documents that show forms, signatures or tables and fill in the one that a request means.

They exercise what a later fine-tune builds on: to choose an entry by what it is called, to copy values out of a
sentence into its fields, to leave out what was not said, and to say so when nothing fits. Entries come in many layouts
(JSON, JSON Schema, Python signatures, command lines, SQL, lists), and none of them is a tool declaration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hive_mind.demo import words
from hive_mind.demo.documents import ANSWER, CHANCE, DEFAULT_SYSTEM, Document, chat, mixed
from hive_mind.demo.values import KINDS, Kind, code, made_up, spoken


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


def article(noun: str) -> str:
    """Return the article that a noun takes."""
    return "an" if noun[0].lower() in "aeiou" else "a"


def draw_form(rng: Random, style: str, near: Form | None = None) -> Form:
    """Make up a form; `near` shares its verb or its noun, which makes the two easy to mistake."""
    verbs, noun = rng.choice(words.VERB_GROUPS), rng.choice(words.NOUNS)
    if near is not None:
        if rng.random() < 0.5:
            verbs = near.verbs
        else:
            noun = near.noun
    if rng.random() < 0.12:
        noun = made_up(rng)
    taken: set[str] = set()
    fields = []
    for kind in rng.sample(KINDS, rng.choice((1, 1, 2, 2, 2, 3, 3, 4))):
        name = made_up(rng) if rng.random() < 0.08 else rng.choice(kind.names)
        if name not in taken:
            taken.add(name)
            options = _options(kind, rng) if kind.type == "enum" else ()
            fields.append(Field(name, kind, options))
    return Form(verbs, noun, tuple(fields), _name(verbs[0], noun, style))


def _options(kind: Kind, rng: Random) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.draw(rng) for _ in range(rng.randint(2, 5))))


def _name(verb: str, noun: str, style: str) -> str:
    parts = [*verb.split(), *noun.replace("-", " ").split()]
    if style == "camel":
        return parts[0] + "".join(part.capitalize() for part in parts[1:])
    if style == "dotted":
        return f"{noun.replace('-', '_')}.{verb.replace(' ', '_')}"
    return ("-" if style == "kebab" else "_").join(parts)


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


def ask(rng: Random, form: Form) -> Request:
    """Put into words that `form` is wanted, with most of its fields."""
    filled: dict[str, Any] = {}
    cues: list[str] = []
    needed = rng.choice(form.fields).name
    for field in form.fields:
        if field.name == needed or rng.random() < 0.85:
            value = rng.choice(field.options) if field.options else field.kind.draw(rng)
            filled[field.name] = value
            cues.append(_cue(rng, field, value))
    rng.shuffle(cues)
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


# --- layouts: how entries are shown, and how one is filled in ---------------------------------------------------------

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
NO_FIT = (
    "None of these fits that.", "I have no form for that.", "Sorry, there is nothing here for that.",
    "There is no entry for {noun}.", "Sorry, I cannot {verb} {a} {noun} with these.",
    "I am sorry, but I can only help with what is listed here.", "Nothing listed here can do that.",
    "That is not possible here: there is no form for {a} {noun}.", "I cannot do that, no entry fits.",
)  # fmt: skip
SMALL_TALK = (
    ("Thanks!", "You are welcome."), ("Thank you.", "You are welcome!"), ("Hello!", "Hello! How can I help?"),
    ("Hi there.", "Hi! What can I do for you?"), ("Good morning.", "Good morning! How can I help you?"),
    ("Who are you?", "I am an assistant that fills in forms."), ("Great, that is all.", "Glad to help. Goodbye!"),
    ("How are you?", "I am fine, thank you. How can I help?"), ("Bye!", "Goodbye!"), ("ok", "Anything else?"),
    ("What can you do?", "I can fill in the forms listed here."), ("Never mind.", "All right."),
    ("That was quick!", "Happy to help."), ("I am tired today.", "I am sorry to hear that. Take a rest."),
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a document shows its forms (`declare`) and how it fills one in (`fill`)."""

    style: str
    declare: Callable[[Form], str]
    fill: Callable[[Form, dict[str, Any]], str]
    rule: str


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _flat_json(form: Form, keys: tuple[str, str]) -> str:
    types = WORDS_FOR_TYPES["json"]
    fields = {field.name: list(field.options) or types[field.kind.type] for field in form.fields}
    return _compact({keys[0]: form.name, "about": form.about, keys[1]: fields})


def _schema_json(form: Form) -> str:
    properties = {}
    for field in form.fields:
        kind: dict[str, Any] = {"type": "string" if field.options else field.kind.type}
        if field.options:
            kind["enum"] = list(field.options)
        if field.kind.type == "array":
            kind["items"] = {"type": "string"}
        properties[field.name] = kind
    return _compact({"title": form.name, "description": form.about, "type": "object", "properties": properties})


def _nested_schema_json(form: Form, keys: tuple[str, str]) -> str:
    return _compact({"type": keys[0], keys[0]: json.loads(_schema_json(form))})


def _listed(form: Form) -> str:
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
    return _compact(value) if isinstance(value, str | list) else repr(value)


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
    return "\n".join([f"{form.name}:", *(f"  {name}: {_compact(value)}" for name, value in filled.items())])


def draw_layout(rng: Random) -> Layout:
    """Choose how one document shows and fills its forms."""
    style = rng.choice(("snake", "snake", "snake", "camel", "dotted"))
    shape = rng.randrange(12)
    if shape == 0:
        return Layout("snake", _signature, _call, rng.choice(("Answer with the call.", "Write the Python call.")))
    if shape == 1:
        return Layout("kebab", _usage, _command, "Answer with the command.")
    if shape == 2:
        return Layout("snake", _table, _insert, "Answer in SQL.")
    if shape == 3:
        return Layout(style, _listed, _yaml, "Answer in YAML.")
    keys = rng.choice(WRAPPERS)
    declare: Callable[[Form], str] = rng.choice((
        _listed, _schema_json, _schema_json, lambda form: _flat_json(form, keys), lambda form: _flat_json(form, keys),
        lambda form: _nested_schema_json(form, keys), lambda form: _nested_schema_json(form, keys),
    ))  # fmt: skip
    return _json_layout(rng, style, keys, declare)


def _json_layout(rng: Random, style: str, keys: tuple[str, str], declare: Callable[[Form], str]) -> Layout:
    shape = rng.randrange(5)
    tag = rng.choice(TAGS)
    if shape == 0:
        return Layout(
            style, declare, lambda form, filled: _compact({keys[0]: form.name} | filled),
            f'Answer with {{"{keys[0]}": <{keys[0]}>, ...}}.',
        )  # fmt: skip
    before, after = (f"<{tag}>\n", f"\n</{tag}>") if shape >= 2 else ("", "")
    rule = f'Answer with {before}{{"{keys[0]}": <{keys[0]}>, "{keys[1]}": <{keys[1]}>}}{after}'
    return Layout(
        style, declare, lambda form, filled: before + _compact({keys[0]: form.name, keys[1]: filled}) + after, rule
    )


# --- documents --------------------------------------------------------------------------------------------------------


def catalogue(rng: Random) -> Document:
    """A list of forms and a few requests, some of which none of them fits."""
    layout = draw_layout(rng)
    shown, others = _draw_forms(rng, layout.style)
    turns: list[tuple[str, str]] = []
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5))):
        turns += _exchange(rng, layout, shown, others)
    heading = rng.choice(HEADINGS)
    listing = "\n".join(layout.declare(form) for form in shown)
    if rng.random() < 0.2:
        return _as_text(heading, listing, layout, turns)
    system = rng.choice((
        f"{DEFAULT_SYSTEM}\n\n# {heading}\n\n{listing}\n\n{layout.rule}", f"{heading}:\n{listing}\n\n{layout.rule}",
        f"{layout.rule}\n\n{heading}:\n{listing}", f"{DEFAULT_SYSTEM}\n\n{listing}\n{layout.rule}",
        f"{DEFAULT_SYSTEM} {layout.rule}\n\n<{heading.lower()}>\n{listing}\n</{heading.lower()}>",
    ))  # fmt: skip
    return chat("catalogue", turns, system)


def _draw_forms(rng: Random, style: str) -> tuple[list[Form], list[Form]]:
    """Forms that are shown, and others that are asked for in vain; names differ throughout."""
    forms = [draw_form(rng, style)]
    count = rng.choice((1, 1, 2, 2, 3, 3, 4, 5))
    while len(forms) < count + 3:
        near = rng.choice(forms) if rng.random() < 0.45 else None
        form = draw_form(rng, style, near)
        if all(form.name != other.name for other in forms):
            forms.append(form)
    rng.shuffle(forms)
    return forms[:count], forms[count:]


def _exchange(rng: Random, layout: Layout, shown: Sequence[Form], others: Sequence[Form]) -> list[tuple[str, str]]:
    chance = rng.random()
    if chance < 0.2:
        request = ask(rng, rng.choice(others))
        form = request.form
        answer = rng.choice(NO_FIT).format(noun=form.noun, verb=form.verbs[0], a=article(form.noun))
        return [("user", request.text), ("assistant", answer)]
    if chance < 0.28:
        question, answer = rng.choice(SMALL_TALK)
        return [("user", question), ("assistant", answer)]
    if chance < 0.4:
        first, second = ask(rng, rng.choice(shown)), ask(rng, rng.choice(shown))
        joint = rng.choice((" Then ", " Also, ", " And ", " After that, ", " "))
        later = second.text[0].lower() + second.text[1:] if joint != " " else second.text
        text = first.text + ("" if first.text[-1] in ".!" else ".") + joint + later
        return [("user", text), ("assistant", f"{_fill(layout, first)}\n{_fill(layout, second)}")]
    request = ask(rng, rng.choice(shown))
    turns = [("user", request.text), ("assistant", _fill(layout, request))]
    return turns + _result(rng, request) if rng.random() < 0.15 else turns


def _fill(layout: Layout, request: Request) -> str:
    ordered = {f.name: request.filled[f.name] for f in request.form.fields if f.name in request.filled}
    return layout.fill(request.form, ordered)


def _result(rng: Random, request: Request) -> list[tuple[str, str]]:
    """The outcome of an entry comes back and is told in a sentence."""
    number, noun = code(rng), request.form.noun
    tag = rng.choice(("result", "outcome", "reply", "response"))
    state = rng.choice(("ok", "done", "saved", "sent", "failed", "booked"))
    shown = _compact({"status": state, rng.choice(("id", "number", "ref")): number})
    told = rng.choice(
        ("Done: the {n} is {s}, its number is {i}.", "The {n} is {s} ({i}).", "All {s}. The number is {i}.")
    )
    return [("user", f"<{tag}>\n{shown}\n</{tag}>"), ("assistant", told.format(n=noun, s=state, i=number))]


def _as_text(heading: str, listing: str, layout: Layout, turns: Sequence[tuple[str, str]]) -> Document:
    """The same as running text, without a chat."""
    pieces = [(f"# {heading}\n\n{listing}\n\n{layout.rule}\n", CHANCE)]
    for role, text in turns:
        pieces.append((f"\n> {text}\n", CHANCE) if role == "user" else (f"{text}\n", ANSWER))
    return mixed("catalogue", pieces)

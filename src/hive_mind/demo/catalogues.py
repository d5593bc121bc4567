"""Corpus documents that show forms, signatures or tables and fill in the one that a request means.

They exercise what a later fine-tune builds on: to choose an entry by what it is called, to copy values out of a
sentence into its fields, to leave out what was not said, and to say so when nothing fits. The forms and words are made
up, the layouts are drawn anew each time, and none of them is a tool declaration.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from hive_mind.demo.documents import ANSWER, CHANCE, DEFAULT_SYSTEM, Document, chat, mixed
from hive_mind.demo.forms import Form, Naming, Request, article, ask, draw_form
from hive_mind.demo.layouts import THINGS, Layout, draw_layout
from hive_mind.demo.values import code

# One beginning for all, and one of them throughout a document, so that the first token decides whether an entry fits
# and nothing after it has to be guessed.
NO_FIT = (
    "Sorry, none of these fits that.", "Sorry, there is nothing here for that.", "Sorry, nothing listed can do that.",
    "Sorry, I have nothing for {noun} here.", "Sorry, I cannot {verb} {a} {noun} with these.",
)  # fmt: skip
TOLD = ("The {n} is {s}, its number is {i}.", "The {n} is {s} ({i}).", "The {n} {i} is {s}.")
SMALL_TALK = (
    ("Thanks!", "You are welcome."), ("Thank you.", "You are welcome!"), ("Hello!", "Hello! How can I help?"),
    ("Hi there.", "Hi! What can I do for you?"), ("Good morning.", "Good morning! How can I help you?"),
    ("Who are you?", "I am an assistant that fills in forms."), ("Great, that is all.", "Glad to help. Goodbye!"),
    ("How are you?", "I am fine, thank you. How can I help?"), ("Bye!", "Goodbye!"), ("ok", "Anything else?"),
    ("What can you do?", "I can fill in the forms listed here."), ("Never mind.", "All right."),
    ("That was quick!", "Happy to help."), ("I am tired today.", "I am sorry to hear that. Take a rest."),
    ("I saw {noun}s today.", "That sounds nice."), ("My {noun} is old.", "Perhaps you need a new {noun}."),
    ("What is {a} {noun}?", "That is a good question about {noun}s."), ("I like my {noun}.", "I am glad that you do."),
)  # fmt: skip
INTROS = (
    "", "", "These {things} are at hand:\n", "You may use one or more of these {things}:\n", "# {Things}\n\n",
    "{Things}:\n", "You are given some {things} to help with what is asked.\n\n", "Here are the {things}.\n",
    "# {Things}\n\nYou may fill in one or more {things} for the person who asks.\n\n",
)  # fmt: skip


def catalogue(rng: Random) -> Document:
    """A list of forms and several requests, some of which none of them fits."""
    layout = draw_layout(rng)
    shown, others = _draw_forms(rng, layout.naming)
    no_fit = rng.choice(NO_FIT)
    turns: list[tuple[str, str]] = []
    for _ in range(rng.choice((1, 2, 3, 4, 5, 6, 7))):
        turns += _exchange(rng, layout, shown, others, no_fit)
    things = rng.choice(THINGS)
    intro = rng.choice(INTROS).format(things=things, Things=things.capitalize())
    listing = "\n".join(layout.declare(form) for form in shown)
    if rng.random() < 0.4:
        listing = f"<{things}>\n{listing}\n</{things}>"
    if rng.random() < 0.1:
        return _as_text(f"{intro}{listing}\n\n{layout.rule}\n", turns)
    start = rng.choice((f"{DEFAULT_SYSTEM}\n\n", f"{DEFAULT_SYSTEM}\n\n", f"{DEFAULT_SYSTEM} ", ""))
    parts = (intro + listing, layout.rule) if rng.random() < 0.8 else (layout.rule, intro + listing)
    return chat("catalogue", turns, start + "\n\n".join(parts))


def _draw_forms(rng: Random, naming: Naming) -> tuple[list[Form], list[Form]]:
    """Forms that are shown, and others that are asked for in vain; names differ throughout."""
    forms = [draw_form(rng, naming)]
    count = rng.choice((1, 1, 2, 2, 3, 3, 4))
    while len(forms) < count + 3:
        near = rng.choice(forms) if rng.random() < 0.35 else None
        form = draw_form(rng, naming, near)
        if all(form.name != other.name for other in forms):
            forms.append(form)
    rng.shuffle(forms)
    return forms[:count], forms[count:]


def _exchange(
    rng: Random, layout: Layout, shown: Sequence[Form], others: Sequence[Form], no_fit: str
) -> list[tuple[str, str]]:
    chance = rng.random()
    if chance < 0.27:
        return _out_of_reach(rng, rng.choice(others), no_fit)
    if chance < 0.33:
        return _talk(rng, rng.choice(others))
    if chance < 0.37:
        return _two_at_once(rng, layout, shown)
    request = ask(rng, rng.choice(shown))
    turns = [("user", request.text), ("assistant", _fill(layout, request))]
    return turns + _result(rng, request) if rng.random() < 0.12 else turns


def _out_of_reach(rng: Random, form: Form, no_fit: str) -> list[tuple[str, str]]:
    answer = no_fit.format(noun=form.noun, verb=form.verbs[0], a=article(form.noun))
    return [("user", ask(rng, form).text), ("assistant", answer)]


def _talk(rng: Random, form: Form) -> list[tuple[str, str]]:
    words = {"noun": form.noun, "a": article(form.noun)}
    said, answer = rng.choice(SMALL_TALK)
    return [("user", said.format(**words)), ("assistant", answer.format(**words))]


def _two_at_once(rng: Random, layout: Layout, shown: Sequence[Form]) -> list[tuple[str, str]]:
    first, second = ask(rng, rng.choice(shown)), ask(rng, rng.choice(shown))
    joint = rng.choice((" Then ", " Also, ", " And ", " After that, ", " "))
    later = second.text[0].lower() + second.text[1:] if joint != " " else second.text
    text = first.text + ("" if first.text[-1] in ".!" else ".") + joint + later
    return [("user", text), ("assistant", f"{_fill(layout, first)}\n{_fill(layout, second)}")]


def _fill(layout: Layout, request: Request) -> str:
    ordered = {f.name: request.filled[f.name] for f in request.form.fields if f.name in request.filled}
    return layout.fill(request.form, ordered)


def _result(rng: Random, request: Request) -> list[tuple[str, str]]:
    """The outcome of an entry comes back and is told in a sentence."""
    number, noun = code(rng), request.form.noun
    tag = rng.choice(("result", "outcome", "reply", "response"))
    state = rng.choice(("ok", "done", "saved", "sent", "failed", "booked"))
    shown = json.dumps({"status": state, rng.choice(("id", "number", "ref")): number})
    told = TOLD[len(tag) % len(TOLD)]
    return [("user", f"<{tag}>\n{shown}\n</{tag}>"), ("assistant", told.format(n=noun, s=state, i=number))]


def _as_text(listing: str, turns: Sequence[tuple[str, str]]) -> Document:
    """The same as running text, without a chat."""
    pieces = [(listing, CHANCE)]
    for role, text in turns:
        pieces.append((f"\n> {text}\n", CHANCE) if role == "user" else (f"{text}\n", ANSWER))
    return mixed("catalogue", pieces)

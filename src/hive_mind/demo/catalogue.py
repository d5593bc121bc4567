"""Corpus documents that show forms and fill in the one that a request means, or say that none does.

They exercise what a later fine-tune builds on: to choose an entry by what it is called, to copy values out of a
sentence into its fields, to leave out what was not said, and to say so when nothing fits. Entries come in many layouts,
and none of them is a tool declaration. A document holds many requests: the entries cost tokens, the answers teach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hive_mind.demo.documents import ANSWER, CHANCE, DEFAULT_SYSTEM, Document, chat, mixed
from hive_mind.demo.forms import STYLES, Form, Request, article, ask, draw_form
from hive_mind.demo.layouts import HEADINGS, Layout, compact, draw_layout
from hive_mind.demo.values import KINDS, Kind, code

NO_FIT = (
    "Sorry, none of these fits that.", "Sorry, I have no form for that.", "Sorry, there is nothing here for that.",
    "Sorry, there is no entry for {noun}.", "Sorry, I cannot {verb} {a} {noun} with these.",
    "Sorry, I can only help with what is listed here.", "Sorry, there is no form for {a} {noun}.",
)  # fmt: skip
"""All begin alike, so that one token tells whether something fits: with many beginnings it was not learnt."""
SMALL_TALK = (
    ("Thanks!", "You are welcome."), ("Thank you.", "You are welcome!"), ("Hello!", "Hello! How can I help?"),
    ("Hi there.", "Hi! What can I do for you?"), ("Good morning.", "Good morning! How can I help you?"),
    ("Who are you?", "I am an assistant that fills in forms."), ("Great, that is all.", "Glad to help. Goodbye!"),
    ("How are you?", "I am fine, thank you. How can I help?"), ("Bye!", "Goodbye!"), ("ok", "Anything else?"),
    ("What can you do?", "I can fill in the forms listed here."), ("Never mind.", "All right."),
    ("That was quick!", "Happy to help."), ("I am tired today.", "I am sorry to hear that. Take a rest."),
)  # fmt: skip
NEAR = 0.5
"""Share of the forms that are easy to mistake for another one of the document."""


def catalogue(rng: Random) -> Document:
    """A list of one to four forms and several requests, some of which none of them fits."""
    layout = draw_layout(rng)
    shown, others = draw_forms(rng, layout.style, rng.choice((1, 2, 2, 3, 3, 4)), 4)
    turns: list[tuple[str, str]] = []
    for fitting in order(rng, shown, rng.choice((3, 4, 5, 6))):
        turns += _exchange(rng, layout, fitting, others)
    heading = rng.choice(HEADINGS)
    listing = "\n".join(layout.declare(form) for form in shown)
    if rng.random() < 0.1:
        return _as_text(heading, listing, layout, turns)
    system = rng.choice((
        f"{DEFAULT_SYSTEM}\n\n# {heading}\n\n{listing}\n\n{layout.rule}", f"{heading}:\n{listing}\n\n{layout.rule}",
        f"{layout.rule}\n\n{heading}:\n{listing}", f"{DEFAULT_SYSTEM}\n\n{listing}\n{layout.rule}",
        f"{DEFAULT_SYSTEM}\n\n# {heading}\n\n<{heading.lower()}>\n{listing}\n</{heading.lower()}>\n\n{layout.rule}",
        f"{DEFAULT_SYSTEM} {layout.rule}\n\n<{heading.lower()}>\n{listing}\n</{heading.lower()}>",
    ))  # fmt: skip
    return chat("catalogue", turns, system)


def choice(rng: Random) -> Document:
    """A list of names and many short requests: which name is meant, or none."""
    shown, others = draw_forms(rng, rng.choice(STYLES), rng.randint(1, 5), 4)
    none = rng.choice(NO_FIT[:3])
    turns = []
    for form in order(rng, shown, rng.randint(5, 10)):
        wanted = form or rng.choice(others)
        turns += [("user", ask(rng, wanted, rng.choice((0, 0, 1))).text), ("assistant", form.name if form else none)]
    heading = rng.choice(HEADINGS)
    names = rng.choice(("\n", ", ", " / ")).join(form.name for form in shown)
    if rng.random() < 0.4:
        pieces = [(f"{heading}: {names}\n", CHANCE)]
        for role, text in turns:
            pieces.append((f"{text} -> ", CHANCE) if role == "user" else (f"{text}\n", ANSWER))
        return mixed("choice", pieces)
    return chat("choice", turns, f"{heading}:\n{names}")


def draw_forms(
    rng: Random, style: str, shown: int, others: int, kinds: Sequence[Kind] = KINDS
) -> tuple[list[Form], list[Form]]:
    """Forms that are shown, and others that are asked for in vain; names differ throughout."""
    forms = [draw_form(rng, style, None, kinds)]
    while len(forms) < shown + others:
        near = rng.choice(forms) if rng.random() < NEAR else None
        form = draw_form(rng, style, near, kinds)
        if all(form.name != other.name for other in forms):
            forms.append(form)
    rng.shuffle(forms)
    return forms[:shown], forms[shown:]


def order(rng: Random, shown: Sequence[Form], count: int) -> list[Form | None]:
    """What `count` requests want: one of the forms shown in two of three, each before any comes again, or none."""
    queue: list[Form] = []
    wanted: list[Form | None] = []
    for _ in range(count):
        if rng.random() < 0.36:
            wanted.append(None)
            continue
        queue = queue or rng.sample(shown, len(shown))
        wanted.append(queue.pop())
    return wanted


def _exchange(rng: Random, layout: Layout, fitting: Form | None, others: Sequence[Form]) -> list[tuple[str, str]]:
    if fitting is None:
        return without_a_form(rng, others, lambda form: ask(rng, form))
    request = ask(rng, fitting)
    turns = [("user", request.text), ("assistant", layout.fill(fitting, request.in_order))]
    return turns + _result(rng, request) if rng.random() < 0.15 else turns


def without_a_form(rng: Random, others: Sequence[Form], ask: Callable[[Form], Request]) -> list[tuple[str, str]]:
    """Small talk, or a request for one of the forms that are not shown and the answer that none fits."""
    if rng.random() < 0.2:
        question, answer = rng.choice(SMALL_TALK)
        return [("user", question), ("assistant", answer)]
    form = rng.choice(others)
    answer = rng.choice(NO_FIT).format(noun=form.noun, verb=form.verbs[0], a=article(form.noun))
    return [("user", ask(form).text), ("assistant", answer)]


def _result(rng: Random, request: Request) -> list[tuple[str, str]]:
    """The outcome of an entry comes back and is told in a sentence."""
    number, noun = code(rng), request.form.noun
    tag = rng.choice(("result", "outcome", "reply", "response"))
    state = rng.choice(("ok", "done", "saved", "sent", "failed", "booked"))
    shown = compact({"status": state, rng.choice(("id", "number", "ref")): number})
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

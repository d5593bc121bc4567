"""Corpus documents that can only be continued by looking back: copying, lookup in lists, records, short stories."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from hive_mind.demo import words
from hive_mind.demo.documents import ANSWER, CHANCE, Document, chat, mixed
from hive_mind.demo.values import KINDS, clock, code, day, errand, file_name, made_up, path, person, place, title

TEXTS: tuple[Callable[[Random], str], ...] = (person, place, day, clock, title, errand, code, file_name, path, made_up)


def draw_text(rng: Random) -> str:
    """Some value of some kind, as text."""
    return rng.choice(TEXTS)(rng)


def copying(rng: Random) -> Document:
    """A text said again: at once, in quotes, as JSON, or after something else."""
    pieces: list[tuple[str, float]] = []
    frame = rng.choice(
        (
            ("{v}\n", "{v}\n"),
            ("Input: {v}\n", "Output: {v}\n"),
            ("Repeat: {v}\n", "{v}\n"),
            ("a = {q}\n", "b = {q}\n"),
            ("{v}", " -> {q}\n"),
            ("Say {q}: ", "{v}\n"),
            ("echo {q}\n", "{v}\n"),
            ("Copy {v} as JSON:\n", '{{"copy": {q}}}\n'),
        )
    )
    for _ in range(rng.randint(2, 6)):
        value = " ".join(draw_text(rng) for _ in range(rng.choice((1, 1, 2, 3))))
        filled = [part.format(v=value, q=json.dumps(value, ensure_ascii=False)) for part in frame]
        pieces += [(filled[0], CHANCE), (filled[1], ANSWER)]
    return mixed("copy", pieces)


def lookup(rng: Random, count: int | None = None) -> Document:
    """Pairs in one of several notations, then some asked for by their key or, the other way round, by their value."""
    pairs: dict[str, str] = {}
    while len(pairs) < (count or rng.randint(2, 10)):
        pairs[rng.choice((rng.choice(words.NOUNS), made_up(rng), person(rng), code(rng)))] = draw_text(rng)
    table = rng.choice(
        (
            lambda: "".join(f"{key}: {value}\n" for key, value in pairs.items()),
            lambda: "".join(f"{key} = {value}\n" for key, value in pairs.items()),
            lambda: json.dumps(pairs, ensure_ascii=False) + "\n",
            lambda: "".join(f"| {key} | {value} |\n" for key, value in pairs.items()),
            lambda: ". ".join(f"The {key} is {value}" for key, value in pairs.items()) + ".\n",
            lambda: "".join(f"- {key} ({value})\n" for key, value in pairs.items()),
        )
    )()
    frame = rng.choice(
        (("{k}?\n", "{v}\n"), ("What is the {k}?\n", "{v}.\n"), ("Q: {k}\nA:", " {v}\n"), ("get {k}\n", "{v}\n"))
    )
    absent = ("none", "not listed", "unknown")[len(table) % 3]
    turns = []
    for _ in range(rng.randint(2, 5)):
        key = rng.choice(list(pairs)) if rng.random() < 0.85 else made_up(rng)
        turns.append((frame[0].format(k=key), frame[1].format(v=pairs.get(key, absent))))
    if rng.random() < 0.3:
        said = [(role, text.strip()) for pair in turns for role, text in zip(("user", "assistant"), pair, strict=True)]
        return chat("lookup", said, table.strip())
    pieces = [(table + "\n", CHANCE)]
    for question, answer in turns:
        pieces += [(question, CHANCE), (answer, ANSWER)]
    return mixed("lookup", pieces)


def records(rng: Random) -> Document:
    """Records as sentences of one shape and as JSON: the shape shows which word goes where."""
    kinds = rng.sample([kind for kind in KINDS if kind.cues], rng.randint(1, 4))
    names = [rng.choice(kind.names) for kind in kinds]
    cues = [
        rng.choice(kind.cues).replace("{f}", name.replace("_", " ")) for kind, name in zip(kinds, names, strict=True)
    ]
    start = f"{rng.choice(words.FIRST_NAMES)} got the {rng.choice(words.NOUNS)}"
    backwards = rng.random() < 0.3
    pieces: list[tuple[str, float]] = []
    for index in range(rng.randint(2, 5)):
        row: dict[str, Any] = {name: kind.draw(rng) for kind, name in zip(kinds, names, strict=True)}
        parts = [
            cue.format(v=", ".join(v) if isinstance(v, list) else v) for cue, v in zip(cues, row.values(), strict=True)
        ]
        if not backwards:
            rng.shuffle(parts)
        sentence, entry = f"{start} {' '.join(parts)}.\n", json.dumps(row, ensure_ascii=False) + "\n"
        first, second = (entry, sentence) if backwards else (sentence, entry)
        pieces += [(first, CHANCE), (second + "\n", ANSWER if index or not backwards else CHANCE)]
    return mixed("records", pieces)


def comprehension(rng: Random) -> Document:
    """A few sentences about people and things, and questions that they answer."""
    facts = []
    for who in dict.fromkeys(person(rng) for _ in range(rng.randint(1, 4))):
        verb, noun, where, when = rng.choice(DEEDS), rng.choice(words.NOUNS), place(rng), rng.choice(words.WEEKDAYS)
        facts.append((who, verb, noun, where, when))
    story = " ".join(f"{who} {past} a {noun} in {where} on {when}." for who, (past, _), noun, where, when in facts)
    pairs = []
    for _ in range(rng.randint(1, 4)):
        who, (past, base), noun, where, when = rng.choice(facts)
        pairs.append(
            rng.choice(
                (
                    (f"Who {past} the {noun}?", who),
                    (f"What did {who} {base}?", f"a {noun}"),
                    (f"Where did {who} {base} the {noun}?", f"in {where}"),
                    (f"When did {who} {base} it?", f"on {when}"),
                    (f"Did {who} {base} a {noun}?", "yes"),
                    (f"Did {who} {base} a {rng.choice(words.NOUNS)}?", "no"),
                )
            )
        )
    if rng.random() < 0.5:
        turns = [(role, text) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)]
        turns[0] = ("user", f"{story} {turns[0][1]}")
        return chat("comprehension", turns)
    pieces = [(story + "\n", CHANCE)]
    for question, answer in pairs:
        pieces += [(question, CHANCE), (f" {answer}.\n", ANSWER)]
    return mixed("comprehension", pieces)


DEEDS = tuple(
    tuple(pair.split("/"))
    for pair in [
        "bought/buy",
        "sold/sell",
        "found/find",
        "lost/lose",
        "saw/see",
        "made/make",
        "broke/break",
        "painted/paint",
        "borrowed/borrow",
        "ordered/order",
        "cleaned/clean",
        "drew/draw",
        "sent/send",
        "wanted/want",
        "fixed/fix",
        "forgot/forget",
        "opened/open",
        "packed/pack",
    ]
)

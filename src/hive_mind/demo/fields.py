"""Facts that generated texts are about: a field, a value made for it, and ways to say it in English."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hive_mind.demo import words

Value = str | int | float | bool | list[str]


@dataclass(frozen=True)
class Fact:
    """One field of a record: its key, its value, and a piece of a sentence that says it."""

    key: str
    value: Value
    said: str


# key -> (maker of values, ways to say one; the first is the plainest)
_Maker = Callable[[random.Random], Value]
_FIELDS: dict[str, tuple[_Maker, tuple[str, ...]]] = {
    "who": (words.name, ("with {}", "for {}", "by {}", "together with {}")),
    "owner": (words.name, ("owned by {}", "of {}", "that belongs to {}")),
    "sender": (words.name, ("from {}", "sent by {}")),
    "contact": (words.email, ("at {}", "to {}", "reachable at {}")),
    "city": (words.place, ("in {}", "in the town of {}", "near {}", "at {}")),
    "origin": (words.place, ("from {}", "starting in {}")),
    "target": (words.place, ("to {}", "towards {}", "going to {}")),
    "title": (words.title, ("called {}", 'titled "{}"', "named {}", "with the title {}", '"{}"')),
    "subject": (words.phrase, ("about {}", "on the subject of {}", "saying {}", "that says: {}", 'reading "{}"')),
    "label": (words.invented, ("labelled {}", "marked {}", "under the label {}", "tagged {}")),
    "item": (words.thing, ("of the {}", "for the {}", "with a {}")),
    "day": (lambda r: r.choice(words.DAYS), ("on {}", "for {}", "next {}")),
    "date": (words.date, ("on {}", "dated {}", "from {}", "by {}")),
    "hour": (words.time, ("at {}", "around {}", "by {}", "starting at {}")),
    "month": (lambda r: r.choice(words.MONTHS), ("in {}", "since {}", "until {}")),
    "language": (lambda r: r.choice(words.LANGUAGES), ("in {}", "into {}", "written in {}")),
    "file": (words.file_name, ("in {}", "from {}", "to {}", "as {}", "the file {}")),
    "path": (words.path, ("in {}", "under {}", "from {}", "to {}", "the folder {}")),
    "code": (words.code, ("with code {}", "number {}", "numbered {}", "under {}")),
    "color": (lambda r: r.choice(words.QUALITIES[-10:]), ("in {}", "coloured {}", "painted {}")),
    "state": (lambda r: r.choice(words.QUALITIES), ("that is {}", "being {}", "marked {}")),
    "count": (words.number, ("{} times", "with {} pieces", "for {} people", "{} of them", "limited to {}")),
    "minutes": (words.number, ("for {} minutes", "lasting {} minutes", "in {} minutes", "{} minutes long")),
    "price": (words.number, ("for {} euros", "costing {} euros", "at a price of {}")),
    "percent": (lambda r: r.randint(0, 100), ("at {} percent", "to {} percent", "by {} %")),
    "size": (words.number, ("of size {}", "with {} bytes", "{} pages long")),
    "weight": (lambda r: round(r.uniform(0.1, 99), 1), ("weighing {} kilos", "of {} kg", "with a weight of {}")),
    "done": (lambda r: r.random() < 0.5, ("which is finished: {}", "done: {}")),
    "things": (lambda r: r.sample(words.THINGS, r.randint(2, 4)), ("with {}", "holding {}", "of {}")),
}  # fmt: skip
KEYS = tuple(_FIELDS)


def fact(rng: random.Random, key: str | None = None, as_key: str | None = None) -> Fact:
    """Make one fact, of a given field or any; `as_key` renames the field, so that keys too must be copied."""
    key = key or rng.choice(KEYS)
    make, ways = _FIELDS[key]
    value = make(rng)
    return Fact(as_key or key, value, rng.choice(ways).format(spoken(value)))


def facts(rng: random.Random, count: int, renamed: float = 0.3) -> list[Fact]:
    """Make facts of different fields; a share of the keys is renamed to words that no list holds."""
    keys = rng.sample(KEYS, count)
    return [fact(rng, key, words.invented(rng) if rng.random() < renamed else None) for key in keys]


def spoken(value: Any) -> str:
    """Say a value in English: yes and no, and lists with `and`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value[:-1]) + f" and {value[-1]}"
    return str(value)


def record(items: list[Fact]) -> dict[str, Value]:
    """Return the facts as a mapping, in their order."""
    return {item.key: item.value for item in items}

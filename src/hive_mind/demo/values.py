"""Values that corpus documents copy and look up: kinds of fields, made-up values and the words around them."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hive_mind.demo import words

Draw = Callable[[Random], Any]


@dataclass(frozen=True)
class Kind:
    """A kind of field: names it goes by, how a value is drawn, and cues (`{v}`, `{f}`) that bring it into a text."""

    type: str  # string, integer, number, boolean, enum, array or object
    names: tuple[str, ...]
    draw: Draw
    cues: tuple[str, ...]


def made_up(rng: Random, low: int = 2, high: int = 4) -> str:
    """A word that no language has."""
    return "".join(rng.choice(words.SYLLABLES) for _ in range(rng.randint(low, high)))


def person(rng: Random) -> str:
    """Draw a name, with or without a surname."""
    first = rng.choice(words.FIRST_NAMES) if rng.random() < 0.7 else made_up(rng).capitalize()
    if rng.random() < 0.6:
        return first
    return f"{first} {rng.choice(words.LAST_NAMES) if rng.random() < 0.6 else made_up(rng).capitalize()}"


def place(rng: Random) -> str:
    """Draw a place, known or made up."""
    return rng.choice(words.PLACES) if rng.random() < 0.5 else made_up(rng).capitalize()


def day(rng: Random) -> str:
    """Draw a day or date as people say it."""
    number, month = rng.randint(1, 28), rng.randrange(12)
    return rng.choice(
        (
            rng.choice(words.WEEKDAYS),
            f"{number} {words.MONTHS[month]}",
            f"{words.MONTHS[month]} {number}",
            f"{rng.randint(2024, 2039)}-{month + 1:02d}-{number:02d}",
            f"next {rng.choice(words.WEEKDAYS)}",
        )
    )


def clock(rng: Random) -> str:
    """Draw a time of day."""
    hour, minute = rng.randint(0, 23), rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50))
    return rng.choice(
        (f"{hour}:{minute:02d}", f"{hour:02d}:{minute:02d}", f"{hour % 12 + 1} {rng.choice(('am', 'pm'))}")
    )


def title(rng: Random) -> str:
    """Draw a title of a few words."""
    shape = rng.randrange(6)
    noun, adjective = rng.choice(words.NOUNS), rng.choice(words.ADJECTIVES)
    text = (
        f"{adjective} {noun}",
        noun,
        f"{noun} and {rng.choice(words.NOUNS)}",
        made_up(rng),
        f"the {adjective} {noun}",
        f"{made_up(rng)} {noun}",
    )[shape]
    return text.title() if rng.random() < 0.5 else text


def errand(rng: Random) -> str:
    """Draw something to be done."""
    verb = rng.choice(rng.choice(words.VERB_GROUPS))
    tail = rng.choice(("", f" for {person(rng)}", f" in {place(rng)}", f" on {rng.choice(words.WEEKDAYS)}"))
    return f"{verb} {rng.choice(('the', 'a', 'two', 'some', 'my'))} {rng.choice(words.NOUNS)}{tail}"


def code(rng: Random) -> str:
    """Draw a short code of letters and digits."""
    letters = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(1, 3)))
    digits = "".join(rng.choice(string.digits) for _ in range(rng.randint(2, 5)))
    return rng.choice((f"{letters}-{digits}", f"{letters}{digits}", digits, f"{letters.lower()}{digits}", f"#{digits}"))


def file_name(rng: Random) -> str:
    """Draw a file's name."""
    stem = rng.choice((rng.choice(words.NOUNS), made_up(rng), f"{rng.choice(words.NOUNS)}_{rng.randint(1, 99)}"))
    return f"{stem}.{rng.choice(('txt', 'md', 'csv', 'json', 'py', 'log', 'pdf', 'png', 'html', 'yaml', 'zip', 'cfg'))}"


def path(rng: Random) -> str:
    """Draw a path."""
    folders = [
        rng.choice((rng.choice(words.NOUNS), made_up(rng), "src", "docs", "data", "home", "tmp", "var"))
        for _ in range(rng.randint(1, 2))
    ]
    start = rng.choice(("", "/", "~/", "./"))
    return start + "/".join(folders) + rng.choice(("", "/" + file_name(rng)))


def email(rng: Random) -> str:
    """Draw a mail address."""
    user = rng.choice((made_up(rng), rng.choice(words.FIRST_NAMES).lower()))
    return f"{user}@{made_up(rng)}.{rng.choice(('org', 'net', 'com'))}"


def things(rng: Random) -> list[str]:
    """Draw a short list of things."""
    return [rng.choice(words.NOUNS) if rng.random() < 0.7 else made_up(rng) for _ in range(rng.randint(2, 4))]


def _number(low: int, high: int) -> Draw:
    return lambda rng: rng.randint(low, high)


def _decimal(rng: Random) -> float | int:
    return rng.choice((round(rng.uniform(0.5, 99), 1), round(rng.uniform(1, 500), 2), rng.randint(1, 900)))


def _one_of(options: tuple[str, ...]) -> Draw:
    return lambda rng: rng.choice(options)


KINDS: tuple[Kind, ...] = (
    Kind(
        "string",
        ("who", "owner", "guest", "contact", "author", "customer", "receiver", "helper", "leader", "friend"),
        person,
        ("for {v}", "with {v}", "together with {v}", "and tell {v}"),
    ),
    Kind(
        "string",
        ("by_whom", "maker", "artist", "writer", "singer", "sender", "painter_name"),
        person,
        ("by {v}", "from {v}", "of {v}"),
    ),
    Kind(
        "string",
        ("place", "town", "location", "city", "site", "where", "region", "area"),
        place,
        ("in {v}", "near {v}", "around {v}", "over in {v}"),
    ),
    Kind(
        "string", ("origin", "from_place", "start", "source_town", "departure"), place, ("from {v}", "starting in {v}")
    ),
    Kind("string", ("destination", "to_place", "goal", "target_town", "arrival"), place, ("to {v}", "bound for {v}")),
    Kind("string", ("day", "date", "on_day", "when", "due", "deadline"), day, ("on {v}", "for {v}", "this {v}", "{v}")),
    Kind("string", ("time", "hour", "clock", "begin_at", "at_time"), clock, ("at {v}", "around {v}", "from {v} on")),
    Kind("string", ("until", "end_at", "closing", "latest"), clock, ("until {v}", "ending at {v}", "till {v}")),
    Kind(
        "string",
        ("title", "label", "heading", "caption", "theme", "subject", "topic"),
        title,
        ('called "{v}"', 'titled "{v}"', "called {v}", "named {v}", "about {v}", 'with the {f} "{v}"'),
    ),
    Kind(
        "string",
        ("note", "text", "message", "comment", "remark", "task", "reason", "content"),
        errand,
        ('saying "{v}"', 'with the {f} "{v}"', "to {v}", "that says {v}", ": {v}", "because we must {v}"),
    ),
    Kind(
        "string",
        ("code", "id", "number", "reference", "key", "ticket_id", "serial"),
        code,
        ("with {f} {v}", "under {v}", "number {v}", "({v})", "{f} {v}"),
    ),
    Kind(
        "string",
        ("file", "file_name", "attachment", "document", "output_file"),
        file_name,
        ("in {v}", "from {v}", "as {v}", "using {v}", "into the file {v}"),
    ),
    Kind(
        "string",
        ("path", "folder", "directory", "target_path", "out_dir"),
        path,
        ("in {v}", "under {v}", "at {v}", "inside {v}", "in the folder {v}"),
    ),
    Kind("string", ("email", "address", "mail_to", "account"), email, ("to {v}", "via {v}", "using {v}")),
    Kind(
        "integer",
        ("count", "copies", "times", "quantity", "repeats", "seats", "rooms", "people"),
        _number(2, 99),
        ("with {v} {f}", "{v} {f}", "{f} {v}", "making it {v} {f}"),
    ),
    Kind(
        "integer",
        ("minutes", "hours", "days", "weeks", "pages", "steps", "years", "seconds"),
        _number(2, 120),
        ("for {v} {f}", "over {v} {f}", "of {v} {f}", "lasting {v} {f}"),
    ),
    Kind(
        "number",
        ("price", "amount", "cost", "budget", "weight", "width", "height", "limit"),
        _decimal,
        ("for {v} euros", "with {f} {v}", "at a {f} of {v}", "costing {v}", "not above {v}", "{f} {v}"),
    ),
    Kind("enum", ("colour", "paint", "shade"), _one_of(words.COLOURS), ("in {v}", "coloured {v}", "{f} {v}")),
    Kind("enum", ("size", "length", "format"), _one_of(words.SIZES), ("in {f} {v}", "{v} {f}", "a {v} one")),
    Kind("enum", ("unit", "measure"), _one_of(words.UNITS), ("in {v}", "measured in {v}")),
    Kind(
        "enum",
        ("level", "priority", "speed", "quality"),
        _one_of(("low", "normal", "high", "best", "slow", "fast")),
        ("at {v} {f}", "with {v} {f}", "{f} {v}"),
    ),
    Kind(
        "boolean",
        ("urgent", "private", "shared", "silent", "express", "public", "insured", "daily", "final"),
        lambda rng: rng.random() < 0.7,
        (),
    ),
    Kind(
        "array",
        ("items", "things", "parts", "tags", "names", "extras", "contents"),
        things,
        ("with {v}", "including {v}", "containing {v}", "{f}: {v}"),
    ),
)


def spoken(value: Any) -> str:
    """How a value stands in a sentence."""
    if isinstance(value, list):
        return ", ".join(map(str, value[:-1])) + f" and {value[-1]}"
    return str(value)

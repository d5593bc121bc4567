"""What fills the frames' slots: logged values of the sample world's training words, fresh ones of its held-out."""

from __future__ import annotations

from random import Random
from string import ascii_uppercase

from hive_mind.demo.lexicon import Lexicon
from hive_mind.demo.lexicon_held_out import HELD_OUT
from hive_mind.demo.lexicon_training import TRAINING

OPERATORS = ("+", "-", "*", "/")
DOMAINS = ("com", "org", "net", "io")
LETTERS = {True: ascii_uppercase[:13], False: ascii_uppercase[13:]}
STORIES = {True: (10_000, 59_999), False: (60_000, 99_999)}


def draw(slot: str, logged: bool, rng: Random) -> str | int:
    """Draw a value for a slot, of the logged kind or of the fresh one. Raises KeyError for a slot that there is not."""
    words = TRAINING if logged else HELD_OUT
    return _MAKERS[slot](words, logged, rng)


def _title(words: Lexicon, logged: bool, rng: Random) -> str:
    return str(words.draw(rng.choice(("song", "city", "full_name")), rng))


def _file(words: Lexicon, logged: bool, rng: Random) -> str:
    return f"{words.draw('stem', rng)}.docx"


def _pdf(words: Lexicon, logged: bool, rng: Random) -> str:
    return f"{words.draw('stem', rng)}.pdf"


def _container(words: Lexicon, logged: bool, rng: Random) -> str:
    return f"{words.draw('noun', rng)}_{rng.choice(words.stems)}"


def _expression(words: Lexicon, logged: bool, rng: Random) -> str:
    numbers = [str(words.draw("number", rng)) for _ in range(rng.choice((2, 2, 3)))]
    return f" {rng.choice(OPERATORS)} ".join(numbers)


def _story(words: Lexicon, logged: bool, rng: Random) -> int:
    return rng.randint(*STORIES[logged])


def _symbol(words: Lexicon, logged: bool, rng: Random) -> str:
    return "".join(rng.choice(LETTERS[logged]) for _ in range(rng.choice((3, 4))))


def _domain(words: Lexicon, logged: bool, rng: Random) -> str:
    return f"{words.draw('adjective', rng)}{words.draw('noun', rng)}.{rng.choice(DOMAINS)}"


_MAKERS = {
    "title": _title, "file": _file, "pdf": _pdf, "container": _container, "expression": _expression, "id": _story,
    "symbol": _symbol, "domain": _domain,
    "repo": lambda words, _, rng: words.draw("folder", rng),
    "branch": lambda words, _, rng: words.draw("branch", rng),
    "count": lambda words, _, rng: words.draw("small", rng),
    "tail": lambda words, _, rng: words.draw("number", rng),
    "index": lambda words, _, rng: words.draw("small", rng),
    "query": lambda words, _, rng: words.draw("heading", rng),
    "message": lambda words, _, rng: words.draw("change", rng),
}  # fmt: skip

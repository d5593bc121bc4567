"""The values that the sample world talks about, made of word lists; lexicon_training and lexicon_held_out share none.

Words that are no values (weekdays, enums, units) are common to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MANY_DAYS = 28


def words(text: str) -> tuple[str, ...]:
    """Split a list of words that stand apart by blanks."""
    return tuple(text.split())


def lines(text: str) -> tuple[str, ...]:
    """Split a list whose values have blanks, one a line."""
    return tuple(line.strip() for line in text.strip().splitlines())


@dataclass(frozen=True)
class Lexicon:
    """One side's words and numbers. `draw` makes a value of a kind out of them."""

    cities: tuple[str, ...]
    people: tuple[str, ...]
    surnames: tuple[str, ...]
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    doings: tuple[str, ...]
    occasions: tuple[str, ...]
    rooms: tuple[str, ...]
    languages: tuple[str, ...]
    currencies: tuple[str, ...]
    dishes: tuple[str, ...]
    stems: tuple[str, ...]
    endings: tuple[str, ...]
    folders: tuple[str, ...]
    months: tuple[str, ...]
    day_words: tuple[str, ...]
    minutes_past: tuple[int, ...]
    numbers: tuple[int, ...]
    sayings: tuple[str, ...]

    def draw(self, kind: str, rng: Random) -> str | int:
        """A value of a kind. Raises AttributeError for a kind that is not known."""
        value: str | int = getattr(self, f"_{kind}")(rng)
        return value

    def _city(self, rng: Random) -> str:
        return rng.choice(self.cities)

    def _person(self, rng: Random) -> str:
        return rng.choice(self.people) if rng.random() < 0.6 else self._full_name(rng)

    def _full_name(self, rng: Random) -> str:
        return f"{rng.choice(self.people)} {rng.choice(self.surnames)}"

    def _day(self, rng: Random) -> str:
        return rng.choice((rng.choice(self.day_words), f"{rng.randint(1, MANY_DAYS)} {rng.choice(self.months)}"))

    def _time(self, rng: Random) -> str:
        return f"{rng.randint(6, 22):02d}:{rng.choice(self.minutes_past):02d}"

    def _occasion(self, rng: Random) -> str:
        return rng.choice((
            f"{rng.choice(self.nouns)} {rng.choice(self.occasions)}",
            f"{rng.choice(self.occasions)} with {self._person(rng)}",
            f"{rng.choice(self.adjectives)} {rng.choice(self.occasions)}",
        ))  # fmt: skip

    def _song(self, rng: Random) -> str:
        first, second = rng.sample(self.nouns, 2)
        return rng.choice((
            f"{rng.choice(self.adjectives)} {first}", f"{first} and {second}", f"the {first}", f"{first} {second}",
        )).title()  # fmt: skip

    def _artist(self, rng: Random) -> str:
        return rng.choice((
            self._full_name(rng), f"The {rng.choice(self.adjectives).title()} {rng.choice(self.nouns).title()}s",
        ))  # fmt: skip

    def _heading(self, rng: Random) -> str:
        return rng.choice(
            (
                f"{rng.choice(self.nouns)} {rng.choice(self.nouns)}",
                f"{rng.choice(self.adjectives)} {rng.choice(self.nouns)}",
            )
        )

    def _doing(self, rng: Random) -> str:
        tail = rng.choice(("", "", f" for {self._person(rng)}", f" with {self._person(rng)}"))
        return f"{rng.choice(self.doings)} the {rng.choice(self.nouns)}{tail}"

    def _saying(self, rng: Random) -> str:
        return rng.choice(self.sayings).format(
            noun=rng.choice(self.nouns), other=rng.choice(self.nouns), adjective=rng.choice(self.adjectives),
            person=rng.choice(self.people), city=rng.choice(self.cities),
        )  # fmt: skip

    def _stem(self, rng: Random) -> str:
        return rng.choice((rng.choice(self.stems), f"{rng.choice(self.stems)}_{rng.choice(self.nouns)}",
                           f"{rng.choice(self.stems)}-{rng.choice(self.numbers)}"))  # fmt: skip

    def _file(self, rng: Random) -> str:
        return f"{self._stem(rng)}.{rng.choice(self.endings)}"

    def _ending(self, rng: Random) -> str:
        return rng.choice(self.endings)

    def _noun(self, rng: Random) -> str:
        return rng.choice(self.nouns)

    def _adjective(self, rng: Random) -> str:
        return rng.choice(self.adjectives)

    def _folder(self, rng: Random) -> str:
        return rng.choice((rng.choice(self.folders), f"{rng.choice(self.folders)}/{rng.choice(self.stems)}"))

    def _path(self, rng: Random) -> str:
        return rng.choice((self._file(rng), f"{self._folder(rng)}/{self._file(rng)}"))

    def _pattern(self, rng: Random) -> str:
        return rng.choice((f"*.{rng.choice(self.endings)}", f"{rng.choice(self.stems)}*", self._file(rng)))

    def _branch(self, rng: Random) -> str:
        return f"{rng.choice(self.stems)}-{rng.choice(self.nouns)}"

    def _change(self, rng: Random) -> str:
        return f"{rng.choice(self.doings)} the {rng.choice(self.adjectives)} {rng.choice(self.nouns)}"

    def _email(self, rng: Random) -> str:
        name, host = rng.choice(self.people).lower(), rng.choice(self.surnames).lower()
        return rng.choice((f"{name}@{host}.org", f"{name}.{host}@mail.net", f"{host}@{rng.choice(self.stems)}.com"))

    def _number(self, rng: Random) -> int:
        return rng.choice(self.numbers)

    def _small(self, rng: Random) -> int:
        return rng.choice([number for number in self.numbers if number <= 20])

    def _language(self, rng: Random) -> str:
        return rng.choice(self.languages)

    def _currency(self, rng: Random) -> str:
        return rng.choice(self.currencies)

    def _room(self, rng: Random) -> str:
        return rng.choice(self.rooms)

    def _dish(self, rng: Random) -> str:
        return (
            rng.choice(self.dishes)
            if rng.random() < 0.5
            else f"{rng.choice(self.adjectives)} {rng.choice(self.dishes)}"
        )

    def _restaurant(self, rng: Random) -> str:
        return rng.choice((f"The {rng.choice(self.adjectives).title()} {rng.choice(self.nouns).title()}",
                           f"Chez {rng.choice(self.people)}", f"{rng.choice(self.surnames)}'s"))  # fmt: skip

    def _street(self, rng: Random) -> str:
        return f"{rng.choice(self.numbers)} {rng.choice(self.nouns).title()} Street"

"""The values that the sample world talks about, in two lexicons that share none: one to learn from, one to ask with.

Words that are no values (weekdays, enums, units) are common to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MANY_DAYS = 28


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _lines(text: str) -> tuple[str, ...]:
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


TRAINING = Lexicon(
    cities=_words(
        """
        Lisbon Berlin Oslo Madrid Vienna Dublin Prague Athens Helsinki Rome Paris Boston Chicago Denver Seattle
        Toronto Tokyo Seoul Delhi Cairo Nairobi Lagos Lima Quito Sydney Perth Hamburg Munich Cologne Zurich Geneva
        Milan Naples Turin Lyon Nice Ghent Bruges Leeds York Bergen Malmo Gdansk Riga Porto Seville Granada Austin
        Dallas Miami
        """
    ),
    people=_words(
        """
        Anna Ben Carla David Emma Felix Grace Henry Ida Jonas Kira Leo Maria Nils Olga Paul Rosa Simon Tina Victor
        Wendy Adam Bella Chris Dora Erik Fiona George Hanna Ivan Julia Karl Laura Max Nora Oscar Petra Rita Stefan
        Thomas Vera Walter Alice Bruno Clara Dennis
        """
    ),
    surnames=_words(
        """
        Baker Carter Ellis Fischer Garcia Hoffman Jansen Keller Lopez Moreau Novak Olsen Quinn Rossi Schmidt Tanaka
        Weber Young Costa Engel Meyer Nielsen Ortiz Reed Silva Torres Vogel Wagner Brown Clark Evans Hall Martin
        Parker
        """
    ),
    nouns=_words(
        """
        river garden window summer letter mountain budget kitchen paper market engine bridge winter island mirror
        planet bicycle report camera forest ocean candle school village pillow ticket button morning lemon silver
        rocket tunnel basket hammer ladder meadow blanket castle harvest pocket guitar street station battery carpet
        dragon feather flower golden hotel jacket lantern magnet needle orange painting quarter rainbow saddle
        teapot umbrella valley wagon yard zebra apple banner circle dinner evening fabric
        """
    ),
    adjectives=_words(
        """
        small quiet bright early broken heavy simple yellow gentle hidden lonely modern narrow open plain quick red
        sharp tiny urgent warm young blue clean deep empty fresh green huge old private rough slow tall weekly
        yearly
        """
    ),
    doings=_words(
        """
        check clean fix paint move order pack repair sell update write review test print build close count draw fold
        lift measure plan sort trim wrap remove rename split merge
        """
    ),
    occasions=_words(
        """
        meeting lunch review call dinner party workshop interview lesson training appointment breakfast walk
        rehearsal demo briefing game picnic
        """
    ),
    rooms=("kitchen", "bedroom", "hall", "living room", "bathroom", "office", "garage", "attic", "study", "balcony"),
    languages=_words("German French Spanish Italian Dutch Polish Greek Turkish Japanese Korean Swedish Finnish"),
    currencies=_words("EUR USD GBP CHF JPY SEK NOK CAD AUD CNY"),
    dishes=_words(
        """
        pizza sushi soup salad burger noodles curry tacos pasta sandwich ramen pancakes dumplings burrito lasagne
        falafel
        """
    ),
    stems=_words(
        """
        notes report invoice backup photo main setup index draft summary plan data login parser cache menu search
        export budget readme config server client theme upload
        """
    ),
    endings=_words("txt md csv json py log pdf png html"),
    folders=_words("docs src data home/anna projects downloads pictures work archive tmp reports"),
    months=("January", "February", "March", "April", "May", "June", "July", "August"),
    day_words=(*WEEKDAYS, "today", "tomorrow", "tonight"),
    minutes_past=(0, 15, 30, 45),
    numbers=(2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 45, 50, 60, 70, 75, 80, 90, 100, 120, 200, 250, 500),
    sayings=_lines(
        """
        the {noun} is {adjective}
        see you at the {noun}
        bring the {adjective} {noun} to {city}
        {person} has the {noun}
        we need a {adjective} {noun}
        where is the {noun}
        the {noun} and the {other} are ready
        thank you for the {noun}
        I am in {city} with {person}
        the {noun} starts late
        please send the {adjective} {noun}
        we meet in {city}
        do not forget the {noun}
        good morning {person}
        """
    ),
)

HELD_OUT = Lexicon(
    cities=_words(
        """
        Krakow Bristol Marseille Rotterdam Stuttgart Tallinn Valencia Palermo Houston Phoenix Osaka Mumbai Accra
        Bogota Melbourne Basel Antwerp Glasgow Uppsala Leipzig Bologna Cardiff
        """
    ),
    people=_words(
        """
        Marta Gregor Linda Hector Sylvia Bernard Paula Edgar Monica Robert Sandra Philip Irene Conrad Diana Martin
        Helen Arthur Judith Colin
        """
    ),
    surnames=_words(
        """
        Abbott Bauer Conway Dubois Esposito Fleming Goodwin Hansen Kowalski Lindgren Mercer Nowak Peters Sandoval
        Thorne Walsh
        """
    ),
    nouns=_words(
        """
        barrel chimney compass desert elbow fountain glacier helmet insect jungle kettle lobster marble notebook
        orchard parade quilt ribbon shelter thunder velvet whistle anchor beetle cottage diamond emerald furnace
        hammock kitten
        """
    ),
    adjectives=_words(
        """
        ancient bitter clever dusty elegant fragile grand hollow icy jolly loyal muddy noisy polite rapid shiny
        tender vivid wooden monthly
        """
    ),
    doings=_words(
        """
        polish replace inspect collect deliver arrange compare confirm shorten translate water label unpack
        """
    ),
    occasions=_words("seminar banquet checkup concert hearing reunion audit tasting excursion ceremony debate"),
    rooms=("cellar", "nursery", "library", "dining room", "corridor", "laundry room", "conservatory"),
    languages=_words("Czech Danish Hungarian Norwegian Portuguese Romanian Welsh Thai"),
    currencies=_words("PLN CZK HUF BRL INR KRW DKK"),
    dishes=_words("paella risotto kebab chowder omelette gnocchi pho moussaka pretzels"),
    stems=_words("ledger journal memo gallery outline recipe schema payroll roster catalog minutes metrics"),
    endings=_words("yaml docx xml tsv svg"),
    folders=_words("library music/live home/marta storage shared incoming drafts/old"),
    months=("September", "October", "November", "December"),
    day_words=tuple(f"next {day}" for day in WEEKDAYS),
    minutes_past=(5, 10, 20, 25, 35, 40, 50, 55),
    numbers=(
        7,
        9,
        11,
        13,
        14,
        16,
        17,
        18,
        19,
        21,
        22,
        27,
        33,
        35,
        36,
        42,
        48,
        55,
        64,
        65,
        72,
        85,
        95,
        110,
        140,
        320,
        640,
    ),
    sayings=_lines(
        """
        {person} lost the {noun}
        keep the {adjective} {noun} dry
        our {noun} came from {city}
        who took the {noun}
        the {adjective} {noun} belongs to {person}
        let us talk about the {noun}
        there was a {noun} in {city}
        no {noun} without a {other}
        the {noun} looks {adjective}
        """
    ),
)

"""The words and numbers that only held-out rows are made of."""

from __future__ import annotations

from hive_mind.demo.lexicon import WEEKDAYS, Lexicon, lines, words

MINUTES = (5, 10, 20, 25, 35, 40, 50, 55)
NUMBERS = (
    7, 9, 11, 13, 14, 16, 17, 18, 19, 21, 22, 27, 33, 35, 36, 42, 48, 55, 64, 65, 72, 85, 95, 110, 140, 320, 640,
)  # fmt: skip

HELD_OUT = Lexicon(
    cities=words(
        """
        Krakow Bristol Marseille Rotterdam Stuttgart Tallinn Valencia Palermo Houston Phoenix Osaka Mumbai Accra
        Bogota Melbourne Basel Antwerp Glasgow Uppsala Leipzig Bologna Cardiff
        """
    ),
    people=words(
        """
        Marta Gregor Linda Hector Sylvia Bernard Paula Edgar Monica Robert Sandra Philip Irene Conrad Diana Martin
        Helen Arthur Judith Colin
        """
    ),
    surnames=words(
        """
        Abbott Bauer Conway Dubois Esposito Fleming Goodwin Hansen Kowalski Lindgren Mercer Nowak Peters Sandoval
        Thorne Walsh
        """
    ),
    nouns=words(
        """
        barrel chimney compass desert elbow fountain glacier helmet insect jungle kettle lobster marble notebook
        orchard parade quilt ribbon shelter thunder velvet whistle anchor beetle cottage diamond emerald furnace
        hammock kitten
        """
    ),
    adjectives=words(
        """
        ancient bitter clever dusty elegant fragile grand hollow icy jolly loyal muddy noisy polite rapid shiny
        tender vivid wooden monthly
        """
    ),
    doings=words(
        """
        polish replace inspect collect deliver arrange compare confirm shorten translate water label unpack
        """
    ),
    occasions=words("seminar banquet checkup concert hearing reunion audit tasting excursion ceremony debate"),
    rooms=("cellar", "nursery", "library", "dining room", "corridor", "laundry room", "conservatory"),
    languages=words("Czech Danish Hungarian Norwegian Portuguese Romanian Welsh Thai"),
    currencies=words("PLN CZK HUF BRL INR KRW DKK"),
    dishes=words("paella risotto kebab chowder omelette gnocchi pho moussaka pretzels"),
    stems=words("ledger journal memo gallery outline recipe schema payroll roster catalog minutes metrics"),
    endings=words("yaml docx xml tsv svg"),
    folders=words("library music/live home/marta storage shared incoming drafts/old"),
    months=("September", "October", "November", "December"),
    day_words=tuple(f"next {day}" for day in WEEKDAYS),
    minutes_past=MINUTES,
    numbers=NUMBERS,
    sayings=lines(
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

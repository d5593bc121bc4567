"""Okapi BM25 over a few hundred short texts: which tools a request in words is about.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the inverse document
frequency that is never negative (Lucene's): a word that most tools have counts for little, not against them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

K1, B = 1.2, 0.75
"""How soon a repeated word counts no more, and how much a long text is held against itself."""

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SHORTEST_PLURAL = 4
_FUNCTION_WORDS = frozenset(
    _WORD.findall("""
    a about after all also am an and any are as at be because been before but by can could did do does each for from
    get give had has have how i if in into is it its just let like may me more most my need no not now of off on once
    only or our out over please should show so some such than that the their them then there these they this those to
    too up us use using want was we were what when where which while who why will with would you your
    """)
)


def words(text: str) -> list[str]:
    """Return a text's words in lower case: `getUserRepos`, `get_user_repos` and "get user repos" are the same three.

    A plural loses its s, for requests name one thing where tools name many, or the other way round. Words that only
    hold a sentence together are left out: in a few hundred descriptions they are rare enough to decide, and wrongly.
    """
    found = (word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", text)))
    return [_singular(word) for word in found if word not in _FUNCTION_WORDS]


class Index:
    """Texts, ready to be ranked. `scores` is 0 for a text that shares no word with the query."""

    def __init__(self, texts: Iterable[Sequence[str]], k1: float = K1, b: float = B) -> None:
        counts = [Counter(text) for text in texts]
        sizes = [count.total() for count in counts]
        mean = sum(sizes) / len(sizes) if any(sizes) else 1.0
        found = Counter(word for count in counts for word in count)
        self.size = len(counts)
        self._weights: dict[str, list[tuple[int, float]]] = {word: [] for word in found}
        for place, (count, size) in enumerate(zip(counts, sizes, strict=True)):
            damping = k1 * (1 - b + b * size / mean)
            for word, times in count.items():
                rarity = math.log(1 + (self.size - found[word] + 0.5) / (found[word] + 0.5))
                self._weights[word].append((place, rarity * times * (k1 + 1) / (times + damping)))

    def scores(self, query: Iterable[str]) -> list[float]:
        """Return a score for each text; a word that the query repeats counts once."""
        scores = [0.0] * self.size
        for word in sorted(set(query)):  # sorted: sums of floats depend on their order
            for place, weight in self._weights.get(word, ()):
                scores[place] += weight
        return scores


def _singular(word: str) -> str:
    plural = len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word

"""A pre-training document: pieces of text, each with the weight that its tokens have in the loss.

What can be known from the context (an answer, a copied value) weighs 1; what was drawn by chance (the made-up record
that is asked about) weighs little, because a tiny model would spend itself on noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

END_OF_TEXT = "<|endoftext|>"
TURN_START, TURN_END = "<|im_start|>", "<|im_end|>"
DEFAULT_SYSTEM = "You are a helpful assistant."
ANSWER, NATURAL, CHANCE = 1.0, 0.7, 0.12


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a kind, as (text, weight) pieces."""

    kind: str
    pieces: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def plain(kind: str, text: str, weight: float = NATURAL) -> Document:
    """A document whose tokens all weigh the same."""
    return Document(kind, ((text, weight),))


def mixed(kind: str, pieces: Iterable[tuple[str, float]]) -> Document:
    """A document of weighted pieces, empty ones left out."""
    return Document(kind, tuple((text, weight) for text, weight in pieces if text))


def chat(
    kind: str, turns: Sequence[tuple[str, str]], system: str = DEFAULT_SYSTEM, context: float = CHANCE
) -> Document:
    """A ChatML conversation of (role, text) turns; the assistant's words and end mark are what is learnt."""
    pieces = [(f"{TURN_START}system\n{system}{TURN_END}\n", context)]
    for role, text in turns:
        weight = ANSWER if role == "assistant" else context
        pieces += [(f"{TURN_START}{role}\n", context), (f"{text}{TURN_END}", weight), ("\n", context)]
    return Document(kind, tuple(pieces))

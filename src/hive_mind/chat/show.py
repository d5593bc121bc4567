"""Show a rendered example to a person: which of its tokens are learnt and which are only read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from hive_mind.chat.render import Rendered
from hive_mind.chat.tokenizer import ChatTokenizer

if TYPE_CHECKING:
    from rich.text import Text

OPEN, CLOSE = "⟦", "⟧"


def spans(rendered: Rendered, tokenizer: ChatTokenizer) -> Iterator[tuple[str, bool]]:
    """Yield (text, labelled) of the maximal runs of tokens that share a label; their texts joined are the example."""
    for labelled, run in groupby(zip(rendered.input_ids, rendered.labelled, strict=True), key=lambda pair: pair[1]):
        yield tokenizer.decode([token for token, _ in run]), labelled


def coloured(rendered: Rendered, tokenizer: ChatTokenizer) -> Text:
    """Return the example for a terminal: labelled text bold green, the rest dim."""
    from rich.text import Text

    shown = Text()
    for text, labelled in spans(rendered, tokenizer):
        shown.append(text, style="bold green" if labelled else "dim")
    return shown


def marked(rendered: Rendered, tokenizer: ChatTokenizer) -> str:
    """Return the example for a place without colours: labelled text stands between ⟦ and ⟧."""
    return "".join(f"{OPEN}{text}{CLOSE}" if labelled else text for text, labelled in spans(rendered, tokenizer))

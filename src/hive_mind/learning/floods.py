"""Floods: one client that asks nearly the same again and again on one day. One of it is learnt, a person sees the rest.

Whoever can write into the usage ties an answer to a phrase by repeating it. The requests of a flood differ in a value
at most, so near-duplicate removal, which compares words, sees different ones; and being many they are the ordinary
case of their tool, so nothing about them is odd. What they share is the request's shape: its words without the values
that its call took from it.

The turns of one errand share a request as well, and "go on" is said a hundred times. So what follows the request
belongs to its shape, and what comes before a request of few words, which mean something only there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from hive_mind.curation.ingest import normalise_request
from hive_mind.learning.pool import Pooled

FLOOD = "flood: "
SHORTEST_VALUE = 2
FEW_WORDS = 4
VALUE, NUMBER = " value ", "number"


def floods(rows: Sequence[Pooled], most: int) -> dict[str, str]:
    """Return why to hold back which ids: of more than `most` rows of one shape, client and day all but one.

    Rows that are held out count too: a flood in the user's own suite would reward what had learnt it. The first of them
    stays, and what a person approved by hand.
    """
    alike: dict[tuple[str, ...], list[Pooled]] = defaultdict(list)
    for row in rows:
        called = " ".join(call.name for call in row.target.tool_calls)
        alike[(row.client_day, called, shape(row))].append(row)
    found: dict[str, str] = {}
    for (client_day, _, said), members in alike.items():
        if len(members) > most:
            kept = min(members, key=lambda row: (row.time, row.id))
            said = said[:60]
            reason = (
                f"{FLOOD}{len(members)} requests of {client_day} say nearly the same, {said!r}; approve those you know"
            )
            found |= {row.id: reason for row in members if row is not kept and row.record.decided_by != "hand"}
    return found


def shape(row: Pooled) -> str:
    """Return what was said, from the last request on, with what its calls took from it, and every number, in one
    word's place."""
    messages, last = row.record.interaction.messages, row.last_request
    few = len(messages[last].content.split()) < FEW_WORDS if messages else False
    text = "\n".join(message.content for message in messages[last - (few and last > 0) :]).casefold()
    values = {value.casefold() for call in row.target.tool_calls for value in _texts(call.arguments)}
    for value in sorted(values, key=lambda value: (-len(value), value)):
        if len(value) >= SHORTEST_VALUE:
            text = text.replace(value, VALUE)
    return re.sub(r"\d+", NUMBER, normalise_request(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value

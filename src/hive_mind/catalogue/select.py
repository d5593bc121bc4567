"""Which few of many tools a request is offered: the same choice when a row is trained on and when a model is served."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import blake2b

from hive_mind.catalogue.bm25 import Index, words
from hive_mind.conversation import Message, Tool

K = 8
"""How many tools a request is offered where there are more."""


def request_text(messages: Sequence[Message]) -> str:
    """Return what tools are looked for with, before a model answers `messages`.

    The user's last words, the model's last words since, and the names of the tools that it called since: on real runs
    of agents each of the three finds tools that the others do not (docs/TOOLS.md).
    """
    asked = max((place for place, message in enumerate(messages) if message.role == "user"), default=0)
    since = messages[asked + 1 :]
    said = [message.content for message in since if message.role == "assistant" and message.content.strip()][-1:]
    called = dict.fromkeys(call.name for message in since for call in message.tool_calls)
    return "\n".join([*(message.content for message in messages[asked : asked + 1]), *said, *called])


def select(request: str, tools: Sequence[Tool], k: int = K) -> list[Tool]:
    """Return the `k` tools that a request is most likely about, all of them if there are no more.

    They come in the order in which they were given, so that their places say nothing; which ones they are does not
    depend on that order.
    """
    return [tools[place] for place in places(request, tools, (), k)]


def offer(
    messages: Sequence[Message], tools: Sequence[Tool], k: int = K, also: Collection[str] = frozenset()
) -> list[Tool]:
    """Return the tools for a model that is to answer `messages`: those called there, and the `k` best besides.

    `also` names more that come in any case: in training, those that the answer calls.
    """
    called = {*also, *(call.name for message in messages for call in message.tool_calls)}
    keep = {place for place, tool in enumerate(tools) if tool.name in called}
    return [tools[place] for place in places(request_text(messages), tools, keep, k)]


def places(request: str, tools: Sequence[Tool], keep: Collection[int], k: int = K) -> list[int]:
    """Return the places, in order, of the `k` best tools and of those to `keep` in any case."""
    if len(tools) <= k:
        return list(range(len(tools)))
    best = [place for place in rank(request, tools) if place not in keep][:k]
    return sorted({*best, *keep})


def rank(request: str, tools: Sequence[Tool]) -> list[int]:
    """Return the places of all tools, the best first; equals in an order that hangs on request and name alone."""
    scores = _index(tuple(document(tool) for tool in tools)).scores(words(request))
    digests = [blake2b(f"{request}\0{tool.name}".encode(errors="replace"), digest_size=8).digest() for tool in tools]
    return sorted(range(len(tools)), key=lambda place: (-scores[place], digests[place]))


def document(tool: Tool) -> tuple[str, ...]:
    """Return the words that a tool is found by: those of its name, its description and its parameters' names."""
    properties = tool.parameters.get("properties")
    names = tuple(map(str, properties)) if isinstance(properties, dict) else ()
    return _words_of(tool.name, tool.description, names)


@lru_cache(maxsize=20_000)
def _words_of(name: str, description: str, parameters: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for text in (name, description, *parameters) for word in words(text))


@lru_cache(maxsize=16)
def _index(documents: tuple[tuple[str, ...], ...]) -> Index:
    """The same tools are asked for by one request after another; 527 real ones take 20 ms to index."""
    return Index(documents)

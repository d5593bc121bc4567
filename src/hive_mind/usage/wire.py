"""Interactions as JSON: in the journal, in the spool, and in the store's columns."""

from __future__ import annotations

import json
from typing import Any

import orjson

from hive_mind.conversation import JSON, Message, Tool
from hive_mind.usage.interaction import Interaction

_PLAIN = (
    "source", "outcome", "error", "client", "session", "time", "version", "latency_ms", "thumb", "comment",
    "request_id",
)  # fmt: skip


def encode(value: Any, sort: bool = False) -> bytes:
    """Return JSON on one line, keys in their own order or sorted.

    Halves of surrogate pairs, which no database takes, become question marks.
    Raises ValueError for what JSON cannot hold.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort else None)
    except TypeError:  # half a surrogate pair, an integer over 64 bits, or no JSON at all
        try:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=sort)
        except (TypeError, RecursionError) as error:
            raise ValueError(f"it cannot be written as JSON: {error}") from None
        return text.encode("utf-8", "replace")


def decode(text: bytes | str) -> Any:
    """Read what `encode` wrote."""
    return orjson.loads(text)


def plain(text: str) -> str:
    """Take NUL out of a text that stands by itself: PostgreSQL has no place for it. Inside of JSON it is escaped."""
    return text.replace("\0", "\ufffd")


def to_wire(interaction: Interaction) -> JSON:
    """Return an interaction as plain JSON values."""
    return {
        "messages": [message.to_dict() for message in interaction.messages],
        "tools": [tool.to_dict() for tool in interaction.tools],
        "answer": interaction.answer.to_dict(),
        "results": [message.to_dict() for message in interaction.results],
        **{name: getattr(interaction, name) for name in _PLAIN},
    }


def from_wire(row: JSON) -> Interaction:
    """Read what `to_wire` made. Raises MalformedConversation if its messages are none."""
    return Interaction(
        messages=tuple(Message.from_dict(message) for message in row["messages"]),
        tools=tuple(Tool.from_dict(tool) for tool in row["tools"]),
        answer=Message.from_dict(row["answer"]),
        results=tuple(Message.from_dict(message) for message in row["results"]),
        **{name: row[name] for name in _PLAIN},
    )

"""An interaction as the store has it: what was seen, and what was decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hive_mind.conversation import JSON, Message, Tool
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.rules import State
from hive_mind.usage.wire import decode, encode, to_wire


@dataclass(frozen=True, slots=True)
class Sighting:
    """Who saw an interaction, and when."""

    source: str
    client: str
    session: str
    time: str
    version: str | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One interaction of the store. Times are UTC, whole seconds, `Z`; `decided_by` is rules or hand."""

    id: str
    interaction: Interaction
    state: State
    reason: str
    decided_by: str
    correction: Message | None
    created: str
    updated: str
    sightings: tuple[Sighting, ...] = ()
    exported: tuple[str, ...] = ()

    def to_dict(self) -> JSON:
        """Return it as plain JSON values."""
        return {
            "id": self.id, **to_wire(self.interaction), "state": self.state, "reason": self.reason,
            "decided_by": self.decided_by, "correction": self.correction and self.correction.to_dict(),
            "created": self.created, "updated": self.updated,
            "sources": sorted({sighting.source for sighting in self.sightings}), "seen": len(self.sightings),
            "exported": list(self.exported),
        }  # fmt: skip


def to_columns(interaction: Interaction, tools_digest: str | None) -> dict[str, Any]:
    """Return the columns that hold what was seen."""
    return {
        "time": interaction.time, "source": interaction.source, "client": interaction.client,
        "session": interaction.session, "version": interaction.version, "latency_ms": interaction.latency_ms,
        "request_id": interaction.request_id, "messages": messages_text(interaction.messages),
        "tools": tools_digest, "answer": encode(interaction.answer.to_dict()).decode(),
        "results": messages_text(interaction.results), "outcome": interaction.outcome,
        "error": interaction.error, "thumb": interaction.thumb, "comment": interaction.comment,
    }  # fmt: skip


def from_row(
    row: Mapping[Any, Any], tools: str | None, sightings: tuple[Sighting, ...] = (), exported: tuple[str, ...] = ()
) -> Record:
    """Read a row of `interactions`, given its list of tools as JSON text."""
    interaction = Interaction(
        source=row["source"], messages=read_messages(row["messages"]), answer=Message.from_dict(decode(row["answer"])),
        tools=tuple(Tool.from_dict(tool) for tool in decode(tools)) if tools else (),
        results=read_messages(row["results"]), outcome=row["outcome"], error=row["error"], client=row["client"],
        session=row["session"], time=row["time"], version=row["version"], latency_ms=row["latency_ms"],
        thumb=row["thumb"], comment=row["comment"], request_id=row["request_id"],
    )  # fmt: skip
    correction = Message.from_dict(decode(row["correction"])) if row["correction"] else None
    return Record(
        row["id"], interaction, row["state"], row["reason"], row["decided_by"], correction, row["created"],
        row["updated"], sightings, exported,
    )  # fmt: skip


def messages_text(messages: tuple[Message, ...]) -> str:
    """Return messages as the JSON text of a column."""
    return encode([message.to_dict() for message in messages]).decode()


def read_messages(text: str) -> tuple[Message, ...]:
    """Read a column of messages."""
    return tuple(Message.from_dict(message) for message in decode(text))

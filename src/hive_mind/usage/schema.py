"""The store's tables. How they came to be is in `migrations`; a test holds the two against each other."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

HEAD = "0002"
"""The newest revision in `migrations`; a store that has it needs no migration, and alembic is not imported."""

metadata = MetaData()

tool_lists = Table(
    "tool_lists",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("tools", Text, nullable=False),
)
"""Lists of declared tools, each once: they are the same in interaction after interaction."""

interactions = Table(
    "interactions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("time", String(20), nullable=False),
    Column("source", String(32), nullable=False),
    Column("client", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("version", Text),
    Column("latency_ms", Float),
    Column("request_id", Text, nullable=False),
    Column("messages", Text, nullable=False),
    Column("tools", String(64), ForeignKey("tool_lists.digest")),
    Column("answer", Text, nullable=False),
    Column("results", Text, nullable=False),
    Column("call_key", String(32)),
    Column("outcome", String(16), nullable=False),
    Column("error", Text, nullable=False),
    Column("thumb", String(8)),
    Column("comment", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", String(16), nullable=False),
    Column("correction", Text),
    Column("created", String(20), nullable=False),
    Column("updated", String(20), nullable=False),
    Index("interactions_by_time", "time"),
    Index("interactions_by_state", "state", "time"),
    Index("interactions_by_session", "session"),
    Index("interactions_by_call_key", "call_key"),
)
"""One row an interaction, redacted. JSON stands in text columns, which keep the order of keys on every database."""

calls = Table(
    "calls",
    metadata,
    Column("interaction", String(32), ForeignKey("interactions.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("interaction", "position"),
    Index("calls_by_call_id", "call_id"),
    Index("calls_by_name", "name"),
)
"""The calls of every answer, to find interactions by tool, and by the id that a result names."""

identities = Table(
    "identities",
    metadata,
    Column("identity", String(32), primary_key=True),
    Column("interaction", String(32), ForeignKey("interactions.id"), nullable=False),
    Index("identities_by_interaction", "interaction"),
)
"""Every identity that leads to an interaction: its own, and those of sightings that were joined with it."""

sightings = Table(
    "sightings",
    metadata,
    Column("interaction", String(32), ForeignKey("interactions.id"), nullable=False),
    Column("source", String(32), nullable=False),
    Column("client", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("time", String(20), nullable=False),
    Column("version", Text),
    Column("latency_ms", Float),
    PrimaryKeyConstraint("interaction", "source", "client", "session", "time"),
)
"""Who saw an interaction, and when."""

exports = Table(
    "exports",
    metadata,
    Column("interaction", String(32), ForeignKey("interactions.id"), nullable=False),
    Column("file", Text, nullable=False),
    Column("time", String(20), nullable=False),
    PrimaryKeyConstraint("interaction", "file"),
)
"""Which training files hold an interaction."""

forgotten = Table(
    "forgotten",
    metadata,
    Column("identity", String(32), primary_key=True),
    Column("time", String(20), nullable=False),
)
"""Identities that must not come back when a transcript is imported again. Nothing else is kept of them."""

OF_INTERACTION = (calls, identities, sightings, exports)
"""Tables whose rows go with their interaction."""

"""Which interactions are meant, in the store's own terms, and how many of what there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from hive_mind.conversation import JSON
from hive_mind.usage.record import Record, Sighting, from_row
from hive_mind.usage.schema import calls, exports, interactions, sightings, tool_lists

NO_TOOL = "none"
_BATCH = 500
"""SQLite takes a limited number of values in one statement."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which interactions: all that are given must hold. `tool` is a called tool's name, with or without its server.

    `since` and `before` are UTC times or their beginnings (2026-02-05); `tool="none"` means answers without a call.
    """

    state: str | None = None
    source: str | None = None
    tool: str | None = None
    client: str | None = None
    session: str | None = None
    since: str | None = None
    before: str | None = None
    outcome: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them as conditions on `interactions`."""
        equal = {"state": self.state, "client": self.client, "session": self.session, "outcome": self.outcome}
        found: list[ColumnElement[bool]] = [
            interactions.c[name] == value for name, value in equal.items() if value is not None
        ]
        if self.source is not None:
            seen = select(sightings.c.interaction).where(sightings.c.source == self.source)
            found.append(interactions.c.id.in_(seen))
        if self.tool is not None:
            found.append(_calls(self.tool))
        if self.since is not None:
            found.append(interactions.c.time >= self.since)
        if self.before is not None:
            found.append(interactions.c.time < self.before)
        return found


def _calls(tool: str) -> ColumnElement[bool]:
    if tool == NO_TOOL:
        return interactions.c.id.not_in(select(calls.c.interaction))
    named = or_(calls.c.name == tool, calls.c.name.endswith(f"__{tool}", autoescape=True))
    return interactions.c.id.in_(select(calls.c.interaction).where(named))


def fetch(
    connection: Connection, conditions: list[ColumnElement[bool]], limit: int | None, newest: bool
) -> list[Record]:
    """Return the records that meet all conditions, by time, with all who saw them and the files that hold them."""
    order = (interactions.c.time.desc(), interactions.c.id) if newest else (interactions.c.time, interactions.c.id)
    query = select(interactions, tool_lists.c.tools.label("tool_list")).join(tool_lists, isouter=True)
    rows = connection.execute(query.where(*conditions).order_by(*order).limit(limit)).mappings().all()
    ids = [row["id"] for row in rows]
    seen = _beside(connection, select(sightings).order_by(sightings.c.time, sightings.c.source), sightings, ids)
    held = _beside(connection, select(exports).order_by(exports.c.file), exports, ids)
    return [
        from_row(
            row,
            row["tool_list"],
            tuple(Sighting(*(sight[name] for name in _SIGHTING)) for sight in seen.get(row["id"], ())),
            tuple(export["file"] for export in held.get(row["id"], ())),
        )
        for row in rows
    ]


_SIGHTING = ("source", "client", "session", "time", "version", "latency_ms")


def _beside(connection: Connection, query: Select[Any], table: Any, ids: list[str]) -> dict[str, list[Any]]:
    """Return another table's rows by the interaction they belong to."""
    found: dict[str, list[Any]] = {}
    for begin in range(0, len(ids), _BATCH):
        some = query.where(table.c.interaction.in_(ids[begin : begin + _BATCH]))
        for row in connection.execute(some).mappings():
            found.setdefault(row["interaction"], []).append(row)
    return found


def count(connection: Connection, filters: Filters) -> JSON:
    """Return how many interactions there are, by state, outcome, source, tool, client, version and thumb."""
    conditions = filters.conditions()
    chosen = select(interactions.c.id).where(*conditions)
    return {
        "interactions": connection.execute(select(func.count()).select_from(chosen.subquery())).scalar(),
        **{
            f"by_{name}": _tally(connection, interactions.c[name], interactions.c.id.in_(chosen))
            for name in ("state", "outcome", "client", "version", "thumb")
        },
        "by_source": _tally(
            connection, sightings.c.source, sightings.c.interaction.in_(chosen), sightings.c.interaction
        ),
        "calls_by_tool": _tally(connection, calls.c.name, calls.c.interaction.in_(chosen)),
        "first": connection.execute(select(func.min(interactions.c.time)).where(*conditions)).scalar(),
        "last": connection.execute(select(func.max(interactions.c.time)).where(*conditions)).scalar(),
    }


def _tally(
    connection: Connection, column: ColumnElement[Any], condition: ColumnElement[bool],
    distinct: ColumnElement[Any] | None = None,
) -> dict[str, int]:  # fmt: skip
    """Count rows by a column's values, the commonest first; rows without a value are left out."""
    number = func.count() if distinct is None else func.count(distinct.distinct())
    query = select(column, number).where(condition, column.is_not(None)).group_by(column)
    tally = {str(value): int(total) for value, total in connection.execute(query).all()}
    return dict(sorted(tally.items(), key=lambda item: (-item[1], item[0])))

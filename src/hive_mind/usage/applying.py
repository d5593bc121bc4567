"""Entries into tables: an interaction, a result told later, what a person said. Each may come twice; it counts once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from hive_mind.conversation import JSON, Message
from hive_mind.progress import stamp, utc_now
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.merging import has_request, merged
from hive_mind.usage.record import Record, from_row, messages_text, to_columns
from hive_mind.usage.redacting import kept_apart
from hive_mind.usage.rules import judge
from hive_mind.usage.schema import calls, forgotten, interactions, sightings, tool_lists
from hive_mind.usage.schema import identities as identity_table
from hive_mind.usage.settings import RuleSettings
from hive_mind.usage.wire import encode, from_wire, plain

JOIN_MINUTES = 10
"""A proxy's sighting and a transcript's of the same call lie no further apart: a person may have to allow the call."""
RESULT_DAYS = 7
"""A result is looked for among the calls of so many days; ids of calls are not unique for ever."""

What = Literal["new", "seen", "joined", "forgotten", "told", "unknown"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an entry, and the interaction it belongs to now.

    `new`; `seen` before by the same content; `joined` with another sighting of the same call; `forgotten` and so not
    kept; `told` of an interaction that is here; told of one that is `unknown`.
    """

    id: str
    what: What


def apply(connection: Connection, entry: JSON, rules: RuleSettings) -> Applied:
    """Bring one entry, redacted already, into the tables."""
    if entry["kind"] == "result":
        return _result(connection, entry, rules)
    if entry["kind"] == "feedback":
        return _feedback(connection, entry, rules)
    return _interaction(connection, entry, rules)


def load(connection: Connection, interaction_id: str) -> Record | None:
    """Return an interaction without its sightings, None if there is none of this id."""
    query = select(interactions, tool_lists.c.tools.label("tool_list")).join(tool_lists, isouter=True)
    row = connection.execute(query.where(interactions.c.id == interaction_id)).mappings().one_or_none()
    return from_row(row, row["tool_list"]) if row is not None else None


def lead(connection: Connection, identity: str) -> str | None:
    """Return the id of the interaction that an identity leads to."""
    query = select(identity_table.c.interaction).where(identity_table.c.identity == identity)
    return connection.execute(query).scalar()


def rewrite(connection: Connection, record: Record, interaction: Interaction, rules: RuleSettings) -> None:
    """Write what is known of an interaction anew, and judge it anew unless somebody else than the rules has."""
    changed = _judged(connection, record.id, interaction, rules) if record.decided_by == "rules" else {}
    columns = to_columns(interaction, _tools(connection, interaction))
    connection.execute(
        update(interactions).where(interactions.c.id == record.id).values(**columns, **changed, updated=utc_now())
    )


def _interaction(connection: Connection, entry: JSON, rules: RuleSettings) -> Applied:
    identity, call_key = entry["identity"], entry["call_key"]
    seen = from_wire(entry["interaction"])
    if connection.execute(select(forgotten.c.time).where(forgotten.c.identity == identity)).first():
        return Applied(identity, "forgotten")
    found, what = lead(connection, identity), "seen"
    if found is None and call_key is not None:
        found, what = _same_call(connection, call_key, seen), "joined"
    if found is None:
        _insert(connection, identity, call_key, seen, rules)
        found, what = identity, "new"
    else:
        record = load(connection, found)
        assert record is not None
        _merge(connection, record, seen, rules)
        if what == "joined":
            connection.execute(insert(identity_table).values(identity=identity, interaction=found))
    _sight(connection, found, seen)
    return Applied(found, what)  # type: ignore[arg-type]


def _insert(
    connection: Connection, identity: str, call_key: str | None, seen: Interaction, rules: RuleSettings
) -> None:
    now = utc_now()
    columns = to_columns(seen, _tools(connection, seen))
    placeholder = {"state": "new", "reason": "", "decided_by": "rules", "created": now, "updated": now}
    connection.execute(insert(interactions).values(id=identity, call_key=call_key, **columns, **placeholder))
    connection.execute(insert(identity_table).values(identity=identity, interaction=identity))
    _list_calls(connection, identity, seen.answer)
    verdict = _judged(connection, identity, seen, rules)
    connection.execute(update(interactions).where(interactions.c.id == identity).values(**verdict))


def _merge(connection: Connection, record: Record, seen: Interaction, rules: RuleSettings) -> None:
    both = merged(record.interaction, seen)
    if both == record.interaction:
        return
    rewrite(connection, record, both, rules)
    if both.answer != record.interaction.answer:
        connection.execute(delete(calls).where(calls.c.interaction == record.id))
        _list_calls(connection, record.id, both.answer)


def _same_call(connection: Connection, call_key: str, seen: Interaction) -> str | None:
    """Return the interaction of the same call, the nearest in time, of which one side does not know the request."""
    query = (
        select(interactions.c.id, interactions.c.messages, sightings.c.time)
        .join(sightings, sightings.c.interaction == interactions.c.id)
        .where(interactions.c.call_key == call_key)
        .where(sightings.c.time.between(*_around(seen.time, timedelta(minutes=JOIN_MINUTES))))
    )
    asked = has_request(seen)
    fits = [row for row in connection.execute(query) if ('"role":"user"' in row.messages) != asked]
    return min(fits, key=lambda row: abs(_moment(row.time) - _moment(seen.time))).id if fits else None


def _sight(connection: Connection, interaction_id: str, seen: Interaction) -> None:
    key = {"source": seen.source, "client": seen.client, "session": seen.session, "time": seen.time}
    mine = [sightings.c[name] == value for name, value in key.items()]
    known = select(sightings.c.time).where(sightings.c.interaction == interaction_id, *mine)
    if not connection.execute(known).first():
        told = {"version": seen.version, "latency_ms": seen.latency_ms}
        connection.execute(insert(sightings).values(interaction=interaction_id, **key, **told))


def _tools(connection: Connection, interaction: Interaction) -> str | None:
    """Store a list of tools unless it is there already; returns its digest."""
    if not interaction.tools:
        return None
    text = encode([tool.to_dict() for tool in interaction.tools])
    digest = hashlib.sha256(text).hexdigest()
    if not connection.execute(select(tool_lists.c.digest).where(tool_lists.c.digest == digest)).first():
        connection.execute(insert(tool_lists).values(digest=digest, tools=text.decode()))
    return digest


def _list_calls(connection: Connection, interaction_id: str, answer: Message) -> None:
    rows = [
        {"interaction": interaction_id, "position": position, "call_id": plain(call.id), "name": plain(call.name)}
        for position, call in enumerate(answer.tool_calls)
    ]
    if rows:
        connection.execute(insert(calls), rows)


def _judged(
    connection: Connection, interaction_id: str, interaction: Interaction, rules: RuleSettings
) -> dict[str, Any]:
    call_key = select(interactions.c.call_key).where(interactions.c.id == interaction_id).scalar_subquery()
    same = select(func.count()).where(
        interactions.c.session == interaction.session,
        interactions.c.call_key == call_key,
        interactions.c.time <= interaction.time,
    )
    repeats = (connection.execute(same).scalar() or 0) if interaction.session else 0
    verdict = judge(interaction_id, interaction, repeats, rules)
    return {"state": verdict.state, "reason": verdict.reason, "decided_by": "rules"}


def _result(connection: Connection, entry: JSON, rules: RuleSettings) -> Applied:
    """Add a result to the newest interaction that has the call and no result for it yet."""
    call_id = entry["call_id"]
    oldest = _around(utc_now(), timedelta(days=RESULT_DAYS))[0]
    query = (
        select(calls.c.interaction)
        .join(interactions)
        .where(calls.c.call_id == call_id, interactions.c.created >= oldest)
        .order_by(interactions.c.time.desc())
    )
    told = Applied("", "unknown")
    for interaction_id in connection.execute(query).scalars().all():
        record = load(connection, interaction_id)
        assert record is not None
        told = Applied(record.id, "told")
        if any(result.tool_call_id == call_id for result in record.interaction.results):
            continue
        rewrite(connection, record, _with_result(record.interaction, entry), rules)
        break
    return told


def _with_result(interaction: Interaction, entry: JSON) -> Interaction:
    call_id, outcome = entry["call_id"], entry["outcome"]
    name = next(call.name for call in interaction.answer.tool_calls if call.id == call_id)
    known = messages_text((*interaction.messages, interaction.answer, *interaction.results))
    content = kept_apart(entry["content"], known)
    results = (*interaction.results, Message("tool", content, tool_call_id=call_id, name=name))
    if outcome == "failed" or interaction.outcome == "failed":
        error = interaction.error or (content[:500] if outcome == "failed" else "")
        return replace(interaction, results=results, outcome="failed", error=error)
    answered = {result.tool_call_id for result in results}
    whole = all(call.id in answered for call in interaction.answer.tool_calls)
    return replace(interaction, results=results, outcome=outcome if whole else interaction.outcome)


def _feedback(connection: Connection, entry: JSON, rules: RuleSettings) -> Applied:
    found = lead(connection, entry["id"])
    record = load(connection, found) if found is not None else None
    if record is None:
        return Applied(entry["id"], "unknown")
    comment = kept_apart(entry["comment"], messages_text(record.interaction.messages))
    said = replace(record.interaction, thumb=entry["thumb"], comment=comment or record.interaction.comment)
    rewrite(connection, record, said, rules)
    return Applied(record.id, "told")


def _around(time: str, span: timedelta) -> tuple[str, str]:
    moment = _moment(time)
    return tuple(stamp(moment + side * span) for side in (-1, 1))  # type: ignore[return-value]


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time).astimezone(UTC)

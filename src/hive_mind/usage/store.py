"""The store of interactions: add, find, review. Every call is a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, select, update

from hive_mind.conversation import JSON, Message
from hive_mind.errors import DataRefused, UsageError
from hive_mind.progress import utc_now
from hive_mind.usage import teach
from hive_mind.usage.applying import Applied, apply, lead
from hive_mind.usage.database import open_database, reading, shown, writing
from hive_mind.usage.entries import feedback_entry, interaction_entry, redacted
from hive_mind.usage.identity import load_key
from hive_mind.usage.interaction import Interaction, Thumb
from hive_mind.usage.query import Filters, count, fetch
from hive_mind.usage.record import Record
from hive_mind.usage.redacting import redact_interaction
from hive_mind.usage.rules import Decider, State
from hive_mind.usage.schema import interactions
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.wire import encode

Records = list[Record]

SHORTEST_ID = 6
ALL = Filters()


class Store:
    """An open store. Its methods raise StoreAway when the database cannot be used now."""

    def __init__(self, engine: Engine, key: bytes, settings: UsageSettings) -> None:
        self.engine, self.key, self.settings = engine, key, settings

    @classmethod
    def open(cls, settings: UsageSettings) -> Store:
        """Open the store, made or migrated if need be. Raises UsageError for a URL that is none, StoreAway."""
        return cls(open_database(settings.url), load_key(settings.spool), settings)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @property
    def where(self) -> str:
        """The database for a person to read: without its password."""
        return shown(self.settings.url)

    def add(self, interaction: Interaction) -> Applied:
        """Redact and keep an interaction at once, without a recorder."""
        return self.add_many([interaction])[0]

    def add_many(self, seen: Iterable[Interaction]) -> list[Applied]:
        """Redact and keep interactions in one transaction: all, or none. Returns what became of each."""
        return self.apply([redacted(interaction_entry(interaction, self.key)) for interaction in seen])

    def apply(self, entries: Sequence[JSON]) -> list[Applied]:
        """Bring redacted entries into the store in one transaction."""
        with writing(self.engine) as connection:
            return [apply(connection, entry, self.settings.rules) for entry in entries]

    def feedback(self, interaction_id: str, thumb: Thumb | None, comment: str = "") -> Record:
        """Add what a person said. Raises UsageError if there is no such interaction."""
        record = self.get(interaction_id)
        self.apply([redacted(feedback_entry(record.id, thumb, comment))])
        return self.get(record.id)

    def get(self, name: str) -> Record:
        """Return an interaction by its id, an id of one of its sightings, or the beginning of its id.

        Raises UsageError if there is none, or more than one.
        """
        with reading(self.engine) as connection:
            found = lead(connection, name)
            if found is None and len(name) >= SHORTEST_ID:
                starts = interactions.c.id.startswith(name, autoescape=True)
                near = connection.execute(select(interactions.c.id).where(starts).limit(2)).scalars().all()
                if len(near) > 1:
                    raise UsageError(f"{name!r} begins more than one id in {self.where}; give more of it")
                found = near[0] if near else None
            if found is None:
                raise UsageError(
                    f"there is no interaction {name!r} in {self.where}; `hive-mind usage list` shows their ids, of "
                    f"which the first {SHORTEST_ID} characters or more will do"
                )
            return fetch(connection, [interactions.c.id == found], None, newest=False)[0]

    def list(self, filters: Filters = ALL, limit: int | None = None, newest: bool = False) -> Records:
        """Return the interactions that are meant, by time: the oldest first, or the newest."""
        with reading(self.engine) as connection:
            return fetch(connection, filters.conditions(), limit, newest)

    def pages(self, filters: Filters = ALL, size: int = 500) -> Iterator[Records]:
        """Yield the interactions that are meant, by time, so many at once; what changes meanwhile may be missed."""
        with reading(self.engine) as connection:
            order = (
                select(interactions.c.id).where(*filters.conditions()).order_by(interactions.c.time, interactions.c.id)
            )
            ids = connection.execute(order).scalars().all()
        for begin in range(0, len(ids), size):
            with reading(self.engine) as connection:
                yield fetch(connection, [interactions.c.id.in_(ids[begin : begin + size])], None, newest=False)

    def stats(self, filters: Filters = ALL) -> JSON:
        """Return how many interactions there are, by state, outcome, source, tool, client, version and thumb."""
        with reading(self.engine) as connection:
            return count(connection, filters)

    def set_state(self, names: Sequence[str], state: State, reason: str = "", by: Decider = "hand") -> tuple[str, ...]:
        """Let a person (or, with `by`, daily learning) decide; the rules never change it again unless `by` is rules.

        Returns the ids. Raises UsageError for unknown ones.
        """
        ids = tuple(self.get(name).id for name in names)
        values = {"state": state, "reason": reason or f"{state} by {by}", "decided_by": by, "updated": utc_now()}
        with writing(self.engine) as connection:
            for interaction_id in ids:
                connection.execute(update(interactions).where(interactions.c.id == interaction_id).values(**values))
        return ids

    def correct(self, name: str, correction: Message) -> Record:
        """Say what the answer should have been; it becomes the target, and the interaction is approved.

        Raises UsageError if there is no such interaction, DataRefused if the data stage would not take the row.
        """
        record = self.get(name)
        refused = teach.problem(teach.training_row(record.id, record.interaction, correction))
        if refused is not None:
            raise DataRefused(
                f"the correction of {record.id} cannot be learnt from: {refused.code} ({refused.detail}); correct it "
                "again"
            )
        seen = redact_interaction(replace(record.interaction, answer=correction))  # beside the placeholders that it has
        values = {
            "correction": encode(seen.answer.to_dict()).decode(), "state": "approved",
            "reason": "corrected by hand", "decided_by": "hand", "updated": utc_now(),
        }  # fmt: skip
        with writing(self.engine) as connection:
            connection.execute(update(interactions).where(interactions.c.id == record.id).values(**values))
        return self.get(record.id)


@contextmanager
def opened(settings: UsageSettings) -> Iterator[Store]:
    """Open the store for the length of a `with` block."""
    store = Store.open(settings)
    try:
        yield store
    finally:
        store.close()


def database_file(settings: UsageSettings) -> Path | None:
    """Return the SQLite file of the store, None for another database."""
    from sqlalchemy import make_url

    if "://" not in settings.url:
        return Path(settings.url).expanduser()
    url = make_url(settings.url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

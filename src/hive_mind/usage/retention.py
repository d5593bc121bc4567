"""What the store keeps for how long: what nobody learns from goes after `usage.retention_days`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hive_mind.progress import stamp
from hive_mind.usage.forgetting import remove
from hive_mind.usage.query import Filters
from hive_mind.usage.store import Store

PURGED = ("new", "rejected")
"""Approved interactions are training data, and quarantined ones wait for a person: neither grows old."""


def expired(store: Store, now: datetime | None = None) -> list[str]:
    """Return the ids of new and rejected interactions older than the retention, the oldest first."""
    limit = (now or datetime.now(UTC)) - timedelta(days=store.settings.retention_days)
    before = stamp(limit)
    return [
        record.id for state in PURGED for page in store.pages(Filters(state=state, before=before)) for record in page
    ]


def purge(store: Store, now: datetime | None = None) -> int:
    """Remove what has expired from the store; returns how many interactions went."""
    ids = expired(store, now)
    if ids:
        remove(store, ids, for_good=False)
    return len(ids)

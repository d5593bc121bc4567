"""Forget interactions everywhere: store, spool, exported files, what builds left out; and say what else knew them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from hive_mind import registry
from hive_mind.curation.forgotten import datasets_under, mark_forgotten, take_out_of_left_out
from hive_mind.curation.manifest import MANIFEST_NAME
from hive_mind.errors import HiveMindError
from hive_mind.files import read_json
from hive_mind.progress import say, utc_now
from hive_mind.registry import REPORTS
from hive_mind.registry.versions import version_folders
from hive_mind.training.token_cache import FOLDER as TOKENS
from hive_mind.usage import exporting, teach
from hive_mind.usage.database import reading, writing
from hive_mind.usage.moving import Mover
from hive_mind.usage.query import Filters
from hive_mind.usage.schema import (
    OF_INTERACTION,
    exports,
    forgotten,
    identities,
    interactions,
    tool_lists,
)
from hive_mind.usage.spool import REFUSED
from hive_mind.usage.store import Store, database_file

_BATCH = 500


@dataclass
class Forgotten:
    """What was forgotten: interactions by id, the lines taken out of each file, what else knew them.

    `datasets` are folders of datasets that hold them, with how many: marked, and refused by `train` until built again.
    `models` were trained on such a dataset, or on an exported file that held them.
    """

    ids: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    datasets: dict[str, int] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)


def forget(
    store: Store, names: Sequence[str] = (), filters: Filters | None = None, *, data_dir: Path, models_dir: Path
) -> Forgotten:
    """Remove interactions by id, or all that the filters mean. They do not come back with an imported transcript.

    What was recorded and not stored yet is stored first, so that it is removed too. Raises StoreAway if the store is
    away: then nothing was removed.
    """
    mover = Mover(store.settings)
    try:
        moved = mover.run()
        if moved.away:
            raise HiveMindError(f"nothing was forgotten: {moved.away}")
        outcome = Forgotten(_chosen(store, names, filters))
        if outcome.ids:
            # The store goes last: whoever is interrupted before can name the same interactions again.
            _take_out_of_files(outcome, store.settings.exports)
            _mark(outcome, data_dir)
            outcome.models = _models(outcome, _files_that_held(store, outcome.ids), models_dir)
            with mover.spool.turn():
                remove(store, outcome.ids, for_good=True)
                # Entries that the store could not take have no id to be found by, so all of them go.
                (mover.spool.folder / REFUSED).unlink(missing_ok=True)
    finally:
        mover.close()
    return outcome


def remove(store: Store, ids: Sequence[str], *, for_good: bool) -> None:
    """Delete interactions from the database, and overwrite their bytes.

    With `for_good` their identities are noted, so that they are not stored again.
    """
    with writing(store.engine) as connection:
        for begin in range(0, len(ids), _BATCH):
            _delete(connection, ids[begin : begin + _BATCH], for_good)
        used = select(interactions.c.tools).where(interactions.c.tools.is_not(None))
        connection.execute(delete(tool_lists).where(tool_lists.c.digest.not_in(used)))
    _overwrite(store)


def _chosen(store: Store, names: Sequence[str], filters: Filters | None) -> list[str]:
    named = [store.get(name).id for name in names]
    meant = [record.id for page in store.pages(filters) for record in page] if filters is not None else []
    return list(dict.fromkeys((*named, *meant)))


def _take_out_of_files(outcome: Forgotten, folder: Path) -> None:
    gone = set(outcome.ids)
    for file in exporting.exported_files(folder):
        if taken := exporting.rewrite(file, lambda line: not gone & set(line[1]["records"])):
            outcome.files[str(file)] = taken


def _files_that_held(store: Store, ids: Sequence[str]) -> set[str]:
    """Return the names of the exported files that hold interactions now or ever did."""
    files: set[str] = set()
    with reading(store.engine) as connection:
        for begin in range(0, len(ids), _BATCH):
            held = select(exports.c.file).where(exports.c.interaction.in_(ids[begin : begin + _BATCH])).distinct()
            files |= set(connection.execute(held).scalars())
    return files


def _delete(connection: Connection, ids: Sequence[str], for_good: bool) -> None:
    if for_good:
        mine = (
            connection.execute(select(identities.c.identity).where(identities.c.interaction.in_(ids))).scalars().all()
        )
        connection.execute(delete(forgotten).where(forgotten.c.identity.in_(mine)))
        connection.execute(insert(forgotten), [{"identity": identity, "time": utc_now()} for identity in mine])
    for table in OF_INTERACTION:
        connection.execute(delete(table).where(table.c.interaction.in_(ids)))
    connection.execute(delete(interactions).where(interactions.c.id.in_(ids)))


def _overwrite(store: Store) -> None:
    """Write SQLite's file anew, smaller, and empty its log; PostgreSQL vacuums by itself."""
    if database_file(store.settings) is None:
        return
    raw: Any = store.engine.raw_connection()
    try:
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        say(f"{store.where} keeps its size, and its log what was deleted, until no other process uses it ({error})")
    finally:
        raw.close()


def _mark(outcome: Forgotten, data_dir: Path) -> None:
    records = {teach.row_id(identity) for identity in outcome.ids}
    for file, taken in take_out_of_left_out(data_dir, records).items():
        outcome.files[str(file)] = taken
    for folder in datasets_under(data_dir):
        if held := mark_forgotten(folder, records):
            outcome.datasets[str(folder)] = held
            shutil.rmtree(folder / TOKENS, ignore_errors=True)  # the rows as numbers, made again when needed


def _models(outcome: Forgotten, files: set[str], models_dir: Path) -> list[str]:
    """Return the versions whose dataset is one of the marked ones, or was built from a file that held them."""
    digests = {
        file["sha256"]
        for folder in outcome.datasets
        for file in read_json(Path(folder) / MANIFEST_NAME)["files"].values()
    }
    found = []
    for folder in version_folders(models_dir):
        if not registry.is_sealed(folder):
            continue
        dataset = models_dir / REPORTS / folder.name / "dataset.json"
        inputs = read_json(dataset).get("inputs", {}).get("usage", {}) if dataset.is_file() else {}
        read_them = files & {name.rpartition("/")[2] for name in inputs}
        if registry.load_manifest(folder).dataset["digest"] in digests or read_them:
            found.append(folder.name)
    return found

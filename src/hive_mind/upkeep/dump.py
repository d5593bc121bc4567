"""The store as lines of JSON, table by table, from one snapshot; and back into any store, SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Engine, MetaData, Table, delete, func, insert, select

from hive_mind.conversation import JSON
from hive_mind.errors import UsageError
from hive_mind.files import json_line, read_jsonl
from hive_mind.usage.database import open_database, reading, writing
from hive_mind.usage.schema import HEAD, interactions, metadata

_BATCH = 500


def dump(engine: Engine, file: IO[bytes]) -> int:
    """Write every table; returns how many interactions there are. Writers go on meanwhile, and are not seen."""
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        file.write(json_line({"revision": HEAD}))
        for table in metadata.sorted_tables:
            for row in connection.execution_options(yield_per=_BATCH).execute(select(table)).mappings():
                file.write(json_line(_line(table, row)))
        return connection.execute(select(func.count()).select_from(interactions)).scalar() or 0


def load(engine: Engine, file: Path, force: bool) -> int:
    """Put a dump in the place of what the store holds, in one transaction; returns how many interactions there are.

    Raises UsageError if the store holds any and `force` is not given, or the dump is of a newer program.
    """
    rows: Iterator[JSON] = (row for _, row in read_jsonl(file))
    revision = next(rows)["revision"]
    if revision > HEAD:
        raise UsageError(f"the backup's store has the schema {revision}, this program knows {HEAD}; update Hive-Mind")
    if revision < HEAD:
        rows = _brought_up(rows, revision, file.with_suffix(".sqlite"))
    with writing(engine) as connection:
        there = connection.execute(select(func.count()).select_from(interactions)).scalar()
        if there and not force:
            raise UsageError(
                f"the store {engine.url.render_as_string(hide_password=True)} holds {there:,} interactions; --force "
                "puts the backup in their place, or name another store with usage.url"
            )
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        _fill(connection, metadata, rows)
        return connection.execute(select(func.count()).select_from(interactions)).scalar() or 0


def _brought_up(rows: Iterable[JSON], revision: str, file: Path) -> Iterator[JSON]:
    """Migrate the rows of an older dump: through a store of that age, brought up to date."""
    engine = open_database(str(file), revision)
    old = MetaData()
    with writing(engine) as connection:
        old.reflect(connection)
        _fill(connection, old, rows)
    engine.dispose()
    engine = open_database(str(file))
    with reading(engine) as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                yield _line(table, row)
    engine.dispose()


def _line(table: Table, row: Mapping[Any, Any]) -> JSON:
    return {"table": table.name, "row": {str(name): value for name, value in row.items()}}


def _fill(connection: Connection, schema: MetaData, rows: Iterable[JSON]) -> None:
    name, batch = "", list[JSON]()
    for row in rows:
        if batch and (row["table"] != name or len(batch) == _BATCH):
            connection.execute(insert(schema.tables[name]), batch)
            batch = []
        name = row["table"]
        batch.append(row["row"])
    if batch:
        connection.execute(insert(schema.tables[name]), batch)

"""The database under the store: SQLite or PostgreSQL by URL, one writer at a time, migrated when it is opened.

SQLite runs in WAL mode with synchronous=FULL: what was committed survives a power cut, and readers never wait. Writers
take turns on both databases (BEGIN IMMEDIATE; an advisory lock), because joining two sightings reads before it writes.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
)

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.usage.schema import HEAD

BUSY_SECONDS = 60.0
CONNECT_SECONDS = 5
WRITERS_LOCK = 0x68697665
"""PostgreSQL's advisory lock that writers take turns with; a number that no other program is likely to use."""
_READING = "hive_mind_reading"


class StoreAway(HiveMindError):
    """The database cannot be reached, or not be written to, now; what was to be written waits in the spool."""


def open_database(url: str, revision: str = HEAD) -> Engine:
    """Connect, and bring the tables up to date, or to an older revision. `url` is a SQLite file's path or a URL.

    Raises UsageError for a URL that is none, StoreAway if the database cannot be reached.
    """
    engine = _engine(url)
    try:
        with explained(engine):
            _migrate(engine, revision)
    except BaseException:
        engine.dispose()
        raise
    return engine


def shown(url: str) -> str:
    """Return the URL for a person: without its password."""
    return make_url(url).render_as_string(hide_password=True) if "://" in url else url


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other writer runs beside; committed if the block ends without an error."""
    with explained(engine), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITERS_LOCK})
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and waits for nobody."""
    with explained(engine), engine.connect().execution_options(**{_READING: True}) as connection:
        yield connection


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn what a database cannot help (it is away, locked, full) into StoreAway; other errors are bugs and pass."""
    try:
        yield
    except DBAPIError as error:
        if not _is_away(error):
            raise
        where = engine.url.render_as_string(hide_password=True)
        why = " ".join(str(error.orig).split())
        raise StoreAway(
            f"the usage store {where} cannot be used now ({why}); start the database, free space or check permissions"
        ) from error


def _is_away(error: DBAPIError) -> bool:
    """Operational errors are the database's state, not ours: no connection, locked, read-only, disk full, damaged."""
    states = (OperationalError, InterfaceError, InternalError)
    return error.connection_invalidated or isinstance(error, states) or type(error) is DatabaseError


def _engine(url: str) -> Engine:
    if "://" not in url:
        return _sqlite(Path(url).expanduser())
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise UsageError("usage.url must name a file: a store in memory is gone when the process ends")
            return _sqlite(Path(parsed.database))
        if parsed.drivername not in ("postgresql", "postgresql+psycopg"):
            raise UsageError(f"usage.url={shown(url)}: only SQLite files and postgresql+psycopg:// are known here")
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS})
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(f"usage.url={url.partition('@')[2] or url} is no database URL ({error})") from None
    except ModuleNotFoundError:
        raise UsageError("PostgreSQL needs psycopg; run `pip install 'hive-mind[postgres]'`") from None


def _sqlite(file: Path) -> Engine:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # what a person asked is nobody else's to read
    except OSError as error:
        raise StoreAway(f"the usage store {file} cannot be made: {error.strerror}; check the path") from error
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the module guesses
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    # secure_delete: what is forgotten is overwritten with zeros, not only marked as free
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Set WAL mode, which a new file lacks. Raises sqlite3.OperationalError if the file stays locked for BUSY_SECONDS.

    SQLite answers "locked" to this pragma at once if another process is writing or switching, whatever the timeout: of
    60 new stores that eight processes opened together, one of the eight failed in 16.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _migrate(engine: Engine, revision: str) -> None:
    """Bring the tables to a revision. Processes that open a store at once take turns, and the second finds it done.

    Raises UsageError if a newer program has changed the store.
    """
    if _revision(engine) == revision:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise UsageError(
                f"the usage store {engine.url.render_as_string(hide_password=True)} was made by a newer Hive-Mind "
                f"({error}); update this one, or name another store with usage.url"
            ) from None


def _revision(engine: Engine) -> str | None:
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

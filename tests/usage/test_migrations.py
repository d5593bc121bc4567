"""Stores made by older programs, and the tables that the steps lead to."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from hive_mind.errors import UsageError
from hive_mind.usage import database
from hive_mind.usage.database import open_database, reading, writing
from hive_mind.usage.schema import HEAD, metadata
from hive_mind.usage.store import Store
from tests.usage.making import interaction

FIRST = "0001"


def test_the_steps_lead_to_the_tables_that_are_used(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with reading(store.engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_head_is_the_newest_step():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_store_of_the_first_schema_is_brought_up_to_date_with_all_in_it(settings):
    engine = open_database(settings.url, FIRST)
    with writing(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == FIRST
        connection.execute(
            text(
                "INSERT INTO interactions (id, time, source, client, session, messages, answer, results, outcome,"
                " error, comment, state, reason, decided_by, created, updated) VALUES ('00ff', '2026-02-05T10:00:00Z',"
                " 'gateway', 'old', 's', '[{\"role\":\"user\",\"content\":\"hello\"}]',"
                " '{\"role\":\"assistant\",\"content\":\"hi\"}', '[]', 'succeeded', '', '', 'approved', 'it succeeded',"
                " 'rules', '2026-02-05T10:00:00Z', '2026-02-05T10:00:00Z')"
            )
        )
        connection.execute(text("INSERT INTO identities VALUES ('00ff', '00ff')"))
        connection.execute(text("INSERT INTO sightings VALUES ('00ff', 'gateway', 'old', 's', '2026-02-05T10:00:00Z')"))
    engine.dispose()
    store = Store.open(settings)
    record = store.get("00ff")
    assert record.interaction.answer.content == "hi" and record.interaction.request_id == ""
    assert [sighting.version for sighting in record.sightings] == [None]
    assert store.add(interaction(1)).what == "new"
    assert len(store.list()) == 2
    store.close()


def test_a_store_of_a_newer_program_is_not_touched(settings):
    engine = open_database(settings.url)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UsageError, match="made by a newer Hive-Mind"):
        Store.open(settings)


def test_processes_that_open_a_new_store_at_once_all_can(settings):
    script = f"from hive_mind.usage.database import open_database; open_database({settings.url!r}).dispose()"
    opening = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(process.wait(), process.stderr.read()) for process in opening] == [(0, b"")] * 3


def test_a_new_file_that_another_process_is_writing_is_waited_for(tmp_path):
    """SQLite by itself does not wait here: a file not yet in WAL mode cannot be switched while it is written."""
    file = tmp_path / "usage.sqlite"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ends = threading.Timer(0.2, other.execute, ["COMMIT"])
    ends.start()
    open_database(str(file)).dispose()
    ends.join()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_migration_that_fails_leaves_the_store_as_it_was(settings):
    engine = open_database(settings.url, FIRST)
    with writing(engine) as connection:  # the table that the second step makes is there already
        connection.execute(text("CREATE TABLE forgotten (x INTEGER)"))
    engine.dispose()
    with pytest.raises(Exception, match="forgotten"):
        Store.open(settings)
    engine = database._engine(settings.url)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == FIRST
    engine.dispose()

"""Imports: what was read whole is passed over the next night, and what is missing ends nothing."""

import os

import pytest

from hive_mind.conversation import Tool
from hive_mind.files import write_json
from hive_mind.learning import imports
from hive_mind.learning.imports import IMPORTED_FILE, take_in_imports
from hive_mind.learning.settings import LearningSettings
from hive_mind.usage.store import opened
from tests.learning.world import World
from tests.raw_rows import run_row, usage_row, write_lines


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_lines(tmp_path / "records" / "runs.jsonl", [run_row(number) for number in range(2)])
    write_lines(tmp_path / "records" / "log.jsonl", [usage_row(number) for number in range(4)])
    return tmp_path


def take_in(home, *paths):
    settings = World(home, None).settings_of_the_store()
    chosen = {"dir": home / "learning", "imports": list(paths), "usage": settings.model_dump()}
    chosen["catalogue"] = {"file": home / "catalogue.json"}
    with opened(settings) as store:
        return take_in_imports(LearningSettings.model_validate(chosen), store)


def counts(result):
    return sum(result["files"].values()), result["unchanged"]


def test_a_file_is_read_again_only_when_it_changed(home):
    first = take_in(home, "~/records")
    assert counts(first) == (2, 0) and first["interactions"]["new"] > 4 and first["missing"] == []
    assert counts(take_in(home, "~/records")) == (0, 2)
    write_lines(home / "records" / "log.jsonl", [usage_row(number) for number in range(5)])
    again = take_in(home, "~/records")
    assert counts(again) == (1, 1) and again["interactions"] == {"seen": 4, "new": 1}
    os.utime(home / "records" / "log.jsonl", ns=(1, 1))
    assert counts(take_in(home, "~/records")) == (1, 1)


def test_other_declarations_another_store_or_a_broken_memory_read_all_again(home, monkeypatch):
    take_in(home, "~/records")
    write_json(home / "records" / "tools.json", [])
    assert counts(take_in(home, "~/records")) == (2, 0), "a tools file lies beside them now"
    assert counts(take_in(home, "~/records")) == (0, 2)
    with monkeypatch.context() as patch:
        patch.setattr(imports, "client_names", lambda catalogue: {"a": Tool("a", "", {"type": "object"})})
        assert counts(take_in(home, "~/records")) == (2, 0)
    (home / "learning" / IMPORTED_FILE).write_text("{")
    assert counts(take_in(home, "~/records")) == (2, 0)
    key = home / "data" / "spool" / "identity.key"
    os.utime(key, ns=(1, 1))
    assert counts(take_in(home, "~/records")) == (2, 0), "a backup was restored, which writes the key anew"
    (home / "data" / "usage.sqlite").unlink()
    assert counts(take_in(home, "~/records")) == (2, 0), "the store has none of it"


def test_a_missing_path_is_noted_and_the_others_are_read(home, capsys):
    found = take_in(home, "~/nowhere", "~/records", "~nobody-of-this-name/x")
    assert found["missing"] == ["~/nowhere", "~nobody-of-this-name/x"] and counts(found) == (2, 0)
    assert "~/nowhere does not exist, so nothing is imported from it" in capsys.readouterr().err


def test_what_was_not_read_to_its_end_is_read_again(home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("hive_mind.usage.store.Store.add_many", broken)
        assert len(take_in(home, "~/records")["not_read"]) == 2
    assert counts(take_in(home, "~/records")) == (2, 0)


def broken(self, seen):
    raise OSError(5, "Input/output error")

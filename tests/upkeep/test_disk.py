"""What takes how much disk: every kind is found, and nothing goes that is in use."""

import fcntl
import os
import time

import pytest

from hive_mind import registry
from hive_mind.upkeep.disk import OLD_PART_SECONDS, Places, clean, size_of, survey
from hive_mind.usage import journal
from hive_mind.usage.store import Store
from tests.registry.versions import BASE, DATASET, PROMOTE, adapter, sealed
from tests.usage.making import interaction, said, settings_in


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Six versions, two of them with an alias; an unfinished run; caches, left-overs and a store."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(journal, "MEMORY", tmp_path / "memory")
    models, data = tmp_path / "models", tmp_path / "data"
    for number in range(1, 7):
        sealed(models, f"mine_v{number}")
    registry.promote(models, "mine_v1", PROMOTE)
    registry.nominate(models, "mine_v2")
    (models / "mine_v7" / "checkpoints").mkdir(parents=True)
    (models / "mine_v7" / "checkpoints" / "x").write_bytes(b"0" * 500)
    (models / "reports" / "mine_v1").mkdir(parents=True, exist_ok=True)
    (models / "reports" / "mine_v1" / "x.json").write_bytes(b"0" * 300)
    (data / ".tokens").mkdir(parents=True)
    (data / ".tokens" / "ids").write_bytes(b"0" * 700)
    for name, age in (("old", OLD_PART_SECONDS + 60), ("new", 0)):
        part = data / f".{name}.jsonl.x.part"
        part.write_bytes(b"0" * 100)
        os.utime(part, (time.time() - age,) * 2)
    return Places(models, data, settings_in(tmp_path / "usage"), keep_models=2)


def names(items, kind, may_go):
    return sorted(item.name.rpartition("/")[2] for item in items if item.kind == kind and item.may_go == may_go)


def test_a_version_that_an_alias_means_never_goes(places):
    items = survey(places, None)
    assert names(items, "model", False) == ["mine_v1", "mine_v2", "mine_v5", "mine_v6"]
    assert names(items, "model", True) == ["mine_v3", "mine_v4"]
    assert names(survey(Places(places.models_dir, places.data_dir, places.usage, 0), None), "model", False) == [
        "mine_v1",
        "mine_v2",
    ]
    freed = clean(items)
    assert freed >= 700
    left = sorted(path.name for path in places.models_dir.iterdir() if path.is_dir())
    assert left == ["latest", "mine_v1", "mine_v2", "mine_v5", "mine_v6", "mine_v7", "reports"]
    assert registry.latest(places.models_dir) == "mine_v1"


def test_what_a_version_in_use_was_trained_from_stays(places):
    """Daily learning starts every day from the foundation, which has no alias any more."""
    folder = adapter(places.models_dir / "mine_v8", 8)
    registry.seal(folder, base=BASE, dataset=DATASET, parent="mine_v3")
    registry.nominate(places.models_dir, "mine_v8")
    items = survey(places, None)
    assert "mine_v3" in names(items, "model", False) and "mine_v4" in names(items, "model", True)


def test_caches_and_old_left_overs_go_and_new_ones_stay(places):
    items = survey(places, None)
    assert names(items, "cache", True) == [".tokens"]
    assert names(items, "left over", True) == [".old.jsonl.x.part"]
    clean(items)
    assert sorted(path.name for path in places.data_dir.iterdir()) == [".new.jsonl.x.part"]
    assert not any(item.may_go for item in survey(places, None)), "a second time there is nothing to do"


def test_an_unfinished_run_goes_only_when_told_and_never_while_it_runs(places):
    assert names(survey(places, None), "checkpoints", False) == ["mine_v7"]
    told = Places(places.models_dir, places.data_dir, places.usage, unfinished=True)
    with open(places.models_dir / ".mine_v7.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert names(survey(told, None), "checkpoints", True) == []
    assert names(survey(told, None), "checkpoints", True) == ["mine_v7"]
    clean(survey(told, None))
    assert not (places.models_dir / "mine_v7").exists()


def test_the_store_is_measured_and_loses_what_has_expired(places):
    store = Store.open(places.usage)
    store.add_many([interaction(number, outcome="failed") for number in range(5)] + [interaction(9)])
    store.add(said(time="2026-01-01T00:00:00Z", thumb="up"))
    items = survey(places, store)
    [going] = [item for item in items if item.kind == "store" and item.may_go]
    assert "5 new or rejected interactions" in going.why
    assert sum(item.size for item in items if item.kind == "store") >= size_of(
        places.usage.spool.parent / "usage.sqlite"
    )
    clean(items)
    assert [record.state for record in store.list()] == ["approved", "approved"]
    store.close()


def test_journals_of_a_spool_that_is_gone_may_go(places, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MEMORY", tmp_path)
    gone, there = tmp_path / "gone", tmp_path / "there"
    there.mkdir()
    folders = [journal.memory_folder(spool) for spool in (gone, there)]
    (folders[0] / "1.journal").write_bytes(b"0" * 50)
    assert names(survey(places, None), "journals", True) == [folders[0].name]
    clean(survey(places, None))
    assert [folder.exists() for folder in folders] == [False, True]


def test_an_empty_house(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(journal, "MEMORY", tmp_path / "memory")
    places = Places(tmp_path / "models", tmp_path / "data", settings_in(tmp_path / "usage"))
    assert survey(places, None) == []

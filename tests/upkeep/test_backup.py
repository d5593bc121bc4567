"""Backup and restore: a round trip on either database, and what is refused."""

import itertools
import os
import shutil
import tarfile

import pytest

from hive_mind import registry
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.upkeep.backup import backup, restore
from hive_mind.usage import database
from hive_mind.usage.exporting import export
from hive_mind.usage.store import Store
from tests.registry.versions import PROMOTE, sealed
from tests.usage import postgres
from tests.usage.making import call, interaction, said, settings_in

_numbers = itertools.count()


@pytest.fixture(scope="module")
def postgres_server():
    with postgres.server() as url:
        yield url


def place(kind, folder, request):
    if kind == "sqlite":
        return settings_in(folder)
    server = request.getfixturevalue("postgres_server")
    return settings_in(folder, url=postgres.new_database(server, f"backup_{next(_numbers)}"))


def filled(settings):
    """A store with something in every table."""
    store = Store.open(settings)
    added = store.add_many([interaction(number) for number in range(12)] + [said()])
    store.add(interaction(1, source="claude_code", client="terminal"))
    store.correct(added[2].id, call(path="right.md"))
    export(store, "2026-02-06T08:00:00Z")
    from hive_mind.usage.forgetting import remove

    remove(store, [added[3].id], for_good=True)
    return store


def models_in(folder):
    models = folder / "models"
    for name in ("mine_v1", "mine_v2"):
        sealed(models, name)
        registry.promote(models, name, PROMOTE)
    reports = models / "reports" / "mine_v2"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "evaluation.json").write_text('{"of": "mine_v2"}')
    (models / "unfinished" / "checkpoints").mkdir(parents=True)
    (models / "unfinished" / "adapter_model.safetensors").write_bytes(b"half")
    return models


def everything(folder):
    """Every file under a models folder with its bytes; the lock and what a backup leaves out are passed over."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and not path.name.startswith(".registry")
        and "unfinished" not in str(path)
    }


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.zst"])
@pytest.mark.parametrize(
    ("before", "after"), [("sqlite", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "postgresql")]
)
def test_a_round_trip(tmp_path, request, suffix, before, after):
    if suffix == "tar.zst" and shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    store = filled(place(before, tmp_path / "a", request))
    models = models_in(tmp_path / "a")
    file = tmp_path / f"kept.{suffix}"
    summary = backup(file, store, models)
    assert (summary.interactions, summary.versions, summary.latest) == (12, ("mine_v1", "mine_v2"), "mine_v2")
    other = place(after, tmp_path / "b", request)
    restored = restore(file, other, tmp_path / "b" / "models")
    assert (restored.interactions, restored.skipped) == (12, ())
    assert everything(tmp_path / "b" / "models") == everything(models)
    assert registry.latest(tmp_path / "b" / "models") == "mine_v2"
    assert registry.verify(tmp_path / "b" / "models" / "mine_v1") == []
    assert [version.name for version in registry.list_versions(tmp_path / "b" / "models")] == ["mine_v1", "mine_v2"]
    again = Store.open(other)
    assert again.list() == store.list()
    assert again.add(interaction(5)).what == "seen", "the key came along"
    assert again.add(interaction(3)).what == "forgotten"
    store.close()
    again.close()
    assert [path.name for path in (tmp_path / "b" / "models").iterdir() if path.name.startswith(".restoring")] == []


def test_what_is_there_is_not_replaced_unless_told(tmp_path):
    settings = settings_in(tmp_path)
    store, models = filled(settings), models_in(tmp_path)
    file = tmp_path / "kept.tar.gz"
    backup(file, store, models)
    store.add(interaction(50))
    before = everything(models)
    with pytest.raises(UsageError, match="holds 13 interactions; --force"):
        restore(file, settings, models)
    assert everything(models) == before and len(store.list()) == 13, "nothing was changed"
    shutil.rmtree(models / "mine_v1")
    sealed(models, "mine_v1")
    (models / "mine_v1" / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="mine_v1 exists and is another version"):
        restore(file, settings, models)
    restored = restore(file, settings, models, force=True)
    assert restored.skipped == ("mine_v2",)
    assert everything(models) == before
    assert len(store.list()) == 12
    store.close()


def test_another_history_is_not_replaced_unless_told(tmp_path):
    settings = settings_in(tmp_path)
    store, models = filled(settings), models_in(tmp_path)
    file = tmp_path / "kept.tar.gz"
    backup(file, store, models)
    registry.rollback(models)
    with pytest.raises(UsageError, match="another history"):
        restore(file, settings, models)
    restore(file, settings, models, force=True)
    assert registry.latest(models) == "mine_v2"
    store.close()


def test_a_backup_without_models_keeps_the_history_and_leaves_latest(tmp_path, capsys):
    store, models = filled(settings_in(tmp_path / "a")), models_in(tmp_path / "a")
    file = tmp_path / "kept.tar.gz"
    summary = backup(file, store, models, models=False)
    assert summary.versions == ()
    restore(file, settings_in(tmp_path / "b"), tmp_path / "b" / "models")
    assert "is not in it" in capsys.readouterr().err
    assert not (tmp_path / "b" / "models" / "latest").exists()
    assert [entry.version for entry in registry.history(tmp_path / "b" / "models")] == ["mine_v1", "mine_v2"]
    store.close()


def test_a_damaged_archive_is_refused_before_anything_changes(tmp_path):
    store, models = filled(settings_in(tmp_path / "a")), models_in(tmp_path / "a")
    file = tmp_path / "kept.tar.gz"
    backup(file, store, models)
    store.close()
    folder = tmp_path / "open"
    with tarfile.open(file) as tar:
        tar.extractall(folder, filter="data")
    target = settings_in(tmp_path / "b")

    def packed(change):
        work = tmp_path / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder, work)
        change(work)
        made = tmp_path / "made.tar.gz"
        with tarfile.open(made, "w:gz") as tar:
            for path in sorted(work.rglob("*"), key=lambda path: path.name == "contents.json"):
                tar.add(path, str(path.relative_to(work)), recursive=False)
        return made

    def changed(work):
        (work / "models" / "mine_v1" / "run.json").write_text("{}")

    def shortened(work):
        (work / "store" / "usage.jsonl").unlink()

    def added(work):
        (work / "models" / "evil.bin").write_bytes(b"x")

    def linked(work):
        os.symlink("/etc/passwd", work / "models" / "link")

    def without_contents(work):
        (work / "contents.json").unlink()

    for change, words in (
        (changed, "sha256 differs"), (shortened, "usage.jsonl is only in"), (added, "evil.bin is only in"),
        (linked, "no plain file"), (without_contents, "holds no contents.json"),
    ):  # fmt: skip
        made = packed(change)
        with tarfile.open(made) as tar:
            members = [member for member in tar if not member.isdir()]
            flat = tmp_path / "flat.tar.gz"
            with tarfile.open(flat, "w:gz") as out:
                for member in members:
                    out.addfile(member, tar.extractfile(member) if member.isfile() else None)
        with pytest.raises(DataRefused, match=words):
            restore(flat, target, tmp_path / "b" / "models")
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DataRefused, match="cannot be unpacked"):
        restore(file, target, tmp_path / "b" / "models")
    with pytest.raises(UsageError, match="does not exist"):
        restore(tmp_path / "none.tar.gz", target, tmp_path / "b" / "models")
    assert not (tmp_path / "b" / "usage.sqlite").exists()
    assert [path for path in (tmp_path / "b" / "models").iterdir() if not path.name.startswith(".registry")] == []


def test_a_backup_of_an_older_program_is_brought_up_to_date(tmp_path, monkeypatch):
    from hive_mind.upkeep import dump

    store, models = filled(settings_in(tmp_path / "a")), tmp_path / "a" / "models"
    models.mkdir()
    file = tmp_path / "kept.tar.gz"
    old = dump.metadata.__class__()
    engine = database.open_database(str(tmp_path / "old.sqlite"), "0001")
    with database.reading(engine) as connection:
        old.reflect(connection)
    old.remove(old.tables["alembic_version"])
    with monkeypatch.context() as patch:
        patch.setattr(dump, "metadata", old)
        patch.setattr(dump, "HEAD", "0001")
        backup(file, store, models)
    other = Store.open(settings_in(tmp_path / "b"))
    restore(file, other.settings, tmp_path / "b" / "models")
    assert [record.id for record in other.list()] == [record.id for record in store.list()]
    assert other.list()[0].interaction.request_id == ""
    with monkeypatch.context() as patch, pytest.raises(UsageError, match="update Hive-Mind"):
        patch.setattr(dump, "HEAD", "0000")
        restore(file, other.settings, tmp_path / "b" / "models", force=True)
    store.close()
    other.close()
    engine.dispose()


def test_a_full_disk_leaves_no_archive(tmp_path, monkeypatch):
    store, models = filled(settings_in(tmp_path)), models_in(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hive_mind.upkeep.archive.tarfile.TarFile.add", full)
    with pytest.raises(HiveMindError, match="could not write"):
        backup(tmp_path / "kept.tar.gz", store, models)
    assert not (tmp_path / "kept.tar.gz").exists()
    store.close()

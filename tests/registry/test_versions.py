"""Names: listing, the next free one, and where latest, a version or a path leads."""

import pytest

from hive_mind import registry
from hive_mind.errors import UsageError
from tests.registry.versions import PROMOTE, adapter, sealed


def test_versions_are_listed_in_order_of_sealing_with_what_became_of_them(tmp_path):
    sealed(tmp_path, "zulu_v1", seed=1)
    sealed(tmp_path, "alpha_v1", seed=2)
    adapter(tmp_path / "unfinished_v1")
    (tmp_path / "reports" / "alpha_v1").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    registry.promote(tmp_path, "alpha_v1", PROMOTE)
    (tmp_path / "zulu_v1" / "manifest.json").write_text("{")
    listed = {version.name: version for version in registry.list_versions(tmp_path)}
    assert list(listed) == ["alpha_v1", "unfinished_v1", "zulu_v1"]
    assert [version.is_latest for version in listed.values()] == [True, False, False]
    assert listed["alpha_v1"].promoted.by == "gate"
    assert "not a sealed version" in listed["unfinished_v1"].problem
    assert "not a version's manifest" in listed["zulu_v1"].problem


def test_there_is_nothing_to_list_where_there_is_no_folder(tmp_path):
    assert registry.list_versions(tmp_path / "models") == []
    assert registry.latest(tmp_path / "models") is None
    assert registry.next_version(tmp_path / "models", "foundation") == "foundation_v1"
    assert not (tmp_path / "models").exists()


def test_the_next_version_is_above_all_that_ever_were(tmp_path):
    sealed(tmp_path, "foundation_v2")
    sealed(tmp_path, "foundation_v10", seed=1)
    sealed(tmp_path, "foundation_vx", seed=2)
    sealed(tmp_path, "other_v40", seed=3)
    assert registry.next_version(tmp_path, "foundation") == "foundation_v11"
    (tmp_path / "reports" / "foundation_v12").mkdir(parents=True)
    assert registry.next_version(tmp_path, "foundation") == "foundation_v13"
    last = sealed(tmp_path, "foundation_v20", seed=4)
    registry.promote(tmp_path, "foundation_v20", PROMOTE)
    registry.promote(tmp_path, "foundation_v2", force=True, note="test")
    for file in last.iterdir():
        file.unlink()
    last.rmdir()
    assert registry.next_version(tmp_path, "foundation") == "foundation_v21"


@pytest.mark.parametrize("name", ["", "../up", "a/b", "latest", "reports", ".hidden", "with space"])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot name a version"):
        registry.next_version(tmp_path, name)


def test_resolve_follows_latest_versions_and_paths(tmp_path, monkeypatch):
    models = tmp_path / "models"
    sealed(models, "foundation_v1")
    elsewhere = sealed(tmp_path / "elsewhere", "mine")
    registry.promote(models, "foundation_v1", PROMOTE)
    monkeypatch.chdir(tmp_path)
    assert registry.resolve(models, "latest") == models / "foundation_v1"
    assert not registry.resolve(models, "latest").is_symlink()
    assert registry.resolve(models, "foundation_v1") == models / "foundation_v1"
    assert registry.resolve(models, "elsewhere/mine") == elsewhere.resolve()
    assert registry.resolve(models, str(models / "latest")) == (models / "foundation_v1").resolve()


def test_resolve_says_what_there_is_instead(tmp_path):
    with pytest.raises(UsageError, match="no version was promoted yet"):
        registry.resolve(tmp_path, "latest")
    with pytest.raises(UsageError, match="nor any other"):
        registry.resolve(tmp_path, "foundation_v1")
    sealed(tmp_path, "foundation_v1")
    with pytest.raises(UsageError, match="did you mean foundation_v1"):
        registry.resolve(tmp_path, "foundatoin_v1")
    with pytest.raises(UsageError, match=r"holds no adapter_model\.safetensors"):
        registry.resolve(tmp_path, str(tmp_path))

"""Names that move, and the removal that never takes what one of them means."""

import os

import pytest

from hive_mind import registry
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.registry import names as naming
from tests.registry.versions import PROMOTE, adapter, sealed


@pytest.fixture
def models(tmp_path):
    for number in (1, 2, 3, 4):
        sealed(tmp_path / "models", f"foundation_v{number}", seed=number)
    return tmp_path / "models"


def test_aliases_follow_promotions_and_rollbacks(models):
    assert registry.aliases(models) == {}
    registry.nominate(models, "foundation_v1")
    assert registry.aliases(models) == {"candidate": "foundation_v1"}
    registry.promote(models, "foundation_v1", PROMOTE)
    assert registry.aliases(models) == {"champion": "foundation_v1"}, "what is promoted is no candidate any more"
    registry.nominate(models, "foundation_v3")
    registry.promote(models, "foundation_v2", PROMOTE)
    named = {"champion": "foundation_v2", "previous": "foundation_v1", "candidate": "foundation_v3"}
    assert registry.aliases(models) == named
    for alias, version in named.items():
        assert registry.resolve(models, alias) == models / version
    registry.rollback(models)
    assert registry.aliases(models) == {"champion": "foundation_v1", "candidate": "foundation_v3"}
    registry.nominate(models, None)
    with pytest.raises(UsageError, match="no version is the candidate now"):
        registry.resolve(models, "candidate")


def test_a_version_is_never_named_as_an_alias(models):
    for name in registry.ALIASES:
        with pytest.raises(UsageError, match="cannot name a version"):
            registry.next_version(models, name)


def test_what_an_alias_means_is_not_removed(models):
    registry.promote(models, "foundation_v1", PROMOTE)
    registry.promote(models, "foundation_v2", PROMOTE)
    registry.nominate(models, "foundation_v3")
    for version, alias in (
        ("foundation_v1", "previous"),
        ("foundation_v2", "champion"),
        ("foundation_v3", "candidate"),
    ):
        with pytest.raises(UsageError, match=f"{version} is the {alias}, which is never removed"):
            registry.remove(models, version)
        assert registry.verify(models / version) == []
    size = sum(file.stat().st_size for file in (models / "foundation_v4").iterdir())
    assert registry.remove(models, "foundation_v4") == size
    assert not (models / "foundation_v4").exists()
    assert registry.audit.read(models)[-1]["version"] == "foundation_v4"
    assert [version.name for version in registry.list_versions(models)] == [f"foundation_v{n}" for n in (1, 2, 3)]


def test_a_link_made_by_hand_protects_its_version(models):
    os.symlink("foundation_v2", models / "latest")
    with pytest.raises(UsageError, match="is the champion"):
        registry.remove(models, "foundation_v2")
    assert registry.history(models)[-1].by == "adopted"


def test_a_link_made_by_hand_at_the_very_moment_brings_the_version_back(models, monkeypatch):
    registry.promote(models, "foundation_v1", PROMOTE)
    honest = naming._aliases

    def meanwhile(*arguments):
        found = honest(*arguments)
        (models / "latest").unlink()
        os.symlink("foundation_v2", models / "latest")
        return found

    monkeypatch.setattr(naming, "_aliases", meanwhile)
    with pytest.raises(HiveMindError, match="was pointed at foundation_v2 at this moment"):
        registry.remove(models, "foundation_v2")
    monkeypatch.undo()
    assert registry.latest(models) == "foundation_v2"
    assert registry.verify(models / "foundation_v2") == []


def test_only_sealed_versions_are_removed_by_name(models):
    adapter(models / "unfinished_v1")
    for version, reason in (("unfinished_v1", "may still be in training"), ("gone_v1", "there is no version"),
                            ("../models", "there is no version"), ("reports", "there is no version")):  # fmt: skip
        with pytest.raises(UsageError, match=reason):
            registry.remove(models, version)
    assert (models / "unfinished_v1").is_dir()


def test_a_removal_that_was_killed_is_no_version_and_is_finished_by_the_next(models):
    (models / "foundation_v3").rename(models / ".removed.foundation_v3.77")
    assert "foundation_v3" not in [version.name for version in registry.list_versions(models)]
    registry.remove(models, "foundation_v4")
    assert not list(models.glob(".removed.*"))


def test_rollback_passes_over_what_was_removed(models):
    for version in ("foundation_v1", "foundation_v2", "foundation_v3"):
        registry.promote(models, version, PROMOTE)
    registry.remove(models, "foundation_v1")
    assert registry.rollback(models).version == "foundation_v2"
    with pytest.raises(UsageError, match="no earlier version"):
        registry.rollback(models)

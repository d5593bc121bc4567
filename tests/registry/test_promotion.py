"""Promotion, rollback and links made by hand: what is refused, what is logged, where `latest` points afterwards."""

import os
from pathlib import Path

import pytest

from hive_mind import registry
from hive_mind.errors import HiveMindError, UsageError
from tests.registry.versions import PROMOTE, sealed, tamper


@pytest.fixture
def models(tmp_path):
    for number in (1, 2, 3):
        sealed(tmp_path / "models", f"foundation_v{number}", seed=number)
    return tmp_path / "models"


def hand_link(models, target):
    (models / "latest").unlink(missing_ok=True)
    os.symlink(target, models / "latest")


def log(models):
    return [(entry.version, entry.previous, entry.by) for entry in registry.history(models)]


def test_promote_swaps_a_relative_link_and_logs_why(models):
    entry = registry.promote(models, "foundation_v1", PROMOTE)
    assert (models / "latest").readlink() == Path("foundation_v1")
    assert registry.latest(models) == "foundation_v1"
    assert registry.history(models) == [entry]
    assert (entry.previous, entry.by, entry.reason) == (None, "gate", "12 more calls right")
    assert entry.manifest == registry.manifest_digest(models / "foundation_v1")
    assert len(entry.verdict) == 64
    assert entry.time.endswith("Z")
    registry.promote(models, "foundation_v2", PROMOTE)
    assert log(models)[-1] == ("foundation_v2", "foundation_v1", "gate")


def test_promoting_what_is_served_changes_and_logs_nothing(models):
    registry.promote(models, "foundation_v1", PROMOTE)
    before = (models / "registry.json").read_bytes()
    assert registry.promote(models, "foundation_v1", {"decision": "reject"}) is None
    assert (models / "registry.json").read_bytes() == before


REFUSED = [
    (None, "was not judged by the gate"),
    ({"decision": "hold", "reasons": ["too few items"]}, r"'hold', not 'promote' \(too few items\)"),
    ({"decision": "reject"}, "no reason recorded"),
    ({**PROMOTE, "candidate": "foundation_v3"}, "is about foundation_v3"),
    ({**PROMOTE, "champion": "foundation_v3"}, "compared with foundation_v3, but foundation_v1 is served now"),
    ({**PROMOTE, "champion": None}, "compared with the base model, but foundation_v1 is served now"),
]


@pytest.mark.parametrize(("verdict", "reason"), REFUSED)
def test_without_a_verdict_that_says_promote_nothing_moves(models, verdict, reason):
    registry.promote(models, "foundation_v1", PROMOTE)
    with pytest.raises(UsageError, match=reason):
        registry.promote(models, "foundation_v2", verdict)
    assert registry.latest(models) == "foundation_v1"
    assert len(registry.history(models)) == 1


def test_a_verdict_against_the_version_that_is_served_counts(models):
    registry.promote(models, "foundation_v1", {**PROMOTE, "champion": None})
    registry.promote(models, "foundation_v2", {**PROMOTE, "candidate": "foundation_v2", "champion": "foundation_v1"})
    assert registry.latest(models) == "foundation_v2"


def test_force_needs_a_note_and_records_it(models):
    with pytest.raises(UsageError, match="needs a reason"):
        registry.promote(models, "foundation_v1", {"decision": "reject"}, force=True, note="  ")
    entry = registry.promote(
        models, "foundation_v1", {"decision": "reject"}, "better on my own tools", force=True, by="hand"
    )
    assert (entry.by, entry.reason) == ("hand", "better on my own tools")
    assert entry.verdict is not None


def test_a_tampered_unsealed_or_missing_version_is_not_promoted_even_by_force(models):
    tamper(models / "foundation_v1")
    (models / "foundation_v2" / "manifest.json").unlink()
    for version, error, reason in [
        ("foundation_v1", HiveMindError, "not as it was sealed: adapter_model.safetensors was changed"),
        ("foundation_v2", UsageError, "is not sealed"),
        ("foundation_v9", UsageError, "there is no version 'foundation_v9'"),
        ("../models/foundation_v3", UsageError, "there is no version"),
    ]:
        with pytest.raises(error, match=reason):
            registry.promote(models, version, PROMOTE, force=True, note="test")
    assert registry.latest(models) is None
    assert registry.history(models) == []


def test_rollback_goes_back_step_by_step_and_not_to_what_it_left(models):
    for number in (1, 2, 3):
        registry.promote(models, f"foundation_v{number}", PROMOTE)
    assert registry.rollback(models).version == "foundation_v2"
    entry = registry.rollback(models)
    assert (entry.version, entry.previous, entry.by) == ("foundation_v1", "foundation_v2", "rollback")
    assert (models / "latest").readlink() == Path("foundation_v1")
    with pytest.raises(UsageError, match="no earlier version to go back to"):
        registry.rollback(models)
    registry.promote(models, "foundation_v3", PROMOTE)
    assert registry.rollback(models).version == "foundation_v1"


def test_rollback_passes_over_a_version_that_does_not_verify_and_says_so(models, capsys):
    for number in (1, 2, 3):
        registry.promote(models, f"foundation_v{number}", PROMOTE)
    tamper(models / "foundation_v2")
    entry = registry.rollback(models)
    assert entry.version == "foundation_v1"
    assert "foundation_v2 was passed over" in entry.reason
    assert "foundation_v2 was passed over" in capsys.readouterr().err


def test_rollback_never_ends_at_the_version_that_is_left(models):
    """What lies between two times of being served does not verify: going past it leads to the same version again."""
    for version in ("foundation_v1", "foundation_v2", "foundation_v1"):
        registry.promote(models, version, PROMOTE)
    tamper(models / "foundation_v2")
    with pytest.raises(UsageError, match=r"no earlier version to go back to \(foundation_v2 was passed over"):
        registry.rollback(models)
    assert registry.latest(models) == "foundation_v1"


def test_rollback_does_not_trust_another_version_under_an_old_name(models):
    registry.promote(models, "foundation_v1", PROMOTE)
    registry.promote(models, "foundation_v2", PROMOTE)
    (models / "foundation_v1").rename(models.parent / "away")
    sealed(models, "foundation_v1", seed=77)
    with pytest.raises(UsageError, match="another version than the one promoted"):
        registry.rollback(models)
    assert registry.latest(models) == "foundation_v2"


@pytest.mark.parametrize("form", ["foundation_v1", "./foundation_v1/", "{models}/foundation_v1", "hop"])
def test_a_link_made_by_hand_is_adopted_made_relative_and_logged_once(models, form, capsys):
    os.symlink("foundation_v1", models / "hop")
    hand_link(models, form.format(models=models))
    assert registry.latest(models) == "foundation_v1"
    assert log(models) == [("foundation_v1", None, "adopted")]
    assert (models / "latest").readlink() == Path("foundation_v1"), "relative, without a detour"
    assert "adopted" in capsys.readouterr().err
    assert registry.latest(models) == "foundation_v1"
    assert len(registry.history(models)) == 1
    assert capsys.readouterr().err == ""


def test_promotion_logs_a_hand_made_link_first_and_rollback_returns_to_it(models):
    registry.promote(models, "foundation_v1", PROMOTE)
    hand_link(models, "foundation_v2")
    registry.promote(models, "foundation_v3", PROMOTE)
    assert log(models)[1:] == [
        ("foundation_v2", "foundation_v1", "adopted"), ("foundation_v3", "foundation_v2", "gate")
    ]  # fmt: skip
    assert registry.rollback(models).version == "foundation_v2"


def test_a_dangling_link_is_named_and_can_be_rolled_back_or_promoted_over(models):
    registry.promote(models, "foundation_v1", PROMOTE)
    hand_link(models, "foundation_v9")
    with pytest.raises(UsageError, match="points at foundation_v9, which does not exist"):
        registry.latest(models)
    assert registry.rollback(models).version == "foundation_v1"
    hand_link(models, "latest")
    with pytest.raises(UsageError, match="which does not exist"):
        registry.latest(models)
    registry.promote(models, "foundation_v2", PROMOTE)
    assert registry.latest(models) == "foundation_v2"


def test_a_link_out_of_the_folder_or_a_folder_in_its_place_is_an_error_for_all(models, tmp_path):
    stranger = sealed(tmp_path / "elsewhere", "foundation_v1")
    for spoil, reason in [
        (lambda: hand_link(models, stranger), "leads out of"),
        (lambda: ((models / "latest").unlink(), (models / "latest").mkdir()), "is not a symlink"),
    ]:
        spoil()
        for action in (
            lambda: registry.latest(models),
            lambda: registry.promote(models, "foundation_v1", PROMOTE),
            lambda: registry.rollback(models),
            lambda: registry.list_versions(models),
        ):
            with pytest.raises(UsageError, match=reason):
                action()
    assert registry.history(models) == []


def test_a_hand_made_link_to_a_damaged_version_is_refused_but_can_be_left(models, capsys):
    registry.promote(models, "foundation_v1", PROMOTE)
    tamper(models / "foundation_v2")
    hand_link(models, "foundation_v2")
    with pytest.raises(HiveMindError, match=r"by hand, but foundation_v2 is not as it was sealed"):
        registry.latest(models)
    assert registry.rollback(models).version == "foundation_v1"
    assert "by hand, but" in capsys.readouterr().err
    assert registry.latest(models) == "foundation_v1"


def test_a_damaged_history_is_named_and_can_be_started_afresh(models):
    registry.promote(models, "foundation_v1", PROMOTE)
    (models / "registry.json").write_text('{"format": 1, "history": [{}], "pending": null}')
    with pytest.raises(HiveMindError, match="not the registry's history"):
        registry.latest(models)
    (models / "registry.json").unlink()
    assert registry.latest(models) == "foundation_v1"
    assert log(models) == [("foundation_v1", None, "adopted")]


def test_reading_what_is_served_writes_nothing(models):
    registry.promote(models, "foundation_v1", PROMOTE)
    before = {path.name: path.stat().st_mtime_ns for path in models.iterdir()}
    assert registry.latest(models) == "foundation_v1"
    assert {path.name: path.stat().st_mtime_ns for path in models.iterdir()} == before

"""The names that models go by: `latest` and the aliases mean versions, and follow a promotion."""

import pytest

from hive_mind import registry
from hive_mind.serving.served_models import is_own, listed
from tests.registry.versions import PROMOTE, sealed


@pytest.fixture
def models(tmp_path):
    for seed, name in enumerate(("a_v1", "b_v1", "c_v1")):
        sealed(tmp_path / "models", name, seed)
    return tmp_path / "models"


def meant(models):
    return {row["id"]: row["hive_mind"]["version"] for row in listed(models)}


def test_before_a_promotion_there_are_the_base_and_the_versions(models):
    assert [row["id"] for row in listed(models)] == ["base", "a_v1", "b_v1", "c_v1"]
    assert listed(models / "none") == [row for row in listed(models) if row["id"] == "base"]


def test_names_follow_a_promotion(models):
    registry.promote(models, "a_v1", PROMOTE)
    assert meant(models)["latest"] == "a_v1"
    registry.promote(models, "b_v1", PROMOTE)
    registry.nominate(models, "c_v1")
    rows = listed(models)
    assert rows[0]["id"] == "latest"
    assert meant(models) | {"base": None} == {
        "latest": "b_v1", "base": None, "champion": "b_v1", "previous": "a_v1", "candidate": "c_v1",
        "a_v1": "a_v1", "b_v1": "b_v1", "c_v1": "c_v1",
    }  # fmt: skip
    assert all(row["object"] == "model" and row["owned_by"] == "hive-mind" for row in rows)
    assert all(row["created"] > 1_700_000_000 for row in rows if row["id"] != "base")


def test_a_damaged_version_is_not_offered(models):
    (models / "b_v1" / "manifest.json").write_text("{")
    assert [row["id"] for row in listed(models)] == ["base", "a_v1", "c_v1"]


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("latest", True), ("base", True), ("champion", True), ("previous", True), ("candidate", True), ("a_v1", True),
        ("a_v2", False), ("gpt-4o", False), ("org/model", False), ("../a_v1", False), ("", False), (".", False),
    ],
)  # fmt: skip
def test_which_names_are_ours(models, name, own):
    assert is_own(models, name) is own

"""What was to be forgotten and is served all the same: when a night trains without it, and what may take its place."""

import pytest

from hive_mind import registry
from hive_mind.curation.forgotten import mark_forgotten
from hive_mind.errors import UsageError
from hive_mind.files import write_json, write_jsonl
from hive_mind.gate import Check, Verdict
from hive_mind.learning import days
from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.forgetting import may_replace, replace, standing
from hive_mind.learning.settings import LearningSettings
from hive_mind.learning.status import status
from hive_mind.usage import teach
from tests.learning.world import START
from tests.registry.versions import BASE, adapter


class Models:
    """Versions of random weights, each with the index of a dataset; no model is asked here."""

    def __init__(self, folder):
        self.folder = folder
        data = folder / "data"
        write_jsonl(data / "replay.jsonl", [])
        self.settings = LearningSettings.model_validate(
            {
                "models_dir": folder / "models", "dir": data / "learning", "foundation": "foundation_v1",
                "foundation_data": data / "replay.jsonl",
                "usage": {"url": str(data / "usage.sqlite"), "spool": data / "spool", "exports": data / "automated"},
            }
        )  # fmt: skip

    def make(self, name, learnt, parent=None):
        """Make a version that has learnt these interactions."""
        folder, dataset = adapter(self.settings.models_dir / name), self.folder / "data" / name / "train.jsonl"
        rows = [{"id": str(place), "records": [teach.row_id(id)]} for place, id in enumerate(learnt)]
        write_jsonl(dataset.with_name("train.index.jsonl"), rows)
        registry.seal(
            folder, base=BASE, dataset={"path": str(dataset), "digest": "d" * 64, "examples": len(rows)}, parent=parent
        )

    def serve(self, name):
        registry.promote(self.settings.models_dir, name, force=True, note="test", by="hand")

    def forget(self, *ids):
        for folder in (self.folder / "data").glob("*_v*"):
            mark_forgotten(folder, {teach.row_id(id) for id in ids})

    def attempt(self, day, decision, champion, forgotten):
        """Note an attempt that came to a verdict."""
        made = days.open_day(self.settings.dir, START.replace(day=day))
        steps = {"plan": {"champion": champion, "forgotten": forgotten}, "judge": {}, "end": {"decision": decision}}
        made.record |= {"attempt": True, "steps": {name: {"result": result} for name, result in steps.items()}}
        made.record["outcome"] = {}
        made.save()
        write_json(made.folder / days.COLLECTED_FILE, {"ids": [], "calls": {}})


@pytest.fixture
def models(tmp_path):
    models = Models(tmp_path)
    models.make("foundation_v1", ["old"])
    models.make("daily_v1", ["a", "b"], "foundation_v1")
    models.make("daily_v2", ["c"], "daily_v1")
    models.serve("foundation_v1")
    models.serve("daily_v2")
    return models


def test_what_a_version_goes_on_from_counts(models):
    assert standing(models.settings).due == 0 and standing(models.settings).said() == []
    models.forget("a", "c")
    found = standing(models.settings)
    assert set(found.ids) == {"a", "c"} and found.due == 2
    (said,) = found.said()
    assert said.startswith("daily_v2 is served and holds 2 forgotten interactions: the next `hive-mind learn run`")


def test_what_the_foundation_has_learnt_no_night_can_be_rid_of(models):
    models.forget("old")
    found = standing(models.settings)
    assert (found.due, found.ids, found.rooted) == (0, (), ("old",))
    assert "train the foundation again" in found.said()[0]
    outcome = run_cycle(models.settings, START)
    assert outcome.decision == "declined", "it is no reason to train every night"
    assert found.said()[0] in outcome.report.read_text()
    models.serve("foundation_v1")
    assert "train the foundation again" in standing(models.settings).said()[0], "nor is it forgotten where it is served"


@pytest.mark.parametrize("decision", ["held", "rejected"])
def test_what_was_tried_in_vain_is_not_tried_every_night(models, decision):
    models.forget("a")
    models.attempt(2, decision, "daily_v2", ["a"])
    assert (standing(models.settings).tried, standing(models.settings).due) == ("2026-02-02", 0)
    outcome = run_cycle(models.settings, START.replace(day=3))
    assert outcome.decision == "declined"
    said = "2026-02-02 trained without them and its candidate was not promoted"
    assert said in outcome.report.read_text()
    shown = status(models.settings, START.replace(day=4), models.folder)
    assert said in shown["to_forget"][0] and not shown["queue"]["enough"]
    models.forget("b")
    assert standing(models.settings).due == 2, "there is more to forget"
    assert status(models.settings, START.replace(day=4), models.folder)["queue"]["enough"], (
        "status says what the next night will do"
    )


def test_an_attempt_counts_for_what_it_was_to_replace(models):
    models.forget("a")
    models.attempt(2, "held", "daily_v1", ["a"])
    assert standing(models.settings).due == 1, "another version is served by now"
    models.attempt(3, "promoted", "daily_v2", ["a"])
    assert standing(models.settings).due == 1, "it was promoted and taken back"
    failed = days.open_day(models.settings.dir, START.replace(day=4))
    failed.record |= {"attempt": True, "steps": {"end": {"result": {"decision": "failed"}}}, "outcome": {}}
    failed.save()
    assert standing(models.settings).due == 1, "one that failed has shown nothing"


def verdict(*checks, candidate="daily_v3", champion="daily_v2"):
    made = [Check(name, outcome, reason, {}) for name, outcome, reason in checks]
    reasons = tuple(check.reason for check in made if check.outcome == "hold")
    return Verdict("hold", candidate, champion, False, reasons, tuple(made), {}, {}, "2026-02-02T02:00:00Z")


EQUAL = ("primary", "hold", "no clear difference: 20 against 21 of 24 primary tasks right")


@pytest.mark.parametrize(
    ("checks", "may"),
    [
        ([EQUAL, ("no_tool", "pass", "fine"), ("usage/weather", "shown", "as it is")], True),
        ([EQUAL, ("no_tool", "reject", "fallen")], False),
        ([EQUAL, ("speed", "hold", "five times as long")], False),
        ([("primary", "hold", "only 3 primary tasks could be compared, 200 are needed")], False),
        ([("primary", "reject", "worse: 3 against 21 of 24")], False),
    ],
)
def test_what_may_replace_a_model_that_must_go(checks, may):
    assert may_replace(verdict(*checks)) is may


def test_a_replacement_is_recorded_as_what_it_is(models):
    models.make("daily_v3", ["b"], "foundation_v1")
    plan = {"version": "daily_v3", "champion": "daily_v2", "forgotten": ["a", "c"]}
    with pytest.raises(UsageError, match=r"compared with daily_v2, but daily_v1 is served now"):
        replace(models.settings.models_dir, plan, verdict(EQUAL), "daily_v1")
    replace(models.settings.models_dir, plan, verdict(EQUAL), "daily_v2")
    promotion = registry.history(models.settings.models_dir)[-1]
    assert (promotion.version, promotion.previous, promotion.by) == ("daily_v3", "daily_v2", "learning")
    assert promotion.reason == f"2 forgotten interactions are no longer in what is served; {EQUAL[2]}"
    override = [entry for entry in registry.audit.read(models.settings.models_dir) if entry["event"] == "override"][-1]
    assert (override["verdict"], override["version"]) == ("hold", "daily_v3")

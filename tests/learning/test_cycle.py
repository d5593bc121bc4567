"""Whole cycles on a small base: what is promoted, what is declined, what is counted, and what is never learnt."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hive_mind import registry
from hive_mind.errors import UsageError
from hive_mind.files import read_json, read_jsonl, sha256_file
from hive_mind.learning import days
from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.foundation import last_foundation
from hive_mind.learning.judging import MEASURED_FILE
from hive_mind.learning.pool import group_of
from hive_mind.learning.provenance import PREFIX, forgotten_in, records_of, versions_with
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import TrainingSettings, TrainRequest, train
from hive_mind.usage.forgetting import forget
from hive_mind.usage.store import opened
from tests.learning.world import START, TRAINING, WEATHER


def dataset_of(world, day="2026-02-02"):
    return world.folder / "data" / "learning" / day / "dataset" / "training_dataset_foundation_final.jsonl"


def no_training(monkeypatch):
    def fail(request):
        raise AssertionError(f"{request.output} was trained")

    monkeypatch.setattr("hive_mind.training.train", fail)


def test_a_month_begins(world, monkeypatch):
    """One story, for training is what takes time: promoted, declined, replaced for what was forgotten, gone on with."""
    ids = world.use(24)
    settings = world.settings()
    outcome = run_cycle(settings, START, "hive-mind learn run test")
    assert (outcome.decision, outcome.candidate, outcome.champion) == ("promoted", "daily_v1", "foundation_v1"), outcome
    assert registry.latest(world.models) == "daily_v1"
    assert registry.load_manifest(world.models / "daily_v1").parent == "foundation_v1"
    assert outcome.report.is_file() and outcome.report.with_name("chart.png").read_bytes()[:4] == b"\x89PNG"
    the_split_is_kept(world, ids)
    every_interaction_is_accounted_for(world, outcome)

    with monkeypatch.context() as patch:
        no_training(patch)
        again = run_cycle(settings, START + timedelta(hours=3))
        assert (again.day, again.decision) == (outcome.day, "promoted"), "a day has one attempt"
        tomorrow = run_cycle(settings, START + timedelta(days=1))
        assert (tomorrow.decision, tomorrow.attempt, tomorrow.new) == ("declined", False, 0)
    assert [line["decision"] for line in days.history(settings.dir)] == ["promoted", "declined"]

    what_is_forgotten_goes(world)

    later = world.use(12, day=3)
    going_on = world.settings(mode="continue", training={"max_steps": 3})
    fourth = run_cycle(going_on, START + timedelta(days=3))
    assert fourth.attempt and registry.load_manifest(world.models / "daily_v3").parent == "daily_v2"
    learnt = records_of(world.models, "daily_v3")
    assert learnt["daily_v3"] and set(learnt["daily_v3"]) <= set(later), "only what is new, and the replay"
    the_day_is_made_again_bit_for_bit(world, going_on, fourth.day, "daily_v3")
    checks = read_json(fourth.report.with_name("cycle.json"))["steps"]["judge"]["result"]["checks"]
    assert "no_tool since foundation_v1" in [check["name"] for check in checks], "it is held to the foundation too"


def what_is_forgotten_goes(world):
    """What was learnt and what was asked: a candidate that is no better takes the place of the model that has to go."""
    gone = records_of(world.models, "daily_v1")["daily_v1"][0]
    first = world.settings().dir / "2026-02-02"
    asked = next(row["id"] for _, row in read_jsonl(first / "suite.jsonl")).removeprefix(PREFIX)
    replies = [world.models / "reports" / "measurements" / name for name in read_json(first / MEASURED_FILE)]
    assert len(replies) == 4 and all(file.is_file() for file in replies), "two models, decoded plainly and as served"
    with opened(world.settings().usage) as store:
        found = forget(store, [gone, asked], data_dir=world.folder / "data", models_dir=world.models)
    assert found.models == versions_with(world.models, gone) == ["daily_v1"]
    assert forgotten_in(world.models, "daily_v1") == [gone]

    settings = world.settings(mode="continue", gate={"min_guard": 1000})
    outcome = run_cycle(settings, START + timedelta(days=2))
    assert (outcome.decision, outcome.candidate, outcome.new) == ("promoted", "daily_v2", 0), outcome
    assert outcome.reason.startswith("1 forgotten interactions are no longer in what is served; no clear difference")
    assert registry.load_manifest(world.models / "daily_v2").parent == "foundation_v1", (
        "begun anew, for what is served has learnt it"
    )
    promotion = registry.history(world.models)[-1]
    assert (promotion.version, promotion.previous, promotion.by) == ("daily_v2", "daily_v1", "learning")
    assert promotion.reason == outcome.reason
    judged = read_json(outcome.report.with_name("cycle.json"))["steps"]["judge"]["result"]
    assert judged["decision"] == "hold", "the gate's verdict stays what it was"
    assert gone not in records_of(world.models, "daily_v2")["daily_v2"] and forgotten_in(world.models, "daily_v2") == []
    assert not dataset_of(world).is_file(), "the rows of a dataset that holds what was forgotten are gone"
    assert gone in records_of(world.models, "daily_v1")["daily_v1"], "its index still tells what was in it"
    assert not any(file.exists() for file in replies), "what was replied to a suite that asked it is gone"
    for file in world.settings().dir.glob("*/suite.jsonl"):
        assert asked not in file.read_text()
    assert [file.parent.name for file in world.settings().dir.glob("*/collected.json")] == [outcome.day]


def the_split_is_kept(world, ids):
    """No session stands both in the suite and in the dataset."""
    asked = {row["session"] for _, row in read_jsonl(world.folder / "data/learning/2026-02-02/suite.index.jsonl")}
    learnt = records_of(world.models, "daily_v1")["daily_v1"]
    with opened(world.settings().usage) as store:
        groups = {group_of(store.get(id)) for id in learnt}
    assert asked and groups and not asked & groups
    assert set(learnt) <= set(ids)


def every_interaction_is_accounted_for(world, outcome):
    steps = read_json(outcome.report.with_name("cycle.json"))["steps"]
    collected, suite, chosen = (steps[name]["result"] for name in ("collect", "suite", "choose"))
    assert collected["states"] == {"approved": 24 * 4}
    assert collected["to_learn"] + collected["held_out"] + sum(collected["left_out"].values()) == 24 * 4
    assert suite["items"] + sum(suite["left_out"].values()) == collected["held_out"]
    quarantined = sum(map(len, chosen["quarantined"].values()))
    assert chosen["rows"] + sum(chosen["left_out"].values()) + quarantined == collected["to_learn"]
    usage = steps["dataset"]["result"]["parts"]["usage"]
    gone = sum(usage[reason] for reason in ("rejected", "duplicates", "near_duplicates", "contaminated"))
    assert usage["read"] == chosen["rows"] == usage["train"] - usage["negatives"] + gone
    assert len(records_of(world.models, "daily_v1")["daily_v1"]) == usage["train"] - usage["negatives"]


def the_day_is_made_again_bit_for_bit(world, settings, day, version):
    """What the day's record names is all that its version comes from."""
    steps = read_json(settings.dir / day / "cycle.json")["steps"]
    initial = world.models / steps["plan"]["result"]["initial"]
    request = TrainRequest(
        dataset_of(world, day), world.base, settings.training, world.folder / "again", initial=initial
    )
    made = sha256_file(train(request).folder / WEIGHTS_FILE)
    assert made == sha256_file(world.models / version / WEIGHTS_FILE) == steps["train"]["result"]["weights"]


def test_too_few_to_measure_on_is_told_before_anything_is_trained(world, monkeypatch):
    no_training(monkeypatch)
    world.use(8)
    settings = world.settings(held_out={"min_items": 200})
    outcome = run_cycle(settings, START)
    assert (outcome.decision, outcome.attempt) == ("too few", False)
    assert "of 200, in 5 sessions of 10; nothing was trained" in outcome.reason
    assert not (world.models / "daily_v1").exists()
    again = run_cycle(settings, START + timedelta(days=1))
    assert again.new == outcome.new == 32, "the day's data stays in the pool"


def test_an_attempt_that_fails_is_counted_and_not_repeated_that_day(world):
    world.use(24)
    settings = world.settings(training={"learning_rate": 1e-30, "max_steps": 1})
    outcome = run_cycle(settings, START)
    assert (outcome.decision, outcome.attempt) == ("failed", True) and "did not move in training" in outcome.reason
    assert run_cycle(world.settings(), START + timedelta(hours=1)).decision == "failed"
    tomorrow = run_cycle(world.settings(trigger={"min_new": 1000}), START + timedelta(days=1))
    assert (tomorrow.decision, tomorrow.new) == ("declined", 24 * 4), "its data is as new as before"
    assert registry.latest(world.models) == "foundation_v1"
    assert [line["attempt"] for line in days.history(settings.dir)] == [True, False]


def fails(monkeypatch, error):
    def fail(request):
        raise error

    monkeypatch.setattr("hive_mind.training.train", fail)


@pytest.mark.parametrize("error", [RuntimeError("HIP error: out of memory"), OSError(28, "No space left on device")])
def test_a_driver_or_disk_that_gives_up_is_a_failed_attempt_with_its_trace(world, monkeypatch, error):
    world.use(24)
    fails(monkeypatch, error)
    outcome = run_cycle(world.settings(), START)
    assert (outcome.decision, outcome.attempt) == ("failed", True)
    assert outcome.reason == f"{type(error).__name__}: {error}"
    assert "in fail" in outcome.report.with_name("error.txt").read_text()


def test_what_a_person_stopped_is_no_start(world, monkeypatch):
    world.use(24)
    fails(monkeypatch, KeyboardInterrupt())
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            run_cycle(world.settings(), START)
    [day] = days.unfinished(world.settings().dir)
    assert day.record["starts"] == 0


def test_a_tool_of_one_session_waits_from_attempt_to_attempt(world, monkeypatch):
    world.use(24, tool=WEATHER)
    rare = world.use(1, day=-2)
    fails(monkeypatch, RuntimeError("no training here"))
    for day in range(3):
        world.use(8, day=day + 1, tool=WEATHER)
        assert run_cycle(world.settings(), START + timedelta(days=day + 1)).attempt
        with opened(world.settings().usage) as store:
            assert {(store.get(id).state, store.get(id).decided_by) for id in rare} == {("quarantined", "learning")}
    with opened(world.settings().usage) as store:
        store.feedback(rare[0], "down")
    world.use(3, day=4)
    run_cycle(world.settings(), START + timedelta(days=4))
    with opened(world.settings().usage) as store:
        assert [store.get(id).state for id in rare] == ["rejected", "approved", "approved", "approved"]


def test_a_word_that_came_up_is_probed_until_something_is_served_that_was_made_with_it(world, monkeypatch):
    """A candidate that a probe rejects leaves its rows in the pool, and the next one learns them too."""
    found = []

    def judge(cycle):
        found.append(cycle._words())
        return {"decision": "hold", "reasons": [], "checks": [], "scores": {}}

    monkeypatch.setattr("hive_mind.learning.cycle._Cycle._train", lambda cycle: {"weights": ""})
    monkeypatch.setattr("hive_mind.learning.cycle._Cycle._judge", judge)
    monkeypatch.setattr("hive_mind.learning.cycle._Cycle._promote", lambda cycle: {"decision": "held", "reason": "so"})
    for day in range(2):
        world.use(24, day=day)
        assert run_cycle(world.settings(), START + timedelta(days=day)).decision == "held"
    assert "traffic" in found[0] and "traffic" in found[1], "no foundation's row says it"
    assert "weather" not in found[0], "the foundation's rows do"
    chosen = world.settings().dir / "2026-02-02" / "chosen.json"
    assert not any("question" in line.lower() for line in chosen.read_text().splitlines()), "nothing that was said"


def test_the_foundation_is_where_what_is_served_began(world):
    """Another foundation that was promoted and rolled back since is none."""
    settings = world.settings()
    assert last_foundation(settings) == "foundation_v1"
    rows = Path(registry.load_manifest(world.models / "foundation_v1").dataset["path"])
    short = TrainingSettings(**{**TRAINING, "max_steps": 1})
    train(TrainRequest(rows, world.base, short, world.models / "foundation_v2"))
    registry.promote(world.models, "foundation_v2", force=True, note="worse, as will show", by="hand")
    assert last_foundation(settings) == "foundation_v2"
    registry.rollback(world.models)
    assert last_foundation(settings) == "foundation_v1"


def test_without_a_foundation_nothing_is_begun(world):
    world.use(24)
    (world.models / "latest").unlink()
    with pytest.raises(UsageError, match=r"nothing was promoted .* make one"):
        run_cycle(world.settings(foundation="foundation_v1"), START)
    [line] = days.history(world.settings().dir)
    assert (line["decision"], line["attempt"], line["new"]) == ("failed", False, 0)


def test_two_cycles_never_run_at_once(world):
    with days.only_one(world.settings().dir), pytest.raises(UsageError, match=r"a cycle is running .* already"):
        run_cycle(world.settings(), START)


def test_the_split_cannot_be_changed_later(world):
    run_cycle(world.settings(), START)
    with pytest.raises(UsageError, match=r"share=0.45 and seed=42 .* would ask what was learnt"):
        run_cycle(world.settings(held_out={"share": 0.5}), START)


def test_a_declined_day_may_be_looked_at_again(world):
    settings = world.settings()
    assert run_cycle(settings, START).decision == "declined"
    world.use(4)
    assert run_cycle(settings, START + timedelta(hours=1)).new == 16
    assert [(line["day"], line["run"]) for line in days.history(settings.dir)] == [("2026-02-02", 1), ("2026-02-02", 2)]


def test_half_a_line_of_the_history_is_none(tmp_path):
    line = {"day": "2026-02-02", "run": 1}
    days.add_to_history(tmp_path, line)
    with open(tmp_path / days.HISTORY_FILE, "a") as file:
        file.write(json.dumps({"day": "2026-02-03"})[:9])
    assert days.history(tmp_path) == [line]
    days.add_to_history(tmp_path, line)
    days.add_to_history(tmp_path, {"day": "2026-02-03", "run": 1})
    assert [each["day"] for each in days.history(tmp_path)] == ["2026-02-02", "2026-02-03"]


def test_settings_of_a_day(world):
    gate = world.settings(monthly_alpha=0.06, canary=str(world.folder / "canary.jsonl")).days_gate()
    assert gate.alpha == pytest.approx(0.002) and gate.primary == ["usage/*"] and gate.min_primary == 20
    assert gate.must_pass == ["held_out/canary/*"]
    assert replace(days.Day(world.folder, {"day": "2026-02-02", "outcome": None})).finished is False

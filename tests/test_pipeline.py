"""The whole job on a base of a few thousand parameters: what runs once, what runs again, what is promoted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hive_mind import registry, training
from hive_mind.cli.outcome import print_outcome
from hive_mind.config import load
from hive_mind.errors import NotPromoted, UsageError
from hive_mind.gate import judgement
from hive_mind.pipeline import RunOutcome, RunSettings, run
from tests.raw_rows import write_raw_folder
from tests.registry.versions import tamper
from tests.small_base import write_base

OVERRIDES = [
    "name=test_foundation", "data.dir=data", "data.raw_dir=raw", "model.base=base", "models_dir=models",
    "training.max_steps=2", "training.learning_rate=1e-3", "training.max_length=4096", "training.device=cpu",
    "training.supervise=false",
    "baseline.epochs=1", "evaluation.limit=3", "evaluation.max_new_tokens=3", "evaluation.device=cpu",
]  # fmt: skip


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small base and raw rows of every source."""
    monkeypatch.chdir(tmp_path)
    write_base(tmp_path / "base", max_position_embeddings=4096)
    write_raw_folder(tmp_path / "raw", code=60, glaive=120, shell=60, xlam=60, usage=40)
    return tmp_path


def go(*overrides: str) -> RunOutcome:
    return run(load(RunSettings, None, [*OVERRIDES, *overrides]), command="hive-mind run test")


def refuse_to_train(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: training.TrainRequest) -> training.TrainResult:
        raise AssertionError(f"{request.output} was trained again")

    monkeypatch.setattr(training, "train", fail)


def test_a_run_leaves_every_record_and_a_second_run_finds_them(workplace, monkeypatch, capsys):
    outcome = go()
    assert outcome.version == "test_foundation_v1"
    assert [model.role for model in outcome.evaluation.models] == ["base", "baseline", "candidate"]
    assert [model.name for model in outcome.evaluation.models][1] == "test_baseline_v1"
    assert (workplace / "models" / "test_baseline_v1" / "manifest.json").is_file()
    reports = workplace / "models" / "reports" / "test_foundation_v1"
    left = {file.name for file in reports.iterdir()}
    assert left >= {"evaluation.json", "verdict.json", "FOUNDATION_MODEL_TRAINING.md", "loss.png", "plan.json"}
    # a model of random weights writes no tool call, so there is nothing to promote it for
    assert not outcome.verdict.promoted
    assert registry.latest(workplace / "models") is None

    refuse_to_train(monkeypatch)
    again = go()
    assert (again.version, again.verdict, again.evaluation) == (outcome.version, outcome.verdict, outcome.evaluation)
    print_outcome(again, json_output=True)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["version"], last["promoted"]) == ("test_foundation_v1", False)


def test_the_baseline_is_the_first_21_usage_rows_in_time_order(workplace):
    go()
    rows = [json.loads(line) for line in (workplace / "data" / "baseline.jsonl").read_text().splitlines()]
    usage = (workplace / "data" / "training_dataset_foundation_final.jsonl").read_text().splitlines()
    times = sorted(row["timestamp"] for row in map(json.loads, usage) if row["metadata"]["source"] == "usage")
    assert [row["timestamp"] for row in rows] == times[:21]
    record = json.loads((workplace / "models" / "test_baseline_v1" / "run.json").read_text())
    assert record["dataset"]["examples"] == 21


def test_a_changed_recipe_is_a_new_version(workplace):
    go("baseline.rows=0")
    assert go("baseline.rows=0", "training.seed=7").version == "test_foundation_v2"
    assert go("baseline.rows=0").version == "test_foundation_v1"


def test_stopped_between_training_and_evaluation_it_goes_on_there(workplace, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("hive_mind.evaluation.evaluate", lambda request: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            go("baseline.rows=0")
    refuse_to_train(monkeypatch)
    assert go("baseline.rows=0").version == "test_foundation_v1"


def promote_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = judgement.decide

    def decide(*arguments):
        return dataclasses.replace(honest(*arguments), decision="promote")

    monkeypatch.setattr(judgement, "decide", decide)


def test_what_the_gate_promotes_is_served_and_a_rollback_by_hand_stays(workplace, monkeypatch):
    promote_everything(monkeypatch)
    models = workplace / "models"
    first = go("baseline.rows=0")
    assert registry.latest(models) == first.version
    second = go("baseline.rows=0", "training.seed=7")
    assert registry.latest(models) == second.version
    assert second.verdict.champion == first.version
    registry.rollback(models)
    assert go("baseline.rows=0", "training.seed=7").version == second.version
    assert registry.latest(models) == first.version


def test_what_is_refused_before_it_is_scored_is_not_promoted_and_says_why(workplace, monkeypatch):
    honest = training.train

    def train_and_tamper(request):
        honest(request)
        tamper(request.output)

    monkeypatch.setattr(training, "train", train_and_tamper)
    with pytest.raises(NotPromoted, match="rejected before it was scored: test_foundation_v1 is not as it was sealed"):
        go("baseline.rows=0")
    verdict = json.loads((workplace / "models" / "reports" / "test_foundation_v1" / "verdict.json").read_text())
    assert verdict["decision"] == "reject"


def test_a_sealed_file_that_is_not_there_is_noticed_before_training(workplace, monkeypatch):
    refuse_to_train(monkeypatch)
    with pytest.raises(UsageError, match=r"gate.sealed: gone.jsonl does not exist"):
        go("gate.sealed=gone.jsonl")


def test_a_champion_on_another_base_is_compared_on_the_same_questions(workplace, monkeypatch):
    promote_everything(monkeypatch)
    go("baseline.rows=0")
    write_base(workplace / "other", max_position_embeddings=4096, num_hidden_layers=3)
    # the champion's base must be found again: here it is at hand as the packaged one would be
    monkeypatch.setattr("hive_mind.inference.load.TINY_FOLDER", workplace / "base")
    monkeypatch.setattr("hive_mind.model.base.TINY_FOLDER", workplace / "base")
    outcome = go("baseline.rows=0", "model.base=other")
    assert outcome.verdict.new_base
    assert outcome.verdict.champion == "test_foundation_v1"
    assert [check.name for check in outcome.verdict.checks].count("new base") == 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.raw_dir=absent", "absent"),
        ("model.base=empty", "config.json"),
        ("model.base=nowhere", "neither a folder nor a model's name"),
        ("data.sources.codealpaca.cap=1", "there is no source"),
        ("training.epoch=1", "did you mean training.epochs"),
        ("evaluation.held_out.mine=absent.jsonl", "absent"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_no_version(workplace, override, message):
    (workplace / "empty").mkdir()
    with pytest.raises(UsageError, match=message) as raised:
        go(override)
    assert raised.value.exit_code == 2
    assert "\n" not in str(raised.value)
    assert not list(workplace.glob("models/*_v*/manifest.json"))


def test_a_base_without_weights_is_refused_before_anything_is_written(workplace):
    (workplace / "base" / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="no weights"):
        go()
    assert not (workplace / "models").exists()
    assert not (workplace / "data").exists()

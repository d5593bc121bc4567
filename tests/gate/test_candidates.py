"""Made candidates, files with real adapters, before the gate: what each comes to and what is written down."""

import math
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from hive_mind import registry
from hive_mind.conversation import Conversation, Message
from hive_mind.errors import UsageError
from hive_mind.evaluation import EvaluationSettings
from hive_mind.files import write_jsonl
from hive_mind.gate import VERDICT_FILE, Check, Verdict
from hive_mind.inference.load import UnusableVersion
from hive_mind.model import lora
from tests.gate.conftest import GATE, PLACES, SETTINGS, calls, others
from tests.tiny_models import write_base


def check(verdict, name):
    return next(check for check in verdict.checks if check.name == name)


def written(world, name):
    """The verdict as it lies on the disk and as the audit log has it."""
    verdict = Verdict.load(world.models / "reports" / name / VERDICT_FILE)
    entries = [entry for entry in registry.audit.read(world.models) if entry["event"] == "verdict"]
    assert {key: entries[-1][key] for key in verdict.to_dict()} == verdict.to_dict()
    return verdict


def shaken(model):
    """An adapter of random numbers."""
    torch.manual_seed(5)
    for name, parameter in lora.lora_parameters(model).items():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)


def test_better_promoted_then_the_same_held_worse_rejected_and_calls_alone_rejected(world):
    world.better()
    verdict = world.judge("better_v1").verdict
    assert verdict == written(world, "better_v1")
    assert (verdict.decision, verdict.champion) == ("promote", None)
    assert check(verdict, "primary").figures["wins"] >= 7
    assert [check(verdict, name).outcome for name in ("redaction", "decontamination", "size")] == ["pass"] * 3
    assert registry.aliases(world.models) == {"candidate": "better_v1"}
    registry.promote(world.models, "better_v1", verdict.to_dict())

    shutil.copytree(world.models / "better_v1", world.models / "twin_v1")
    (world.models / "twin_v1" / "manifest.json").unlink()
    world.seal(world.models / "twin_v1")
    verdict = world.judge("twin_v1", "better_v1").verdict
    assert verdict.decision == "hold"
    assert check(verdict, "primary").figures["p_better"] == 1
    assert registry.aliases(world.models)["candidate"] == "twin_v1"

    world.trained("calls_v1", calls() + calls(request="Tell me about {}"))
    verdict = world.judge("calls_v1", "better_v1").verdict
    assert verdict.decision == "reject"
    assert check(verdict, "no_tool").outcome == "reject"
    assert check(verdict, "primary").outcome != "reject", "its calls are as good as the champion's"

    world.version("worse_v1", shaken)
    verdict = world.judge("worse_v1", "better_v1").verdict
    assert verdict.decision == "reject"
    assert check(verdict, "primary").outcome == "reject"
    with pytest.raises(UsageError, match="verdict on worse_v1 is 'reject'"):
        registry.promote(world.models, "worse_v1", written(world, "worse_v1").to_dict())


class TestBeforeAnythingIsScored:
    def refused(self, world, name, said, **how):
        judgement = world.judge(name, **how)
        assert judgement.evaluation is None
        assert not (world.models / "reports" / "measurements").exists(), "something was scored"
        verdict = written(world, name)
        assert (verdict.decision, [each.name for each in verdict.checks]) == ("reject", ["integrity"])
        assert said in verdict.reasons[0]
        assert registry.aliases(world.models) == {}

    @pytest.mark.parametrize("number", [math.nan, math.inf])
    def test_numbers_that_are_not_finite(self, world, number):
        folder = world.version("nan_v1", shaken)
        tensors = load_file(folder / "adapter_model.safetensors")
        tensors[max(tensors)][0, 0] = number
        save_file(tensors, folder / "adapter_model.safetensors")
        (folder / "manifest.json").unlink()
        world.seal(folder)
        self.refused(world, "nan_v1", "not finite")

    def test_a_truncated_file(self, world):
        file = world.version("cut_v1", shaken) / "adapter_model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])
        self.refused(world, "cut_v1", "it was sealed with")

    def test_a_changed_file(self, world):
        file = world.version("changed_v1", shaken) / "adapter_config.json"
        file.write_bytes(file.read_bytes().replace(b'"r": 8', b'"r": 9'))
        self.refused(world, "changed_v1", "changed after sealing")

    def test_a_wrong_base(self, world, tmp_path, tiny_folder):
        other = write_base(tmp_path / "bases" / "other", tiny_folder, seed=3)
        world.version("strange_v1", shaken)
        self.refused(world, "strange_v1", "wrong base: strange_v1 was trained on", base=other)

    def test_an_adapter_without_effect(self, world):
        world.version("idle_v1", lambda model: None)
        self.refused(world, "idle_v1", "changes no logit of its base")

    def test_a_damaged_champion_is_no_reason_against_the_candidate(self, world):
        world.version("good_v1", shaken)
        file = world.version("champion_v1", shaken) / "adapter_model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])
        with pytest.raises(UnusableVersion, match="champion_v1 is not as it was sealed"):
            world.judge("good_v1", "champion_v1")
        assert not (world.models / "reports").exists()


class TestTrainingData:
    def test_rows_that_are_asked(self, world, tmp_path):
        write_jsonl(world.train, (row.to_dict() for row in [calls()[0], *others()[:2]]))
        world.better()
        verdict = world.judge("better_v1").verdict
        found = check(verdict, "decontamination")
        assert (verdict.decision, found.outcome, found.figures["asked"]) == (
            "reject",
            "reject",
            {"its own test split": 3},
        )

    def test_requests_of_a_suite(self, world, tmp_path):
        asked = Conversation.build("code_alpaca", [Message("user", "weather in BERN"), Message("assistant", "Sunny.")])
        write_jsonl(world.train, [asked.to_dict()])
        world.better()
        sealed = tmp_path / "sealed.jsonl"
        write_jsonl(sealed, (row.to_dict() for row in calls()[:6]))
        settings = GATE.model_copy(update={"sealed": sealed})
        verdict = world.judge("better_v1", settings=settings).verdict
        assert check(verdict, "decontamination").figures["asked"] == {"sealed": 1}
        assert "sealed" not in [each.name for each in verdict.checks], "what is rejected anyway is not asked of it"

    def test_requests_of_the_suites_that_the_evaluation_asked(self, world, tmp_path):
        """Of the own test split named as a suite again, conversations count, not requests."""
        asked = Conversation.build("code_alpaca", [Message("user", "weather in BERN"), Message("assistant", "Sunny.")])
        write_jsonl(world.train, [asked.to_dict()])
        world.better()
        own = [Conversation.build("usage", row.messages, row.tools) for row in calls()[:6]]
        for file, counted in ((tmp_path / "usage.jsonl", {"usage": 1}), (world.test, {})):
            write_jsonl(file, (row.to_dict() for row in [*own, *calls(), *others()]))
            how = EvaluationSettings(**SETTINGS.model_dump() | {"suites": {"usage": str(file)}})
            verdict = world.judge("better_v1", how=how).verdict
            assert check(verdict, "decontamination").figures["asked"] == counted
            assert verdict.suites.keys() == {"held_out", "usage", "format"}

    def test_of_a_persons_held_out_sessions_conversations_count_and_not_requests(self, world, tmp_path):
        asked = Conversation.build("usage", [Message("user", "weather in BERN"), Message("assistant", "Sunny.")])
        same = Conversation.build("usage", calls()[5].messages, calls()[5].tools)
        file = tmp_path / "usage.jsonl"
        write_jsonl(file, (Conversation.build("usage", row.messages, row.tools).to_dict() for row in calls()[:6]))
        write_jsonl(world.train, [asked.to_dict(), same.to_dict()])
        world.better()
        how = EvaluationSettings(**SETTINGS.model_dump() | {"suites": {"usage": str(file)}})
        for own, counted in (((), 2), ([file], 1)):
            verdict = world.judge("better_v1", how=how, own=own).verdict
            asked_of = check(verdict, "decontamination").figures["asked"]
            assert sum(asked_of.values()) == counted, (own, asked_of)

    def test_checks_that_the_caller_makes_count(self, world):
        world.better()
        harm = Check("probes", "reject", "it does harm", {})
        verdict = world.judge("better_v1", more=lambda _: [harm]).verdict
        assert (verdict.decision, verdict.reasons) == ("reject", ("it does harm",))
        assert harm in verdict.checks

    def test_secrets_are_counted_and_not_repeated(self, world):
        secret = "ghp_" + "a1B2" * 9
        row = Conversation.build(
            "code_alpaca", [Message("user", f"My token is {secret}"), Message("assistant", "Hush.")]
        )
        write_jsonl(world.train, [row.to_dict()])
        world.better()
        verdict = world.judge("better_v1").verdict
        assert check(verdict, "redaction").outcome == "reject"
        assert "1 of 1 rows" in check(verdict, "redaction").reason
        assert secret not in (world.models / "audit.jsonl").read_text()

    def test_a_file_that_is_gone_or_another_cannot_be_checked(self, world):
        world.better()
        write_jsonl(world.train, [])
        assert (
            "is not what it was trained on any more" in check(world.judge("better_v1").verdict, "training data").reason
        )
        world.train.unlink()
        verdict = world.judge("better_v1").verdict
        assert (verdict.decision, check(verdict, "training data").outcome) == ("hold", "hold")


class TestSealed:
    def settings(self, tmp_path, rows, **changes):
        file = tmp_path / "sealed.jsonl"
        write_jsonl(file, (row.to_dict() for row in rows))
        return GATE.model_copy(update={"sealed": file, **changes})

    def uses(self, world):
        return [entry["version"] for entry in registry.audit.read(world.models) if entry["event"] == "sealed"]

    def test_the_gain_must_show_where_nothing_was_tuned_to_it(self, world, tmp_path):
        world.better()
        settings = self.settings(tmp_path, calls()[:4])  # which the base has right too
        verdict = world.judge("better_v1", settings=settings).verdict
        assert (verdict.decision, check(verdict, "sealed").outcome) == ("hold", "hold")
        assert "the gain does not show" in verdict.reasons[0]
        settings = self.settings(tmp_path, calls()[3:])
        verdict = world.judge("better_v1", settings=settings).verdict
        assert (verdict.decision, check(verdict, "sealed").figures["uses"]) == ("promote", 1)

    def test_every_version_that_is_asked_is_counted_once_and_no_other(self, world, tmp_path):
        settings = self.settings(tmp_path, calls()[3:], sealed_uses=2)
        for number, name in enumerate(("one_v1", "two_v1", "three_v1")):
            world.better(name, 1 + number / 100)
        world.version("worse_v1", shaken)
        assert world.judge("worse_v1", settings=settings).verdict.decision == "reject"
        assert self.uses(world) == []
        assert world.judge("one_v1", settings=settings).verdict.promoted
        assert world.judge("one_v1", settings=settings).verdict.promoted
        assert world.judge("two_v1", settings=settings).verdict.promoted
        assert self.uses(world) == ["one_v1", "two_v1"]
        verdict = world.judge("three_v1", settings=settings).verdict
        assert "as often as gate.sealed_uses allows" in verdict.reasons[0]
        assert self.uses(world) == ["one_v1", "two_v1"]
        assert world.judge("one_v1", settings=settings).verdict.promoted, "what was seen before wears nothing"

    def test_a_file_that_is_asked_every_day_or_is_not_there(self, world, tmp_path):
        world.version("any_v1", shaken)
        with pytest.raises(UsageError, match="so it is not sealed"):
            world.judge("any_v1", settings=GATE.model_copy(update={"sealed": world.test}))
        with pytest.raises(UsageError, match="does not exist"):
            world.judge("any_v1", settings=GATE.model_copy(update={"sealed": tmp_path / "gone.jsonl"}))


def test_pinned_tasks_must_pass_whatever_else_is_better(world):
    world.trained("better_v1", [*calls(PLACES[1:]), *others()])
    settings = GATE.model_copy(update={"must_pass": ["held_out/glaive_tools/*"]})
    verdict = world.judge("better_v1", settings=settings).verdict
    pinned = check(verdict, "must pass")
    assert (check(verdict, "primary").outcome, verdict.decision, pinned.figures["items"]) == ("pass", "reject", 24)
    assert len(pinned.figures["failed"]) >= 1
    passed = [row for row in pinned.figures["failed"] if calls()[0].id in row]
    assert passed, "the place that it was taught to answer in words"

"""The whole evaluation on real files and small models: proofs, losses, scores, pairing, reuse."""

import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from hive_mind.chat.render import render
from hive_mind.conversation import Conversation
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.evaluation import EVALUATION_FILE, Evaluation, EvaluationRequest, EvaluationSettings, evaluate, measure
from hive_mind.evaluation import run as running
from hive_mind.files import read_jsonl, write_jsonl
from hive_mind.inference.load import ModelReference, UnusableVersion, WrongBase
from hive_mind.model.attention import Layout
from hive_mind.model.base import load_model
from hive_mind.training.faults import ALLOCATORS_WORDS
from tests.evaluation.conftest import held_out_rows
from tests.registry.versions import tamper
from tests.tiny_models import CPU, seal_version, write_version

SETTINGS = EvaluationSettings(max_new_tokens=60, dtype="fp32", device="cpu")


def request(models, test_file, tmp_path, **changes):
    made = EvaluationRequest(models, test_file, SETTINGS, tmp_path / "out", tmp_path / "cache")
    return replace(made, **changes)


@pytest.fixture
def adapter(tmp_path, learned_base):
    folder = write_version(tmp_path / "models", "worse_v1", learned_base, size=0.5)
    return ModelReference("worse_v1", learned_base, folder)


def shares(model):
    return {(score.tier, score.kind): (score.correct, score.items) for score in model.scores}


def test_losses_that_run_out_of_memory_are_measured_in_smaller_parts(
    tmp_path, test_file, learned_base, monkeypatch, capsys
):
    models = [ModelReference("base", learned_base)]
    whole = evaluate(request(models, test_file, tmp_path / "whole"))
    right = measure._pack_losses

    def short(loaded, rows):
        if len(rows) > 2:
            raise RuntimeError(ALLOCATORS_WORDS)
        return right(loaded, rows)

    monkeypatch.setattr(measure, "_pack_losses", short)
    halved = evaluate(request(models, test_file, tmp_path / "halved"))
    assert "tokens at once ran out of memory; measuring them in halves" in capsys.readouterr().err
    for ours, theirs in zip(halved.models[0].losses, whole.models[0].losses, strict=True):
        assert (ours.source, ours.tokens) == (theirs.source, theirs.tokens)
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
    monkeypatch.setattr(measure, "_pack_losses", lambda loaded, rows: short(loaded, [*rows, None, None, None]))
    with pytest.raises(HiveMindError, match=r"a conversation of \d+ tokens does not fit in memory"):
        evaluate(request(models, test_file, tmp_path / "none"))


def test_scores_and_losses(tmp_path, test_file, learned_base, adapter):
    base = ModelReference("base", learned_base)
    evaluation = evaluate(request([base, adapter], test_file, tmp_path))
    good, bad = evaluation.models
    assert shares(good) == {
        ("glaive_tools", "call"): (4, 4), ("glaive_tools", "no_tool"): (3, 3), ("code_alpaca", "plain"): (2, 2)
    }  # fmt: skip
    assert shares(bad)[("glaive_tools", "call")] == (0, 4)
    assert (good.loss(), bad.loss()) == (pytest.approx(0, abs=0.03), pytest.approx(bad.loss("glaive_tools"), rel=0.9))
    assert bad.loss() > 2
    assert {loss.source: loss.conversations for loss in good.losses} == {"glaive_tools": 7, "code_alpaca": 2}
    assert all(score.stopped == score.items for score in good.scores)
    assert sum(score.called for score in good.scores) == 4
    assert (good.role, bad.role, good.adapter) == ("base", "version", None)
    assert bad.adapter["logit_change"] > 0.1
    paired = evaluation.paired(bad, good, lambda item: item.kind == "call")
    assert (paired.wins, paired.losses, paired.p_worse) == (0, 4, 1 / 16)


def test_the_loss_is_the_mean_over_labelled_tokens(tmp_path, test_file, random_base, tiny_tokenizer):
    """Against a plain computation, conversation by conversation."""
    evaluation = evaluate(request([ModelReference("base", random_base)], test_file, tmp_path))
    model = load_model(random_base, CPU)
    total, tokens = 0.0, 0
    for _, row in read_jsonl(test_file):
        conversation = Conversation.from_dict(row)
        if conversation.source != "glaive_tools":
            continue
        rendered = render(conversation, tiny_tokenizer)
        ids = torch.tensor(rendered.input_ids)
        with torch.no_grad():
            states = model.hidden(ids, Layout.from_lengths([len(ids)]))
            logs = model.project(states).log_softmax(-1)
        for position in range(1, len(ids)):
            if rendered.labelled[position]:
                total -= logs[position - 1, ids[position]].item()
                tokens += 1
    (loss,) = [loss for loss in evaluation.models[0].losses if loss.source == "glaive_tools"]
    assert (loss.tokens, loss.loss) == (tokens, pytest.approx(total / tokens, rel=1e-4))


def test_format_given_is_asked_of_the_base_alone(tmp_path, test_file, learned_base, adapter):
    base = ModelReference("base", learned_base)
    good, bad = evaluate(request([base, adapter], test_file, tmp_path)).models
    assert bad.format_given is None
    (given,) = good.format_given
    # Learnt by heart, so the given beginning is the very one that it would have written.
    assert (given.kind, given.items, given.correct) == ("call", 4, 4)
    without = SETTINGS.model_copy(update={"format_given": False})
    assert evaluate(request([base], test_file, tmp_path, settings=without)).models[0].format_given is None


def test_a_format_given_makes_a_random_model_call(tmp_path, test_file, random_base):
    (model,) = evaluate(request([ModelReference("base", random_base)], test_file, tmp_path)).models
    (given,) = model.format_given
    assert given.called == given.items == 4
    assert given.correct == 0


class TestRefusals:
    """What is broken is named before anything is scored or written."""

    def check(self, tmp_path, test_file, models, error, said):
        with pytest.raises(error, match=said):
            evaluate(request(models, test_file, tmp_path))
        assert not (tmp_path / "out").exists()
        assert not (tmp_path / "cache").exists()

    def test_an_adapter_that_changes_nothing(self, tmp_path, test_file, random_base):
        folder = write_version(tmp_path / "models", "idle_v1", random_base, size=0)
        models = [ModelReference("base", random_base), ModelReference("idle_v1", random_base, folder)]
        self.check(
            tmp_path, test_file, models, UnusableVersion, "idle_v1 changes no logit of its base on 8 real prompts"
        )

    def test_an_adapter_on_another_base(self, tmp_path, test_file, random_base, learned_base):
        folder = write_version(tmp_path / "models", "a_v1", learned_base)
        models = [ModelReference("base", random_base), ModelReference("a_v1", random_base, folder)]
        self.check(tmp_path, test_file, models, WrongBase, "wrong base: a_v1")

    def test_an_adapter_with_infinite_numbers(self, tmp_path, test_file, random_base):
        folder = write_version(tmp_path / "models", "a_v1", random_base, seal=False)
        tensors = load_file(folder / "adapter_model.safetensors")
        tensors[max(tensors)][0, 0] = math.inf
        save_file(tensors, folder / "adapter_model.safetensors")
        seal_version(folder, random_base)
        self.check(tmp_path, test_file, [ModelReference("a_v1", random_base, folder)], UnusableVersion, "not finite")

    def test_an_adapter_whose_logits_overflow(self, tmp_path, test_file, random_base):
        folder = write_version(tmp_path / "models", "a_v1", random_base, size=1e38)
        self.check(tmp_path, test_file, [ModelReference("a_v1", random_base, folder)], UnusableVersion, "not numbers")

    def test_a_changed_file_even_if_it_was_measured_before(self, tmp_path, test_file, random_base):
        folder = write_version(tmp_path / "models", "a_v1", random_base)
        models = [ModelReference("a_v1", random_base, folder)]
        evaluate(request(models, test_file, tmp_path, output=None))
        tamper(folder)
        with pytest.raises(UnusableVersion, match="a_v1 is not as it was sealed"):
            evaluate(request(models, test_file, tmp_path))

    def test_no_models_twice_the_same_and_empty_files(self, tmp_path, test_file, random_base):
        base = ModelReference("base", random_base)
        for models in ([], [base, base]):
            with pytest.raises(UsageError, match="each once"):
                evaluate(request(models, test_file, tmp_path))
        empty = tmp_path / "empty.jsonl"
        empty.write_text("")
        with pytest.raises(DataRefused, match=r"empty.jsonl hold no conversation"):
            evaluate(request([base], empty, tmp_path))


def test_a_second_evaluation_measures_nothing(tmp_path, test_file, learned_base, adapter, monkeypatch):
    models = [ModelReference("base", learned_base), adapter]
    first = evaluate(request(models, test_file, tmp_path))
    file = tmp_path / "out" / EVALUATION_FILE
    written = file.stat()

    def no_measuring(models, *rest):
        assert not models, f"{[model.name for model in models]} measured again"
        return iter(())

    monkeypatch.setattr(running, "_measure", no_measuring)
    assert evaluate(request(models, test_file, tmp_path)) == first == Evaluation.load(file)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (written.st_mtime_ns, written.st_ino)
    # The same weights under another name, elsewhere, are the same model.
    renamed = [ModelReference("again", learned_base)]
    assert evaluate(request(renamed, test_file, tmp_path, output=None)).models[0].scores == first.models[0].scores


def test_what_changes_a_result_is_measured_anew(tmp_path, test_file, random_base):
    models = [ModelReference("base", random_base)]
    evaluate(request(models, test_file, tmp_path))
    shorter = SETTINGS.model_copy(update={"max_new_tokens": 5})
    evaluate(request(models, test_file, tmp_path, settings=shorter))
    fewer = SETTINGS.model_copy(update={"limit": 3})
    evaluate(request(models, test_file, tmp_path, settings=fewer))
    assert len(list((tmp_path / "cache").glob("*.json"))) == 3
    roomier = SETTINGS.model_copy(update={"batch_tokens": 999})
    evaluate(request(models, test_file, tmp_path, settings=roomier))
    assert len(list((tmp_path / "cache").glob("*.json"))) == 3


def test_an_interrupted_evaluation_goes_on_with_the_next_model(tmp_path, test_file, learned_base, adapter, monkeypatch):
    models = [ModelReference("base", learned_base), adapter]
    whole = running._measure
    measured = []

    def stopped_after_one(*arguments):
        yield next(whole(*arguments))
        raise KeyboardInterrupt

    def counted(missing, *rest):
        measured.extend(missing)
        return whole(missing, *rest)

    monkeypatch.setattr(running, "_measure", stopped_after_one)
    with pytest.raises(KeyboardInterrupt):
        evaluate(request(models, test_file, tmp_path))
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(running, "_measure", counted)
    assert len(evaluate(request(models, test_file, tmp_path)).models) == 2
    assert len(measured) == 1


def test_two_bases_answer_the_same_questions(tmp_path, test_file, learned_base, random_base, adapter):
    other = write_version(tmp_path / "models", "other_v1", random_base)
    models = [ModelReference("base", learned_base), ModelReference("other_v1", random_base, other), adapter]
    evaluation = evaluate(request(models, test_file, tmp_path))
    assert [model.name for model in evaluation.models] == ["base", "other_v1", "worse_v1"]
    assert [model.base["id"] for model in evaluation.models] == ["test/learned", "test/random", "test/learned"]
    assert shares(evaluation.models[0])[("glaive_tools", "call")] == (4, 4)
    assert evaluation.models[1].outcomes.correct != evaluation.models[0].outcomes.correct


def test_what_is_too_long_is_left_out_for_all_and_counted(tmp_path, test_file, random_base, capsys):
    models = [ModelReference("base", random_base)]
    settings = SETTINGS.model_copy(update={"max_tokens": 100})
    evaluation = evaluate(request(models, test_file, tmp_path, settings=settings))
    assert evaluation.left_out == {"items": 7, "conversations": 7}
    assert [item.kind for item in evaluation.items] == ["plain", "plain"]
    assert len(evaluation.models[0].outcomes.correct) == 2
    assert "7 questions and 7 conversations are left out" in capsys.readouterr().err


def test_tiers_of_files_stay_apart(tmp_path, test_file, learned_base):
    mine = tmp_path / "mine.jsonl"
    write_jsonl(mine, (row.to_dict() for row in held_out_rows()[:2]))
    settings = SETTINGS.model_copy(update={"held_out": {"your_tools": mine}})
    evaluation = evaluate(request([ModelReference("base", learned_base)], test_file, tmp_path, settings=settings))
    assert shares(evaluation.models[0])[("your_tools", "call")] == (2, 2)
    assert shares(evaluation.models[0])[("glaive_tools", "call")] == (4, 4)
    alone = evaluate(request([ModelReference("base", learned_base)], None, tmp_path, settings=settings))
    assert [score.tier for score in alone.models[0].scores] == ["your_tools"]


def test_the_record_is_read_back_as_written(tmp_path, test_file, learned_base, adapter):
    evaluation = evaluate(request([ModelReference("base", learned_base), adapter], test_file, tmp_path))
    file = tmp_path / "out" / EVALUATION_FILE
    assert Evaluation.load(file) == evaluation
    assert evaluation.model("version") is evaluation.models[1] is evaluation.model("worse_v1")
    with pytest.raises(UsageError, match="gone was not evaluated here; evaluated were base, worse_v1"):
        evaluation.model("gone")
    file.write_text(json.dumps({"format": 99}))
    with pytest.raises(UsageError, match="is not an evaluation"):
        Evaluation.load(file)


def test_a_record_of_another_program_version_is_replaced(tmp_path, test_file, random_base):
    file = tmp_path / "out" / EVALUATION_FILE
    file.parent.mkdir()
    file.write_text(json.dumps({"format": 99}))
    made = evaluate(request([ModelReference("base", random_base)], test_file, tmp_path))
    assert Evaluation.load(file) == made

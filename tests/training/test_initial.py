"""A run that starts from another version's adapter: the same loss at its beginning, bitwise resumable, its own run."""

import json
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from hive_mind import registry
from hive_mind.chat.render import render
from hive_mind.conversation import Conversation
from hive_mind.errors import HiveMindError, Interrupted, UsageError
from hive_mind.evaluation.measure import conversation_losses
from hive_mind.files import read_json, sha256_file
from hive_mind.inference.load import load, refer
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.training import train
from hive_mind.training.log import LOG_FILE, read_log
from hive_mind.training.request import TrainRequest
from tests.small_base import write_base
from tests.tiny_models import CPU
from tests.training.conftest import row, write_rows
from tests.training.test_resume import interrupt_after


@pytest.fixture
def foundation(request_for):
    return train(request_for("models/foundation_v1"))


@pytest.fixture
def fresh_rows(tmp_path):
    return write_rows(tmp_path / "fresh.jsonl", [row(number) for number in range(40, 52)])


def loss_of(folder, base, rows):
    """The loss per labelled token of a saved version, measured as the evaluation does."""
    loaded = load(base, CPU)
    loaded.become(refer(folder.parent, folder.name, ModelSettings(base=str(base.folder)), [base]))
    rendered = [render(Conversation.from_dict(one), loaded.tokenizer) for one in rows]
    sums = conversation_losses(loaded, rendered, 4096)
    return sum(total for total, _ in sums) / sum(count for _, count in sums)


def test_before_the_first_step_it_is_the_version_it_starts_from(request_for, foundation, fresh_rows, base):
    held_out = [row(number) for number in range(60, 66)]
    validation = write_rows(fresh_rows.with_name("validation.jsonl"), held_out)
    request = replace(request_for("models/daily_v1", validation, fresh_rows), initial=foundation.folder)
    result = train(request)
    before = loss_of(foundation.folder, base, held_out)
    assert result.metrics["first_validation_loss"] == pytest.approx(before, rel=1e-5)
    anew = train(request_for("models/anew_v1", validation, fresh_rows))
    assert abs(anew.metrics["first_validation_loss"] - before) > 0.01, "a fresh adapter would do as well"
    first = json.loads((result.folder / LOG_FILE).read_text().splitlines()[0])
    assert first["step"] == 0 and first["validation_loss"] == pytest.approx(before, rel=1e-5)


def test_its_record_names_where_it_came_from(request_for, foundation, fresh_rows):
    request = replace(request_for("models/daily_v1", data=fresh_rows), initial=foundation.folder)
    result = train(request)
    assert registry.load_manifest(result.folder).parent == "foundation_v1"
    assert result.run["initial"] == "foundation_v1"
    sealed = registry.load_manifest(foundation.folder).files[WEIGHTS_FILE].sha256
    assert result.run["identity"]["initial"].startswith(sealed)
    assert TrainRequest.from_dict(request.to_dict()) == request
    with pytest.raises(UsageError, match="another run's version"):
        train(replace(request, initial=None))
    assert train(request).folder == result.folder, "the same run again has nothing to do"


def test_interrupted_it_goes_on_bitwise_with_what_a_watched_process_makes(
    request_for, foundation, fresh_rows, monkeypatch
):
    request = replace(request_for("models/whole_v1", data=fresh_rows, supervise=True), initial=foundation.folder)
    whole = train(request)
    cut = replace(request_for("models/cut_v1", data=fresh_rows), initial=foundation.folder)
    interrupt_after(monkeypatch, 2)
    with pytest.raises(Interrupted):
        train(cut)
    result = train(cut)
    assert result.run["resumed_from"] == [2]
    assert sha256_file(result.folder / WEIGHTS_FILE) == sha256_file(whole.folder / WEIGHTS_FILE)
    assert read_json(cut.output / "run.json")["finished"]
    assert [line["step"] for line in read_log(cut.output / LOG_FILE) if "loss" in line] == [1, 2, 3, 4]


def test_what_cannot_be_started_from_is_refused(request_for, foundation, fresh_rows, tmp_path):
    request = replace(request_for("models/daily_v1", data=fresh_rows), initial=foundation.folder)
    wider = replace(request, settings=request.settings.model_copy(update={"lora_r": 8}))
    with pytest.raises(UsageError, match=r"foundation_v1 is a LoRA of r=4, alpha=8 .* training.lora_r=8"):
        train(wider)
    folder = write_base(tmp_path / "other", hidden_size=16)
    with pytest.raises(UsageError, match="start from a version of the same base"):
        train(replace(request, base=resolve_base(ModelSettings(base=str(folder)))))
    unsealed = tmp_path / "models" / "unsealed_v1"
    unsealed.mkdir()
    with pytest.raises(UsageError, match="not a sealed version"):
        train(replace(request, initial=unsealed))
    weights = foundation.folder / WEIGHTS_FILE
    changed = {name: tensor + 1 for name, tensor in load_file(weights).items()}
    save_file(changed, weights)
    with pytest.raises(HiveMindError, match="not as it was sealed"):
        train(request)
    assert not (request.output / WEIGHTS_FILE).exists()


def test_an_adapter_that_did_not_move_is_not_a_new_version(request_for, foundation, fresh_rows):
    request = replace(request_for("models/still_v1", data=fresh_rows, learning_rate=1e-30), initial=foundation.folder)
    with pytest.raises(HiveMindError, match="did not move in training"):
        train(request)

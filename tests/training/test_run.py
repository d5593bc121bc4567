"""From a dataset file to a sealed version, and what happens when that version is asked for again."""

import json
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from transformers import AutoTokenizer

from hive_mind import registry
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.device import Device
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.model import lora
from hive_mind.model.base import load_model
from hive_mind.training import run, train
from hive_mind.training.log import LOG_FILE, read_log
from hive_mind.training.run import choose_output
from tests.model.test_lora import logits
from tests.model.test_qwen2 import reference
from tests.training.conftest import row, write_rows
from tests.training.test_checkpoint import largest_file
from tests.training.test_resume import interrupt_after

FILES = {
    "adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja", "trainer_log.jsonl", "training_metrics.json", "run.json", "manifest.json",
}  # fmt: skip


@pytest.fixture
def validation(tmp_path):
    return write_rows(tmp_path / "validation.jsonl", [row(number, "usage_notes") for number in range(30, 36)])


def test_a_run_leaves_a_sealed_version(request_for, validation):
    request = replace(request_for(validation=validation), command="hive-mind train")
    result = train(request)
    assert {path.name for path in result.folder.iterdir()} == FILES
    assert registry.verify(result.folder) == []
    manifest = registry.load_manifest(result.folder)
    assert manifest.base == request.base.identity()
    assert manifest.dataset["examples"] == 20
    rows = read_log(result.folder / LOG_FILE)
    assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4, 5, 6]
    assert [row["step"] for row in rows if "validation_loss" in row] == [0, 3, 6]
    assert [row["examples"] for row in rows if "loss" in row] == [8, 8, 4, 8, 8, 4]
    config = json.loads((result.folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "small-base"


def test_what_it_records_is_what_happened(request_for, validation):
    result = train(request_for(validation=validation, epochs=3))
    rows = [row for row in read_log(result.folder / LOG_FILE) if "loss" in row]
    metrics, record = result.metrics, result.run
    assert metrics["steps"] == 9
    assert metrics["examples_seen"] == 60
    assert metrics["tokens"] == 3 * record["dataset"]["tokens"] == sum(row["tokens"] for row in rows)
    assert metrics["labelled_tokens"] == 3 * record["dataset"]["labelled_tokens"]
    assert metrics["first_loss"] == rows[0]["loss"]
    last = [(row["loss"], row["labelled_tokens"]) for row in rows[-3:]]
    assert metrics["final_loss"] == pytest.approx(sum(a * b for a, b in last) / sum(b for _, b in last))
    assert metrics["final_loss"] < metrics["first_loss"]
    assert metrics["validation_loss"] < metrics["first_validation_loss"]
    assert metrics["validation_loss_by_source"].keys() == {"usage_notes"}
    assert record["lora"]["trainable"] == 2 * 4 * (3 * (32 + 32) + 2 * (32 + 16) - 64 + 3 * (32 + 48))
    assert record["dataset"]["sources"] == {"usage_notes": 10, "code_alpaca": 10}
    assert (record["version"], record["name"]) == ("small_v1", "small")
    assert record["finished"]


def test_the_validation_loss_is_that_of_the_saved_adapter(request_for, validation):
    """Measured anew, one example at a time, with the file that was saved (bf16, hence the tolerance)."""
    request = request_for(validation=validation)
    result = train(request)
    model = load_model(request.base, Device(torch.device("cpu"), torch.float32, "test"))
    lora.load_adapter(model, result.folder)
    examples = run.tokenise(validation, load_tokenizer(request.base.folder), 256).examples
    total = count = 0
    for number in range(len(examples)):
        rendered = examples.example(number)
        ids, learnt = torch.tensor(rendered.input_ids), torch.tensor(rendered.labelled)
        losses = torch.nn.functional.cross_entropy(logits(model, ids)[:-1], ids[1:], reduction="none")
        total += float(losses[learnt[1:]].sum().detach())
        count += int(learnt[1:].sum())
    assert result.metrics["validation_loss"] == pytest.approx(total / count, rel=5e-3)


def test_peft_and_transformers_load_the_version(request_for):
    request = request_for()
    result = train(request)
    device = Device(torch.device("cpu"), torch.float32, "test")
    theirs = PeftModel.from_pretrained(reference(load_model(request.base, device)), result.folder).eval()
    ours = load_model(request.base, device)
    plain = logits(ours)
    lora.load_adapter(ours, result.folder)
    ids = torch.tensor([5, 9, 200, 3, 77, 12, 12, 90])
    with torch.no_grad():
        torch.testing.assert_close(theirs(ids[None]).logits[0], logits(ours, ids), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits(ours), plain, atol=1e-3)
    text = "<|im_start|>user\nwörds<|im_end|>"
    tokenizer = AutoTokenizer.from_pretrained(result.folder)
    assert tokenizer(text).input_ids == load_tokenizer(request.base.folder).encode(text)
    assert tokenizer.chat_template


def test_asked_for_again_it_is_found_done(request_for, capsys):
    request = request_for()
    first = train(request)
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    again = train(replace(request, settings=request_for(batch_size=8, grad_accum=1).settings))
    assert "nothing to do" in capsys.readouterr().err
    assert again.metrics == first.metrics
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == before


def test_another_run_does_not_touch_a_version(request_for):
    train(request_for())
    with pytest.raises(UsageError, match=r"another run's version.*use --output .*small_v2"):
        train(request_for(learning_rate=1e-3))


def test_an_adapter_of_unknown_origin_is_not_overwritten(request_for):
    request = request_for()
    request.output.mkdir(parents=True)
    (request.output / "adapter_model.safetensors").write_bytes(b"somebody's")
    with pytest.raises(UsageError, match="another run's version"):
        train(request)
    assert (request.output / "adapter_model.safetensors").read_bytes() == b"somebody's"


def test_the_output_of_a_run_is_found_again_by_what_it_is(request_for, tmp_path, monkeypatch):
    models, request = tmp_path / "models", request_for("models/mine_v1")
    assert choose_output(models, "mine", request) == models / "mine_v1"
    interrupt_after(monkeypatch, 1)
    with pytest.raises(HiveMindError):
        train(request)
    assert choose_output(models, "mine", request) == models / "mine_v1"
    other = request_for("models/mine_v1", epochs=1)
    assert choose_output(models, "mine", other) == models / "mine_v2"
    train(request)
    assert choose_output(models, "mine", request) == models / "mine_v1"
    assert choose_output(models, "yours", request) == models / "yours_v1"


def test_a_full_disk_at_the_end_loses_nothing(request_for, monkeypatch):
    request = request_for(lora_r=16)
    right = run._check_learnt

    def then_full(*learnt):
        right(*learnt)
        limit.__enter__()

    limit = largest_file(20_000)
    with monkeypatch.context() as patch:
        patch.setattr(run, "_check_learnt", then_full)
        try:
            with pytest.raises(HiveMindError, match=r"could not write .*adapter_model\.safetensors.*free space"):
                train(request)
        finally:
            limit.__exit__(None, None, None)
    names = {path.name for path in request.output.iterdir()}
    assert names == {"trainer_log.jsonl", "checkpoints", "run.json"}
    result = train(request)
    assert result.run["resumed_from"] == [6]
    assert registry.verify(result.folder) == []


def test_a_full_disk_at_a_checkpoint_stops_the_run_in_one_sentence(request_for):
    request = request_for(checkpoint_every_steps=2)
    with largest_file(30_000), pytest.raises(HiveMindError, match="could not save a checkpoint"):
        train(request)
    assert list((request.output / "checkpoints").iterdir()) == []
    assert train(request).metrics["steps"] == 6


def test_a_run_that_lacks_only_its_seal_is_sealed(request_for, monkeypatch):
    request = request_for()
    with monkeypatch.context() as patch:
        patch.setattr(registry, "seal", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train(request)
    assert not registry.is_sealed(request.output)
    train(request)
    assert registry.verify(request.output) == []


def test_a_missing_dataset_is_a_usage_error_and_leaves_nothing(request_for, tmp_path):
    request = request_for(data=tmp_path / "nowhere.jsonl")
    with pytest.raises(UsageError, match=r"nowhere\.jsonl does not exist"):
        train(request)
    assert not request.output.exists()


def test_what_is_said_before_the_first_step(request_for, tmp_path, capsys):
    rows = [row(number) for number in range(20)] + [{"strange": True}]
    train(request_for(data=write_rows(tmp_path / "d.jsonl", rows), epochs=1))
    said = capsys.readouterr().err
    for part in (
        "learning_rate=0.01", "device: ", "float32", "trainable parameters", "20 of 21 rows", "1 unknown_layout",
        "up to     64", "3 steps of 8 examples", "<|im_start|>assistant\n⟦", "<|im_end|>⟧", "step 3/3 ",
    ):  # fmt: skip
        assert part in said, part

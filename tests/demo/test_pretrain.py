"""Pre-training: interrupted and resumed it comes to the same weights, and what it writes is a Qwen2 model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hive_mind.demo import pretrain
from hive_mind.demo.settings import BaseBuildSettings, PhaseSettings, ShapeSettings, TokenizerSettings
from hive_mind.device import pick
from hive_mind.errors import HiveMindError
from hive_mind.files import read_json
from hive_mind.model.attention import Layout
from hive_mind.model.base import ModelSettings, load_model, resolve_base

SHARES = {"english": 0.3, "copy": 0.3, "catalogue": 0.4}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def recipe(folder: Path, **changes: object) -> BaseBuildSettings:
    values = {
        "output": folder / "base", "work": folder / "work", "tokens": 6 * 512, "batch_tokens": 512, "warmup_steps": 2,
        "shape": ShapeSettings(vocab_size=600, hidden_size=64, intermediate_size=96, layers=2, heads=4, kv_heads=2),
        "tokenizer": TokenizerSettings(documents=150, shares={"english": 1.0}),
        "phases": (
            PhaseSettings(until=0.5, lengths=(64,), shares=SHARES), PhaseSettings(lengths=(64, 128), shares=SHARES),
        ),
        "compile": "off", "dtype": "fp32", "device": "cpu", "workers": 1, "save_every": 2, "probe_every": 3,
    }  # fmt: skip
    return BaseBuildSettings(**(values | changes))


def weights(settings: BaseBuildSettings) -> dict[str, torch.Tensor]:
    state = pretrain.load_checkpoint(settings)
    assert state is not None
    return state["model"]


def test_a_build_writes_a_model_that_transformers_and_this_package_compute_alike(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = pretrain.build(recipe(tmp_path))
    base = resolve_base(ModelSettings(base=str(folder)))
    assert base.id == "hive-mind/tiny-base"
    record = read_json(folder / "base.json")
    assert record["tokens"] == 6 * 512 and record["digest"] == base.digest and record["recipe"]["batch_tokens"] == 512
    assert [point["step"] for point in read_json(folder / "curve.json")] == [3, 6]
    assert (folder / "curve.png").stat().st_size > 1_000
    theirs = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()
    ours = load_model(base, pick("cpu", "fp32"))
    chat = AutoTokenizer.from_pretrained(str(folder)).apply_chat_template(
        [{"role": "user", "content": "Hello!"}], tokenize=True, return_dict=False, add_generation_prompt=True
    )
    ids = torch.tensor(chat)
    with torch.inference_mode():
        mine = ours.project(ours.hidden(ids, Layout.from_lengths([len(ids)])))
        assert torch.allclose(theirs(ids[None]).logits[0], mine, atol=1e-4)
    assert theirs.generation_config.eos_token_id == [600 - 22 + 2, 600 - 22]


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    settings = recipe(tmp_path, tokens=60 * 512, probe_every=30, save_every=60)
    pretrain.build(settings)
    first, last = read_json(settings.work / "curve.json")
    assert last["loss"] < first["loss"] - 0.2


def test_a_build_stopped_on_the_way_comes_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hive_mind.errors import Interrupted

    straight = recipe(tmp_path / "straight")
    pretrain.build(straight)
    halting = recipe(tmp_path / "halting")
    real_take = pretrain.Run.take

    def take_and_stop(run: pretrain.Run) -> float:
        loss = real_take(run)
        if run.step == 3:
            (halting.work / pretrain.STOP_FILE).touch()
        return loss

    monkeypatch.setattr(pretrain.Run, "take", take_and_stop)
    with pytest.raises(Interrupted, match="run the same command again"):
        pretrain.build(halting)
    assert not (halting.output / "model.safetensors").exists()
    monkeypatch.undo()
    pretrain.build(halting)
    for name, tensor in weights(straight).items():
        assert torch.equal(tensor, weights(halting)[name]), name


def test_another_recipe_is_refused_in_the_same_work_folder(tmp_path: Path) -> None:
    pretrain.build(recipe(tmp_path, tokens=512))
    with pytest.raises(HiveMindError, match="another recipe"):
        pretrain.build(recipe(tmp_path, tokens=1_024))


def test_a_snapshot_needs_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(HiveMindError, match="no checkpoint"):
        pretrain.publish(recipe(tmp_path))


def test_two_workers_read_what_one_reads(tmp_path: Path) -> None:
    one, two = recipe(tmp_path / "one", tokens=1_024), recipe(tmp_path / "two", tokens=1_024, workers=2)
    pretrain.build(one)
    pretrain.build(two)
    for name, tensor in weights(one).items():
        assert torch.allclose(tensor, weights(two)[name], atol=2e-2), name
    assert read_json(one.output / "base.json")["recipe"] == read_json(two.output / "base.json")["recipe"]


def test_tokens_that_training_never_shows_can_be_told_apart(tmp_path: Path) -> None:
    folder = pretrain.build(recipe(tmp_path))
    model = load_model(resolve_base(ModelSettings(base=str(folder))), pick("cpu", "fp32"))
    rows = model.model.embed_tokens.weight[-8:]
    assert torch.cdist(rows, rows)[~torch.eye(8, dtype=torch.bool)].min() > 0.5 * rows.std() * 64**0.5

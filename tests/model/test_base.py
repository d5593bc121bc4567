"""Bases are found, named and loaded whole, or refused in one sentence."""

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from hive_mind.device import Device
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.model.base import ModelSettings, load_model, resolve_base, weights_digest
from tests.small_base import write_base

CPU = Device(torch.device("cpu"), torch.float32, "test")


@pytest.fixture
def folder(tmp_path):
    return write_base(tmp_path / "small")


def resolve(folder, **changes):
    return resolve_base(ModelSettings(base=str(folder), **changes))


def test_a_folder_is_named_without_its_path(folder):
    base = resolve(folder)
    assert base.identity() == {"id": "small", "revision": None, "digest": weights_digest(folder)}


def test_the_hub_name_kept_in_config_json_names_the_base(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "_name_or_path": "owner/name"}))
    assert resolve(folder).id == "owner/name"


def test_equal_weights_are_the_same_base_wherever_they_lie(folder, tmp_path):
    assert resolve(folder).digest == resolve(write_base(tmp_path / "elsewhere")).digest
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][0] += 1
    before = resolve(folder).digest
    save_file(tensors, folder / "model.safetensors")
    assert resolve(folder).digest != before


def test_loaded_weights_are_frozen_and_in_the_device_format(folder):
    model = load_model(resolve(folder), Device(torch.device("cpu"), torch.bfloat16, "test"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert model.inverse_frequencies.dtype == torch.float32


def test_a_tied_model_may_carry_its_output_projection_twice(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, folder / "model.safetensors")
    model = load_model(resolve(folder), CPU)
    assert model.lm_head is None


def drop_weight(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, folder / "model.safetensors")


def add_weight(folder):
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "model.extra.weight": torch.ones(3)}, folder / "model.safetensors")


def reshape_weight(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = torch.ones(31)
    save_file(tensors, folder / "model.safetensors")


def cut_file(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_weight, "1 missing.*first: model.norm.weight"),
        (add_weight, "1 unknown.*first: model.extra.weight"),
        (reshape_weight, "1 of another shape.*first: model.norm.weight"),
        (cut_file, "is damaged"),
    ],
)
def test_weights_that_do_not_match_are_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(HiveMindError, match=message):
        load_model(resolve(folder), CPU)


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def only_pickles(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def no_config(folder):
    (folder / "config.json").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_weights, "no weights"),
        (only_pickles, "only pickled weights, which are never loaded"),
        (no_tokenizer, "no tokenizer.json"),
        (no_config, "no config.json"),
    ],
)
def test_an_incomplete_folder_is_a_usage_error(folder, damage, message):
    damage(folder)
    with pytest.raises(UsageError, match=message):
        resolve(folder)


@pytest.mark.parametrize("name", ["nowhere", "./nowhere/at_all", "/nowhere/at/all"])
def test_what_is_neither_folder_nor_hub_name_is_a_usage_error(name):
    with pytest.raises(UsageError, match="neither a folder nor a model's name"):
        resolve_base(ModelSettings(base=name))


def test_a_loaded_model_does_not_depend_on_its_file(folder):
    """The weights' file is cut short after loading; a model that still read from it would die of a bus error."""
    model = load_model(resolve_base(ModelSettings(base=str(folder))), CPU)
    before = {name: parameter.sum().item() for name, parameter in model.named_parameters()}
    os.truncate(folder / "model.safetensors", 0)
    assert {name: parameter.sum().item() for name, parameter in model.named_parameters()} == before


def test_a_revision_that_pins_the_hub_is_not_claimed_for_a_folder(folder):
    assert resolve_base(ModelSettings(base=str(folder), revision="060db6499f32")).revision is None

"""Adapters side by side over one base: each row computes as if its own were the only one."""

import pytest
import torch

from hive_mind.errors import HiveMindError
from hive_mind.model import lora
from hive_mind.model.adapters import Adapters
from hive_mind.model.attention import Layout
from tests.small_base import random_model, small_config

RANKS = {"a": 2, "b": 5, "c": 3}
TARGETS = {"a": lora.TARGETS, "b": ("q_proj", "down_proj"), "c": lora.TARGETS}
LENGTHS = [6, 1, 9, 4, 7]
NAMES = ["b", None, "a", "c", "a"]


def write_adapter(folder, r, targets, seed, **changes):
    model = random_model(small_config(**changes))
    lora.attach(model, r, alpha=2 * r, seed=seed, targets=targets)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in lora.lora_parameters(model).items():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    lora.save_adapter(model, folder, base_id="test/base", revision=None)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("adapters")
    return {name: write_adapter(place / name, RANKS[name], TARGETS[name], seed) for seed, name in enumerate(RANKS)}


@pytest.fixture
def adapters(folders):
    made = Adapters(random_model(small_config()))
    for name, folder in folders.items():
        made.add(name, lora.read_adapter(folder))
    return made


def tokens(seed=5):
    return torch.randint(0, small_config().vocab_size, (sum(LENGTHS),), generator=torch.Generator().manual_seed(seed))


def states(adapters):
    with torch.no_grad():
        return adapters.model.hidden(tokens(), Layout.from_lengths(LENGTHS)).split(LENGTHS)


def alone(folder):
    """What training's own layers make of it."""
    model = random_model(small_config())
    if folder is not None:
        lora.load_adapter(model, folder)
    with torch.no_grad():
        return model.hidden(tokens(), Layout.from_lengths(LENGTHS)).split(LENGTHS)


def test_every_row_goes_through_its_own_adapter_or_none(adapters, folders):
    with adapters.rows(NAMES, LENGTHS):
        found = states(adapters)
    for row, name in enumerate(NAMES):
        torch.testing.assert_close(found[row], alone(folders.get(name))[row], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found[0], alone(None)[0], atol=1e-2)
    torch.testing.assert_close(states(adapters), alone(None))  # and after the block the base again


def test_one_for_all_rows(adapters, folders):
    adapters.use("c")
    torch.testing.assert_close(states(adapters), alone(folders["c"]), rtol=1e-4, atol=1e-5)
    with adapters.rows([None, None], [10, 17]):
        torch.testing.assert_close(states(adapters), alone(None))
    torch.testing.assert_close(states(adapters), alone(folders["c"]), rtol=1e-4, atol=1e-5)
    adapters.use(None)
    torch.testing.assert_close(states(adapters), alone(None))


def test_numbers_that_are_none_stay_in_their_rows(adapters):
    for layer in adapters.layers.values():
        layer.a[adapters.columns["a"]] = float("nan")
    with adapters.rows(NAMES, LENGTHS):
        found = states(adapters)
    assert [bool(torch.isnan(row).any()) for row in found] == [name == "a" for name in NAMES]


def test_adapters_come_and_go_and_are_told_apart(adapters, folders):
    serials = dict(adapters.serials)
    adapters.drop("a")
    adapters.add("b", lora.read_adapter(folders["a"]))
    assert "a" not in adapters.serials
    assert adapters.serials["b"] not in serials.values()
    assert adapters.serials["c"] == serials["c"]
    with adapters.rows(["c", "b", None], [6, 1, 20]):
        found = states(adapters)
    torch.testing.assert_close(found[0], alone(folders["c"])[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1], alone(folders["a"])[1], rtol=1e-4, atol=1e-5)
    adapters.drop("never there")


def test_an_adapter_of_another_base_is_refused_and_nothing_changes(adapters, folders, tmp_path):
    for number, change in enumerate(({"num_hidden_layers": 3}, {"intermediate_size": 64})):
        other = write_adapter(tmp_path / str(number), 2, lora.TARGETS, 9, **change)
        with pytest.raises(HiveMindError, match="does not fit this base model"):
            adapters.add("a", lora.read_adapter(other))
    adapters.use("a")
    torch.testing.assert_close(states(adapters), alone(folders["a"]), rtol=1e-4, atol=1e-5)


def test_in_bf16_with_packed_weights(folders):
    adapters = Adapters(random_model(small_config(), dtype=torch.bfloat16))
    for name, folder in folders.items():
        adapters.add(name, lora.read_adapter(folder))
    with adapters.rows(NAMES, LENGTHS):
        found = states(adapters)
    for row, name in enumerate(NAMES):
        exact = alone(folders.get(name))[row]
        assert float((found[row].float() - exact).norm() / exact.norm()) < 0.03

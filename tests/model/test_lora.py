"""Adapters compute what PEFT computes, and travel to PEFT and back without a change."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from hive_mind.device import Device
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.model import lora
from hive_mind.model.attention import Layout
from hive_mind.model.base import ModelSettings, load_model, resolve_base
from tests.model.test_qwen2 import reference
from tests.small_base import random_model, small_config, write_base

R, ALPHA = 4, 12
IDS = torch.tensor([5, 9, 200, 3, 77, 12, 12, 90])
CPU = Device(torch.device("cpu"), torch.float32, "test")


def logits(model, ids=IDS):
    return model.project(model.hidden(ids, Layout.from_lengths([len(ids)])))


def adapted(seed=0):
    """A model with an adapter that has moved."""
    model = random_model(small_config())
    lora.attach(model, R, ALPHA, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, parameter in lora.lora_parameters(model).items():
            if "lora_B" in name:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model


def test_logits_equal_peft_with_the_same_adapter():
    model = adapted()
    plain = random_model(small_config())
    theirs = get_peft_model(reference(plain), LoraConfig(r=R, lora_alpha=ALPHA, target_modules=list(lora.TARGETS)))
    tensors = {
        name.replace("lora_A.weight", "lora_A.default.weight").replace("lora_B.weight", "lora_B.default.weight"): tensor
        for name, tensor in lora.lora_parameters(model).items()
    }
    assert not theirs.load_state_dict(tensors, strict=False).unexpected_keys
    with torch.no_grad():
        expected = theirs.eval()(IDS[None]).logits[0]
    torch.testing.assert_close(logits(model), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits(model), logits(plain), atol=1e-2)


def test_a_saved_adapter_loads_with_peft_and_here(tmp_path):
    model = adapted()
    with torch.no_grad():  # the file is bf16, so compare with the adapter as it is after that rounding
        for parameter in lora.lora_parameters(model).values():
            parameter.copy_(parameter.bfloat16())
    lora.save_adapter(model, tmp_path / "adapter", base_id="owner/name", revision="abc")
    theirs = PeftModel.from_pretrained(reference(random_model(small_config())), tmp_path / "adapter").eval()
    again = random_model(small_config())
    lora.load_adapter(again, tmp_path / "adapter")
    with torch.no_grad():
        torch.testing.assert_close(theirs(IDS[None]).logits[0], logits(model), rtol=1e-4, atol=1e-4)
    assert torch.equal(logits(again), logits(model))
    config = json.loads((tmp_path / "adapter" / lora.CONFIG_FILE).read_text())
    assert (config["base_model_name_or_path"], config["revision"], config["r"]) == ("owner/name", "abc", R)


def test_a_fresh_adapter_changes_nothing_and_detach_restores_the_base():
    model = random_model(small_config())
    before = logits(model)
    lora.attach(model, R, ALPHA)
    assert torch.equal(logits(model), before)
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names
    assert all("lora_" in name for name in names)
    lora.detach(model)
    assert torch.equal(logits(model), before)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_switched_off_the_model_is_the_base():
    model = adapted()
    lora.set_enabled(model, False)
    assert torch.equal(logits(model), logits(random_model(small_config())))
    lora.set_enabled(model, True)
    assert not torch.equal(logits(model), logits(random_model(small_config())))


def test_the_first_values_follow_the_seed():
    def first(seed):
        model = random_model(small_config())
        lora.attach(model, R, ALPHA, seed)
        return torch.cat([p.flatten() for name, p in lora.lora_parameters(model).items() if "lora_A" in name])

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    assert first(1).abs().max() <= 1 / 32**0.5  # PEFT's kaiming_uniform(a=sqrt(5)): one over the root of the inputs


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_saved(tmp_path, bad):
    model = adapted()
    with torch.no_grad():
        next(iter(lora.lora_parameters(model).values()))[0, 0] = bad
    with pytest.raises(HiveMindError, match="not finite"):
        lora.save_adapter(model, tmp_path / "adapter", base_id="x", revision=None)
    assert not (tmp_path / "adapter").exists()


def test_an_adapter_of_another_base_is_refused(tmp_path):
    lora.save_adapter(adapted(), tmp_path, base_id="x", revision=None)
    with pytest.raises(HiveMindError, match="does not fit this base"):
        lora.load_adapter(random_model(small_config(num_hidden_layers=3)), tmp_path)
    with pytest.raises(HiveMindError, match="does not fit this base"):
        lora.load_adapter(random_model(small_config(intermediate_size=64)), tmp_path)


@pytest.mark.parametrize("change", [{"use_dora": True}, {"peft_type": "IA3"}, {"target_modules": ["lm_head"]}])
def test_an_adapter_that_is_not_computed_is_refused(tmp_path, change):
    lora.save_adapter(adapted(), tmp_path, base_id="x", revision=None)
    config = json.loads((tmp_path / lora.CONFIG_FILE).read_text())
    (tmp_path / lora.CONFIG_FILE).write_text(json.dumps({**config, **change}))
    with pytest.raises(UsageError, match="not a plain LoRA adapter"):
        lora.load_adapter(random_model(small_config()), tmp_path)


def test_a_folder_without_adapter_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no adapter_model"):
        lora.load_adapter(random_model(small_config()), tmp_path)


def test_attaching_to_a_loaded_base_keeps_its_format(tmp_path):
    base = resolve_base(ModelSettings(base=str(write_base(tmp_path / "base"))))
    model = load_model(base, Device(CPU.torch_device, torch.bfloat16, "test"))
    lora.attach(model, R, ALPHA)
    formats = {("lora_" in name, parameter.dtype) for name, parameter in model.named_parameters()}
    assert formats == {(True, torch.float32), (False, torch.bfloat16)}

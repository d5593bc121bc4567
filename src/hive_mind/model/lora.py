"""Low-rank adapters (LoRA, arXiv 2106.09685) on the seven linear layers of each block, saved in PEFT's format.

The frozen weight keeps the base's format; A and B are fp32 masters, cast to the compute format where they are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import atomic_write, read_json, write_json
from hive_mind.model.fused import lora_linear
from hive_mind.model.packed import PackedWeight, pack
from hive_mind.model.qwen2 import Block, Qwen2

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PREFIX = "base_model.model."
WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"


class LoRALinear(nn.Module):
    """A frozen linear layer plus scale * B A x. x (T, in) -> (T, out); lora_A (r, in), lora_B (out, r).

    The frozen weight (out, in) is `weight`, or `packed` once it was laid out for the CPU's products.
    """

    def __init__(self, base: nn.Linear, r: int, alpha: float) -> None:
        super().__init__()
        self.weight: Tensor | None = base.weight
        self.bias = base.bias
        self.scale = alpha / r
        self.enabled = True
        self.packed: PackedWeight | None = None
        self.dropout = 0.0
        device = base.weight.device
        self.lora_A = nn.Parameter(torch.empty(r, base.in_features, dtype=torch.float32, device=device))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r, dtype=torch.float32, device=device))

    def forward(self, x: Tensor) -> Tensor:
        if not self.enabled:
            return F.linear(x, self.frozen_weight(), self.bias)
        if self.dropout and torch.is_grad_enabled():
            low = F.linear(F.dropout(x, self.dropout), self.lora_A.to(x.dtype))
            return F.linear(x, self.frozen_weight(), self.bias) + F.linear(low, (self.lora_B * self.scale).to(x.dtype))
        return lora_linear(x, self.packed or self.frozen_weight(), self.bias, self.lora_A, self.lora_B, self.scale)

    def frozen_weight(self) -> Tensor:
        """Return the frozen weight as the base has it, unpacked if need be."""
        if self.packed is not None:
            return self.packed.plain()
        assert self.weight is not None
        return self.weight

    def pack(self) -> None:
        """Lay the frozen weight out for the CPU's products, in place of the plain one, where that is faster."""
        if self.weight is not None:
            self.packed = pack(self.weight)
            if self.packed is not None:
                self.weight = None


def attach(model: Qwen2, r: int, alpha: float, seed: int = 0, targets: tuple[str, ...] = TARGETS) -> None:
    """Put fresh adapters on `targets` and freeze everything else. A is drawn as PEFT draws it, B is zero."""
    detach(model)
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for _, parent, name, linear in linears(model, targets):
        layer = LoRALinear(linear, r, alpha)
        bound = math.sqrt(3) * math.sqrt(2 / (1 + 5)) / math.sqrt(linear.in_features)
        start = torch.empty(layer.lora_A.shape).uniform_(-bound, bound, generator=generator)
        with torch.no_grad():
            layer.lora_A.copy_(start)
        setattr(parent, name, layer)


def detach(model: Qwen2) -> None:
    """Take the adapters off again, leaving the base as it was."""
    for parent, name, layer in _adapters(model):
        weight = layer.frozen_weight()
        plain = nn.Linear(weight.shape[1], weight.shape[0], bias=layer.bias is not None, device="meta")
        plain.weight, plain.bias = nn.Parameter(weight, requires_grad=weight.requires_grad), layer.bias
        setattr(parent, name, plain)


def set_enabled(model: Qwen2, enabled: bool) -> None:
    """Switch the adapters on, or off so that the model computes as the plain base."""
    for _, _, layer in _adapters(model):
        layer.enabled = enabled


def set_dropout(model: Qwen2, share: float) -> None:
    """Drop this share of every adapter's input wherever a gradient is computed."""
    for _, _, layer in _adapters(model):
        layer.dropout = share


def pack_weights(model: Qwen2) -> None:
    """Lay the frozen weights under the adapters out for the CPU's products, where that makes them faster."""
    if not any(layer.dropout for _, _, layer in _adapters(model)):  # which takes torch's own way
        for _, _, layer in _adapters(model):
            layer.pack()


def lora_parameters(model: Qwen2) -> dict[str, nn.Parameter]:
    """Return the trainable tensors under the names of PEFT's file format."""
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, LoRALinear):
            found[f"{PREFIX}{name}.lora_A.weight"] = module.lora_A
            found[f"{PREFIX}{name}.lora_B.weight"] = module.lora_B
    return found


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the tensors in which a number is infinite or none at all."""
    return [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]


def save_adapter(model: Qwen2, folder: Path, *, base_id: str, revision: str | None) -> None:
    """Write adapter_config.json and adapter_model.safetensors (bf16) as PeftModel.from_pretrained reads them.

    Raises HiveMindError if a tensor is not finite: nothing is written then.
    """
    from safetensors.torch import save

    tensors = {name: parameter.detach().to("cpu", torch.bfloat16) for name, parameter in lora_parameters(model).items()}
    broken = not_finite(tensors)
    if broken:
        raise HiveMindError(
            f"{len(broken)} of {len(tensors)} adapter tensors are not finite (first: {broken[0]}), so the adapter was "
            f"not saved to {folder}; continue from the last checkpoint with a lower training.learning_rate"
        )
    layers = [layer for _, _, layer in _adapters(model)]
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / WEIGHTS_FILE) as file:
        file.write(save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={"format": "pt"}))
    names = {name for _, name, _ in _adapters(model)}
    write_json(folder / CONFIG_FILE, _peft_config(base_id, revision, layers[0], names))


@dataclass(frozen=True)
class AdapterFile:
    """An adapter as its folder holds it: PEFT's names to tensors."""

    origin: str
    r: int
    alpha: float
    targets: tuple[str, ...]
    tensors: dict[str, Tensor]

    @property
    def scale(self) -> float:
        return self.alpha / self.r

    def factors(self, layer: str, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Return A (r, in) and B (out, r) of a layer of `shape` (out, in); zeros where the adapter leaves it alone."""
        name = f"{PREFIX}{layer}"
        if layer.rpartition(".")[2] not in self.targets:
            return torch.zeros(self.r, shape[1]), torch.zeros(shape[0], self.r)
        return self.tensors[f"{name}.lora_A.weight"], self.tensors[f"{name}.lora_B.weight"]


def read_adapter(folder: Path) -> AdapterFile:
    """Read a saved adapter. Raises UsageError if the folder holds none or one that this package does not compute."""
    from safetensors.torch import load_file

    file = folder / WEIGHTS_FILE
    if not file.is_file():
        raise UsageError(f"{folder} holds no {WEIGHTS_FILE}; name the folder of a trained version")
    config = read_json(folder / CONFIG_FILE)
    _check_supported(config, folder)
    targets = tuple(config["target_modules"])
    return AdapterFile(str(folder), int(config["r"]), float(config["lora_alpha"]), targets, load_file(file))


def check_fit(adapter: AdapterFile, layers: Mapping[str, tuple[int, ...]]) -> None:
    """Raise HiveMindError unless the adapter's tensors are exactly those for linear layers of these (out, in)."""
    expected = {}
    for name, (out_features, in_features) in layers.items():
        if name.rpartition(".")[2] in adapter.targets:
            expected[f"{PREFIX}{name}.lora_A.weight"] = (adapter.r, in_features)
            expected[f"{PREFIX}{name}.lora_B.weight"] = (out_features, adapter.r)
    _check_names({name: tuple(tensor.shape) for name, tensor in adapter.tensors.items()}, expected, adapter.origin)


def load_adapter(model: Qwen2, folder: Path) -> None:
    """Put a saved adapter on `model`, replacing any other; the tensors become fp32 masters.

    Raises what read_adapter raises, and HiveMindError if a tensor is missing, left over or of another shape (the
    adapter then belongs to another base).
    """
    adapter = read_adapter(folder)
    attach(model, adapter.r, adapter.alpha, targets=adapter.targets)
    load_tensors(model, adapter.tensors, adapter.origin)


def load_tensors(model: Qwen2, tensors: Mapping[str, Tensor], origin: str) -> None:
    """Copy tensors into the attached adapters; raises HiveMindError unless names and shapes agree exactly."""
    parameters = lora_parameters(model)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    _check_names(shapes, {name: tuple(parameter.shape) for name, parameter in parameters.items()}, origin)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])


def _check_names(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], origin: str) -> None:
    missing, left_over = expected.keys() - found.keys(), found.keys() - expected.keys()
    wrong = [name for name in expected.keys() & found.keys() if expected[name] != found[name]]
    if missing or left_over or wrong:
        raise HiveMindError(
            f"the adapter in {origin} does not fit this base model ({len(missing)} missing, "
            f"{len(left_over)} left over, {len(wrong)} misshapen); load it on the base named in its manifest.json"
        )


def _check_supported(config: Mapping[str, Any], folder: Path) -> None:
    known = set(TARGETS)
    targets = config.get("target_modules")
    unsupported = (
        config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("use_rslora")
        or config.get("modules_to_save") or config.get("bias", "none") != "none"
        or not isinstance(targets, list) or not set(targets) <= known
        or config.get("rank_pattern") or config.get("alpha_pattern")
    )  # fmt: skip
    if unsupported:
        raise UsageError(
            f"{folder / CONFIG_FILE} is not a plain LoRA adapter on {', '.join(TARGETS)}; train it with hive-mind"
        )


def _peft_config(base_id: str, revision: str | None, layer: LoRALinear, targets: set[str]) -> dict[str, Any]:
    r = layer.lora_A.shape[0]
    return {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base_id, "revision": revision,
        "r": r, "lora_alpha": layer.scale * r, "lora_dropout": layer.dropout, "bias": "none", "inference_mode": True,
        "target_modules": [name for name in TARGETS if name in targets],
        "fan_in_fan_out": False, "init_lora_weights": True, "use_rslora": False, "use_dora": False,
        "modules_to_save": None,
    }  # fmt: skip


def linears(model: Qwen2, targets: tuple[str, ...]) -> list[tuple[str, nn.Module, str, nn.Linear]]:
    """Return the plain linear layers with these names: full name, the module that holds it, its name there, itself."""
    places = {module: name for name, module in model.named_modules()}
    return [
        (places[child], parent, name, child)
        for parent, name, child in _children(model)
        if name in targets and isinstance(child, nn.Linear)
    ]


def _adapters(model: Qwen2) -> Iterator[tuple[nn.Module, str, LoRALinear]]:
    for parent, name, child in _children(model):
        if isinstance(child, LoRALinear):
            yield parent, name, child


def _children(model: Qwen2) -> list[tuple[nn.Module, str, nn.Module]]:
    blocks = [layer for layer in model.model.layers if isinstance(layer, Block)]
    parents = [parent for block in blocks for parent in (block.self_attn, block.mlp)]
    return [(parent, name, child) for parent in parents for name, child in parent.named_children()]

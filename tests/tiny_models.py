"""Random Qwen2 models of two layers under the packaged tokenizer, and sealed random adapters on them."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from hive_mind import registry
from hive_mind.device import Device
from hive_mind.model import lora
from hive_mind.model.base import Base, ModelSettings, load_model, resolve_base
from hive_mind.model.qwen2 import Qwen2, Qwen2Config

CPU = Device(torch.device("cpu"), torch.float32, "test CPU")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def random_model(vocab_size: int, seed: int = 0, layers: int = 2) -> Qwen2:
    """A model with weights large enough that its greedy choices are clear ones."""
    torch.manual_seed(seed)
    model = Qwen2(Qwen2Config(vocab_size, 32, 48, layers, 4, 2, rope_theta=10_000.0, max_position_embeddings=4096))
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3 if "embed" not in name else 1.0)
    return model.eval()


def stubborn_model(vocab_size: int, best: int, next_best: int) -> Qwen2:
    """A model that likes one token best and another next, whatever comes before."""
    model = random_model(vocab_size)

    def project(states: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(states), vocab_size)
        logits[:, best], logits[:, next_best] = 2, 1
        return logits

    model.project = project
    return model


def write_base(folder: Path, tokenizer_folder: Path, model: Qwen2 | None = None, seed: int = 0) -> Base:
    """Write a base model's folder and resolve it."""
    folder.mkdir(parents=True)
    for name in TOKENIZER_FILES:
        if (tokenizer_folder / name).is_file():
            shutil.copy(tokenizer_folder / name, folder / name)
    vocab_size = json.loads((tokenizer_folder / "config.json").read_text())["vocab_size"]
    model = model or random_model(vocab_size, seed)
    save_file(
        {name: parameter.detach().clone() for name, parameter in model.named_parameters()}, folder / "model.safetensors"
    )
    config = {name: getattr(model.config, name) for name in Qwen2Config.__dataclass_fields__}
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2", **config}))
    (folder / "base.json").write_text(json.dumps({"id": f"test/{folder.name}"}))
    return resolve_base(ModelSettings(base=str(folder)))


def write_version(models_dir: Path, name: str, base: Base, seed: int = 1, size: float = 0.2, seal: bool = True) -> Path:
    """Write a version with a random adapter; `size` 0 makes one that changes nothing."""
    model = load_model(base, CPU)
    lora.attach(model, r=2, alpha=4, seed=seed)
    torch.manual_seed(seed)
    for key, parameter in lora.lora_parameters(model).items():
        if "lora_B" in key:
            torch.nn.init.normal_(parameter, std=size) if size else torch.nn.init.zeros_(parameter)
    folder = models_dir / name
    lora.save_adapter(model, folder, base_id=base.id, revision=None)
    if seal:
        seal_version(folder, base)
    return folder


def seal_version(folder: Path, base: Base, test: Path | None = None) -> None:
    path = str(test.with_name("train.jsonl")) if test else "data/train.jsonl"
    registry.seal(folder, base=base.identity(), dataset={"path": path, "digest": "d" * 64, "examples": 3})

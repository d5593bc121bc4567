"""Small versions for the registry's tests: real safetensors, real manifests, a few hundred bytes each."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from hive_mind import registry
from hive_mind.files import write_json

BASE = {"id": "hive-mind/tiny-base", "revision": None, "digest": "b" * 64}
DATASET = {"path": "data/train.jsonl", "digest": "d" * 64, "examples": 21}
PROMOTE = {"decision": "promote", "reasons": ["12 more calls right"]}


def adapter(folder: Path, seed: int = 0) -> Path:
    """A trained but unsealed version."""
    folder.mkdir(parents=True)
    weights = np.random.default_rng(seed).standard_normal((2, 3)).astype(np.float32)
    save_file({"base_model.model.lora_A.weight": weights}, folder / "adapter_model.safetensors")
    write_json(folder / "adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": BASE["id"]})
    write_json(folder / "run.json", {"version": folder.name, "seed": seed})
    return folder


def sealed(models_dir: Path, name: str, seed: int = 0) -> Path:
    """A sealed version."""
    folder = adapter(models_dir / name, seed)
    registry.seal(folder, base=BASE, dataset=DATASET)
    return folder


def tamper(folder: Path) -> None:
    """Change one byte of the weights, size and all else as before."""
    file = folder / "adapter_model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))

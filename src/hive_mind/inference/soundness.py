"""Whether a version could be served: as it was sealed, its base the recorded one, an adapter that loads and has effect.

No base weights are loaded and nothing is fetched for this, so that it takes a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hive_mind import registry
from hive_mind.errors import HiveMindError
from hive_mind.inference.load import local_bases
from hive_mind.model import lora
from hive_mind.model.base import Base, ModelSettings
from hive_mind.model.qwen2 import Qwen2, Qwen2Config


@dataclass(frozen=True)
class Soundness:
    """What is wrong with a version, one sentence each, and what could not be tried."""

    problems: tuple[str, ...]
    not_tried: str = ""


def examine(folder: Path, settings: ModelSettings) -> Soundness:
    """Check a sealed version's digests, its adapter's numbers and, where its base is at hand, that it fits that base.

    Raises UsageError if the folder is not sealed at all.
    """
    problems = registry.verify(folder)
    if problems:
        return Soundness(tuple(problems))
    recorded = registry.load_manifest(folder).base
    problems = _numbers(folder)
    base = next((base for base in local_bases(recorded, settings) if base.digest == recorded["digest"]), None)
    if base is None:
        missing = f"its base {recorded['id']} (digest {str(recorded['digest'])[:12]}) is not at hand"
        return Soundness(tuple(problems), f"{missing}, so whether it fits was not tried; give it with --base DIR")
    return Soundness((*problems, *_fit(folder, base, recorded)))


def _numbers(folder: Path) -> list[str]:
    from safetensors.torch import load_file

    tensors = load_file(folder / lora.WEIGHTS_FILE)
    broken = lora.not_finite(tensors)
    if broken:
        return [f"{len(broken)} tensors are not finite (first: {broken[0]})"]
    written = [tensor for name, tensor in tensors.items() if "lora_B" in name]
    if written and not any(torch.any(tensor) for tensor in written):
        return ["it changes nothing: every B matrix is zero"]
    return []


def _fit(folder: Path, base: Base, recorded: Mapping[str, Any]) -> list[str]:
    if base.id != recorded["id"]:
        return [f"its base is recorded as {recorded['id']}, but these weights are {base.id}"]
    with torch.device("meta"):
        model = Qwen2(Qwen2Config.from_folder(base.folder))
    try:
        lora.load_adapter(model, folder)
    except HiveMindError as error:
        return [str(error)]
    return []

"""A run that goes on from another version's adapter in place of a fresh one: its tensors, and what must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.model.lora import CONFIG_FILE, TARGETS, WEIGHTS_FILE, load_tensors, read_adapter
from hive_mind.model.qwen2 import Qwen2
from hive_mind.training.request import TrainRequest


def initial_identity(request: TrainRequest) -> dict[str, Any]:
    """Return what of the initial adapter belongs to a run's identity: a digest of its files; nothing without one.

    Raises UsageError if it is not a sealed version on the request's base, HiveMindError if it was changed since.
    """
    folder = request.initial
    if folder is None:
        return {}
    manifest = registry.load_manifest(folder)
    if problems := registry.verify(folder):
        raise HiveMindError(
            f"{folder} is not as it was sealed ({problems[0]}), so nothing can start from it; restore it from a backup"
        )
    if manifest.base["digest"] != request.base.digest:
        raise UsageError(
            f"{folder.name} was trained on {manifest.base['id']} (digest {manifest.base['digest'][:12]}), not on "
            f"{request.base.id} (digest {request.base.digest[:12]}); start from a version of the same base"
        )
    return {"initial": ":".join(manifest.files[name].sha256 for name in (WEIGHTS_FILE, CONFIG_FILE))}


def load_initial(model: Qwen2, request: TrainRequest) -> None:
    """Give the adapters attached to `model` the initial version's tensors, as fp32 masters.

    Raises UsageError unless its rank, alpha and layers are those of the request's settings.
    """
    assert request.initial is not None
    adapter, settings = read_adapter(request.initial), request.settings
    if (adapter.r, adapter.alpha) != (settings.lora_r, settings.lora_alpha) or set(adapter.targets) != set(TARGETS):
        raise UsageError(
            f"{request.initial.name} is a LoRA of r={adapter.r}, alpha={adapter.alpha:g} on "
            f"{', '.join(adapter.targets)}, which training.lora_r={settings.lora_r} and "
            f"training.lora_alpha={settings.lora_alpha:g} do not fit; set them to the version's"
        )
    load_tensors(model, adapter.tensors, adapter.origin)


def parent_of(request: TrainRequest) -> str | None:
    """Return the version that a run continues: the one that is named, else the one it starts from."""
    return request.parent or (request.initial.resolve().name if request.initial is not None else None)


def tensors_of(folder: Path | None) -> dict[str, Any]:
    """Return the tensors that a run began with where they are not zero; none without an initial version."""
    return {} if folder is None else read_adapter(folder).tensors

"""Base models: from the hub, from a folder, or the tiny one that the package carries; named by id, revision, digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch

from hive_mind.config import Settings, setting
from hive_mind.device import Device
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import sha256_file
from hive_mind.hub import LOCK_FILE
from hive_mind.model.qwen2 import Qwen2, Qwen2Config

TINY = "tiny"
TINY_FOLDER = Path(__file__).parent.parent / "assets" / "tiny_base"
IDENTITY_FILE = "base.json"
HUB_FILES = ("*.safetensors", "*.json", "*.jinja", "merges.txt")


class ModelSettings(Settings):
    """Which base model to train and evaluate on."""

    base: str = setting("Qwen/Qwen2.5-0.5B", "a model on the hub, a folder with its files, or `tiny`: the packaged one")
    revision: str | None = setting(None, "a commit, tag or branch on the hub; the lock file pins what was resolved")
    lock: Path = setting(LOCK_FILE, "where the resolved commit and the files' sha256 are recorded")


@dataclass(frozen=True)
class Base:
    """A base model at hand. `digest` is over the weights, so equal weights are the same base wherever they lie."""

    id: str
    revision: str | None
    digest: str
    folder: Path

    def identity(self) -> dict[str, str | None]:
        """What versions record of their base: never a local path."""
        return {"id": self.id, "revision": self.revision, "digest": self.digest}


def resolve_base(settings: ModelSettings) -> Base:
    """Find the base's files, downloading them if need be.

    Raises UsageError for a folder without config or weights, HiveMindError if the hub cannot be reached.
    """
    if settings.base == TINY:
        return _local(TINY_FOLDER)
    folder = Path(settings.base).expanduser()
    if folder.is_dir():
        return _local(folder)
    if settings.base.count("/") != 1 or settings.base.startswith((".", "/", "~")):
        raise UsageError(f"model.base={settings.base} is neither a folder nor a model's name on the hub (owner/name)")
    from hive_mind.hub import download

    fetched = download(
        settings.base, repo_type="model", patterns=HUB_FILES, revision=settings.revision, lock=settings.lock
    )
    check_folder(fetched.folder)
    return Base(settings.base, fetched.revision, weights_digest(fetched.folder), fetched.folder)


def check_folder(folder: Path) -> None:
    """Raise UsageError unless the folder holds a Qwen2 config, safetensors weights and a tokenizer."""
    Qwen2Config.from_folder(folder)
    if not list(folder.glob("*.safetensors")):
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        why = "only pickled weights, which are never loaded" if pickled else "no weights (*.safetensors)"
        raise UsageError(f"{folder} holds {why}; put the model's safetensors files there or give its name on the hub")
    if not (folder / "tokenizer.json").is_file():
        raise UsageError(f"{folder} holds no tokenizer.json; copy the base model's tokenizer files into it")


def load_model(base: Base, device: Device) -> Qwen2:
    """Load the base's weights in the device's compute format, frozen.

    Raises HiveMindError if tensors are missing, unknown, misshapen or the file is damaged.
    """
    config = Qwen2Config.from_folder(base.folder)
    with torch.device("meta"):
        model = Qwen2(config)
    tensors = _read_tensors(base.folder)
    if config.tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    expected = {name: parameter.shape for name, parameter in model.named_parameters()}
    missing = sorted(expected.keys() - tensors.keys())
    unknown = sorted(tensors.keys() - expected.keys())
    wrong = sorted(name for name in expected.keys() & tensors.keys() if expected[name] != tensors[name].shape)
    if missing or unknown or wrong:
        first = (missing + unknown + wrong)[0]
        raise HiveMindError(
            f"the weights in {base.folder} do not match its config.json ({len(missing)} missing, "
            f"{len(unknown)} unknown, {len(wrong)} of another shape; first: {first}); fetch the model again"
        )
    # Always a copy: safetensors maps the file, and a mapped file that is replaced in place kills the process (SIGBUS).
    placed = {name: tensor.to(device.torch_device, device.dtype, copy=True) for name, tensor in tensors.items()}
    model.load_state_dict(placed, strict=True, assign=True)
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    model.inverse_frequencies = (config.rope_theta**-exponents).to(device.torch_device)
    model.requires_grad_(False)
    return model.eval()


def weights_digest(folder: Path) -> str:
    """Return one sha256 over the folder's safetensors files, in name order."""
    files = sorted(folder.glob("*.safetensors"))
    return hashlib.sha256("".join(sha256_file(file) for file in files).encode()).hexdigest()


def _local(folder: Path) -> Base:
    check_folder(folder)
    identity = _recorded_identity(folder)  # what the folder says of itself; a revision in the settings is the hub's
    return Base(identity["id"] or folder.resolve().name, identity["revision"], weights_digest(folder), folder)


def _recorded_identity(folder: Path) -> dict[str, str | None]:
    """The name that the folder itself gives: base.json of a built base, else the hub name that config.json kept."""
    file = folder / IDENTITY_FILE
    if file.is_file():
        recorded = json.loads(file.read_text(encoding="utf-8"))
        return {"id": recorded.get("id"), "revision": recorded.get("revision")}
    name = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_name_or_path") or ""
    looks_like_hub = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    return {"id": name if looks_like_hub else None, "revision": None}


def _read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            tensors.update(load_file(file))
        except SafetensorError as error:
            raise HiveMindError(f"{file} is damaged ({error}); fetch the model again") from None
    return tensors

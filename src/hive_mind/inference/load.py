"""From a name to a model in memory: find its base, load that once, put a version's adapter on it or take it off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.chat.tokenizer import ChatTokenizer, load_tokenizer
from hive_mind.device import Device
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.inference.constraint import Constraints
from hive_mind.inference.engine import Engine
from hive_mind.model import lora
from hive_mind.model.adapters import Adapters
from hive_mind.model.base import TINY, TINY_FOLDER, Base, ModelSettings, load_model, resolve_base, weights_digest
from hive_mind.model.qwen2 import Qwen2

BASE = "base"


class UnusableVersion(HiveMindError):
    """A version that must not be measured or served: changed after sealing, not finite, or without effect."""

    version: str | None = None
    """Its name, where several models are measured and it has to be told which of them it was."""


class WrongBase(UnusableVersion):
    """An adapter was about to be put on a base model that it was not trained on."""


@dataclass(frozen=True)
class ModelReference:
    """A model by name: a base, or a version (`adapter` is its folder) on its base."""

    name: str
    base: Base
    adapter: Path | None = None

    @property
    def adapter_digest(self) -> str | None:
        """Digest of the adapter's weights and configuration as sealed; None for a plain base."""
        if self.adapter is None:
            return None
        files = registry.load_manifest(self.adapter).files
        return ":".join(files[name].sha256 for name in (lora.WEIGHTS_FILE, lora.CONFIG_FILE))


def refer(models_dir: Path, name: str, settings: ModelSettings, known: Sequence[Base] = ()) -> ModelReference:
    """Find a model by name: `base`, `latest`, a version or the path of one.

    A version's base is the one its manifest records. Raises UsageError if there is no such model or its base is not
    at hand.
    """
    if name == BASE:
        return ModelReference(BASE, resolve_base(settings))
    folder = registry.resolve(models_dir, name)
    return ModelReference(folder.name, find_base(registry.load_manifest(folder).base, settings, known), folder)


def find_base(identity: Mapping[str, Any], settings: ModelSettings, known: Sequence[Base] = ()) -> Base:
    """Return the base with the recorded digest: a known one, the one in `settings`, the packaged one, or the hub's.

    Raises UsageError if none of them has these weights, HiveMindError if the hub is needed and cannot be reached.
    """
    name, digest = str(identity["id"]), str(identity["digest"])
    for base in known:
        if base.digest == digest:
            return base
    for place in _places(name, identity["revision"], settings):
        base = resolve_base(place)
        if base.digest == digest:
            return base
    raise UsageError(
        f"the base model {name} (digest {digest[:12]}) is not at hand: neither the packaged one nor model.base="
        f"{settings.base} has these weights; give its folder with model.base=DIR"
    )


def local_bases(identity: Mapping[str, Any], settings: ModelSettings) -> Iterator[Base]:
    """Yield the bases on this machine that may be the recorded one; nothing is fetched.

    They are the one in `settings` if it is a folder, the packaged one, and the hub's if its cache has it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    for place in _places(str(identity["id"]), identity["revision"], settings):
        if place.base == TINY or Path(place.base).expanduser().is_dir():
            yield resolve_base(place)
            continue
        try:
            folder = Path(snapshot_download(place.base, revision=place.revision, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError):
            continue
        if list(folder.glob("*.safetensors")):
            yield Base(place.base, identity["revision"], weights_digest(folder), folder)


def _places(name: str, revision: str | None, settings: ModelSettings) -> Iterator[ModelSettings]:
    """Where a base may lie, nearest first."""
    if settings.base == TINY or Path(settings.base).expanduser().is_dir():
        yield settings
    packaged = settings.model_copy(update={"base": TINY, "revision": None})
    if TINY_FOLDER.is_dir():
        yield packaged
    if name.count("/") == 1 and not (TINY_FOLDER.is_dir() and resolve_base(packaged).id == name):
        yield settings.model_copy(update={"base": name, "revision": revision})


@dataclass
class Loaded:
    """A base in memory with the adapters taken in over it.

    `name` says what `model` computes as at present, outside of an engine, and `adapter` under which name requests to an
    engine ask for the same.
    """

    base: Base
    model: Qwen2
    adapters: Adapters
    tokenizer: ChatTokenizer
    device: Device
    name: str = BASE
    adapter: str | None = None

    def add(self, reference: ModelReference) -> str | None:
        """Take a version's adapter in beside the others; returns the name that requests ask for it by, None for a base.

        Raises WrongBase if the adapter belongs to another base, UnusableVersion if a file was changed after sealing
        or a tensor is not finite; the adapters are as before then.
        """
        if reference.base.digest != self.base.digest:
            raise ValueError(f"{reference.name} is not on the loaded base {self.base.id}")
        if reference.adapter is None:
            return None
        check_version(reference.adapter, self.base)
        adapter = lora.read_adapter(reference.adapter)
        broken = lora.not_finite(adapter.tensors)
        if broken:
            raise UnusableVersion(
                f"{reference.name} holds {len(broken)} tensors that are not finite (first: {broken[0]}); train it again"
            )
        self.adapters.add(reference.name, adapter)
        return reference.name

    def become(self, reference: ModelReference) -> None:
        """Compute as this version or plain base from now on, with no other adapter in memory.

        Raises what `add` raises; the model is the plain base then.
        """
        for name in list(self.adapters.columns):
            self.adapters.drop(name)
        self.name, self.adapter = reference.name, None
        self.adapter = self.add(reference)
        self.adapters.use(self.adapter)

    def engine(self, batch_tokens: int = 32_768) -> Engine:
        """Return an engine over the model and its adapters."""
        return Engine(self.model, self.adapters, batch_tokens)

    @cached_property
    def constraints(self) -> Constraints:
        """What holds replies to the declared tools; made when it is first asked for, in about a second."""
        return Constraints(self.tokenizer, self.model.config.vocab_size)


def load(base: Base, device: Device) -> Loaded:
    """Load a base model and its tokenizer. Raises what load_model and load_tokenizer raise."""
    model = load_model(base, device)
    return Loaded(base, model, Adapters(model), load_tokenizer(base.folder), device)


def check_version(folder: Path, base: Base) -> None:
    """Raise WrongBase or UnusableVersion unless the version is as it was sealed and was trained on `base`."""
    problems = registry.verify(folder)
    if problems:
        raise UnusableVersion(
            f"{folder.name} is not as it was sealed: {problems[0]}; restore it from a backup or train it again"
        )
    recorded = registry.load_manifest(folder).base
    if recorded["digest"] != base.digest:
        raise WrongBase(
            f"wrong base: {folder.name} was trained on {recorded['id']} (digest {recorded['digest'][:12]}), not on "
            f"{base.id} (digest {base.digest[:12]}); give the right one with model.base=DIR"
        )

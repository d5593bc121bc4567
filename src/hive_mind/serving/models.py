"""Names to models in memory: each base once, the versions on it side by side, what nobody asks for any more let go.

`latest` is looked up anew for every request, so that a promotion takes effect between two of them. Rows that are being
answered keep their version in memory; it goes when the last of them has left. A version on another base has that loaded
in a thread of its own, while the rows on the old one go on.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch

from hive_mind import registry
from hive_mind.device import Device, is_out_of_memory, pick, release_memory
from hive_mind.errors import HiveMindError
from hive_mind.inference.load import BASE, Loaded, ModelReference, find_base, load
from hive_mind.inference.prefixes import PrefixStore
from hive_mind.inference.running import Running
from hive_mind.model.base import TINY, Base, ModelSettings, resolve_base
from hive_mind.progress import say
from hive_mind.serving.ask import Unavailable
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.names import LATEST_NAMES, folder_of

REFUSED_SECONDS = 10.0
"""So long a version that could not be loaded is not tried again."""


@dataclass(frozen=True)
class Target:
    """What a name means at this moment. `folder` None: a plain base; `digest` None: the base of the settings."""

    version: str
    folder: Path | None = None
    base: str = ""
    revision: str | None = None
    digest: str | None = None


@dataclass(eq=False)
class Host:
    """A base in memory, and the rows that it and the adapters over it are answering."""

    loaded: Loaded
    running: Running = field(init=False)
    prefix_tokens: int

    def __post_init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Have no rows, no keys and values, and nothing kept of earlier prompts."""
        self.running = Running(self.loaded.model, self.loaded.adapters, PrefixStore(self.prefix_tokens))

    def drop(self, adapter: str) -> None:
        """Let an adapter go, with what it has read."""
        self.running.prefixes.forget(self.loaded.adapters.serials[adapter])
        self.loaded.adapters.drop(adapter)


class Models:
    """The models in memory. `problem`: why not what `latest` means is served but the version before; else empty."""

    def __init__(self, models_dir: Path, settings: EngineSettings) -> None:
        self.models_dir, self.settings = models_dir, settings
        self.hosts: dict[str, Host] = {}  # by the base's digest
        self.problem = ""
        self.served: Target | None = None
        self._asked: deque[Target] = deque(maxlen=settings.idle_adapters)  # by a name of their own
        self._refused: dict[Target, tuple[float, HiveMindError]] = {}
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="load-base")
        self._loading: dict[str | None, Future[tuple[Base, Loaded | None]]] = {}
        self._default: str | None = None  # digest of the settings' base
        self._device: Device | None = None

    def find(self, name: str) -> tuple[Target, Host] | None:
        """Return what a name means now, in memory; None as long as its base is being loaded.

        Raises HiveMindError if it cannot be served; for `latest`, the version served before is returned instead, and
        the reason is said once.
        """
        target: Target | None = None
        try:
            target = self._target(name)
            host = self._place(target)
            problem = ""
        except HiveMindError as error:
            if name not in LATEST_NAMES or self.served is None or target == self.served:
                raise
            target, problem = self.served, str(error)
            host = self._place(target)
        if host is None:
            return None
        if name in LATEST_NAMES:
            if problem and problem != self.problem:
                say(f"{problem}; {target.version} goes on being served")
            self.served, self.problem = target, problem
        elif target not in self._asked:
            self._asked.append(target)
        return target, host

    @property
    def loading(self) -> bool:
        """Whether a base is being loaded."""
        return bool(self._loading)

    def sweep(self, used: Set[Target]) -> None:
        """Let go of adapters and bases that no request uses and nobody is likely to ask for."""
        kept = {*used, *self._asked} | ({self.served} if self.served is not None else set())
        for digest, host in list(self.hosts.items()):
            here = [target for target in kept if (target.digest or self._default) == digest]
            if not here:
                del self.hosts[digest], host
                _collect()
                continue
            for adapter in [*host.loaded.adapters.columns]:
                if adapter not in {target.version for target in here if target.folder is not None}:
                    host.drop(adapter)
        if not used:  # whoever waited for them has gone
            self._loading = {digest: load for digest, load in self._loading.items() if not load.done()}

    def close(self) -> None:
        """Let everything go."""
        self._loader.shutdown(wait=True, cancel_futures=True)
        self.hosts.clear()

    def _target(self, name: str) -> Target:
        """Look a name up in the registry, without loading anything."""
        folder = None
        if name != BASE:
            folder = folder_of(self.models_dir, name)
        elif self.settings.base is None and registry.latest(self.models_dir) is not None:
            folder = folder_of(self.models_dir, registry.LATEST)
        if folder is None:
            return Target(BASE)
        base = registry.load_manifest(folder).base
        identity = str(base["id"]), base["revision"], str(base["digest"])
        return Target(BASE, None, *identity) if name == BASE else Target(folder.name, folder, *identity)

    def _place(self, target: Target) -> Host | None:
        """Have a target in memory; None as long as its base is being loaded."""
        until, refusal = self._refused.get(target, (0.0, None))
        if refusal is not None and time.monotonic() < until:
            raise refusal
        try:
            host = self._host(target)
            if host is not None and target.folder is not None and target.version not in host.loaded.adapters.columns:
                host.loaded.add(ModelReference(target.version, host.loaded.base, target.folder))
        except (HiveMindError, OSError, RuntimeError, MemoryError) as error:
            refusal = _refusal(target, error)
            self._refused[target] = time.monotonic() + REFUSED_SECONDS, refusal
            raise refusal from error
        self._refused.pop(target, None)
        return host

    def _host(self, target: Target) -> Host | None:
        digest = target.digest or self._default
        if digest in self.hosts:
            return self.hosts[digest]
        if target.digest not in self._loading:
            self._loading[target.digest] = self._loader.submit(self._load, target, frozenset(self.hosts))
        if not self._loading[target.digest].done():
            return None
        base, loaded = self._loading.pop(target.digest).result()
        if target.digest is None:
            self._default = base.digest
        if loaded is not None and base.digest not in self.hosts:
            self.hosts[base.digest] = Host(loaded, self.settings.prefix_tokens)
        return self.hosts.get(base.digest)  # none if it was let go meanwhile: then it is loaded after all

    def _load(self, target: Target, present: frozenset[str]) -> tuple[Base, Loaded | None]:
        """Find a base, and load it unless it is in memory; in the loading thread."""
        settings = ModelSettings(base=self.settings.base or TINY)
        if target.digest is None:
            base = resolve_base(settings)
        else:
            identity = {"id": target.base, "revision": target.revision, "digest": target.digest}
            base = find_base(identity, settings)
        if base.digest in present:
            return base, None
        self._device = self._device or pick(self.settings.device, self.settings.dtype)
        return base, load(base, self._device)


def _refusal(target: Target, error: BaseException) -> HiveMindError:
    """Return why a target cannot be served, as a sentence; raises what is no fault of the target's."""
    if isinstance(error, HiveMindError):
        return Unavailable(str(error))
    if isinstance(error, OSError):
        return Unavailable(f"{target.version} cannot be read ({error}); check its folder's files and permissions")
    if not is_out_of_memory(error):
        raise error
    release_memory(error)
    return Unavailable(f"the memory is too small for {target.version} beside what is served now; free some")


def _collect() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

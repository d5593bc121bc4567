"""What the nightly job gets of this machine: variables of the environment, folders to write to, a network."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import make_url

from hive_mind.hub import cache_folder, is_here
from hive_mind.learning.settings import LearningSettings
from hive_mind.model.base import HUB_FILES, TINY, ModelSettings
from hive_mind.progress import say
from hive_mind.suites.published import HUB
from hive_mind.usage.store import database_file

CARRIED = (
    "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HIVE_MIND_CACHE", "XDG_CACHE_HOME", "CXX",
    "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "HSA_OVERRIDE_GFX_VERSION",
)  # fmt: skip
"""Variables that decide what is read, cached and computed on; none is a token, which has no place in a unit."""


def environment() -> dict[str, str]:
    """Return the variables of now that the job is to have too: a timer and cron begin with nearly none."""
    found = {name: os.environ[name] for name in CARRIED if os.environ.get(name)}
    if "@" in found.get("HF_ENDPOINT", ""):
        say("HF_ENDPOINT holds a login and is not written down for the nightly job; fetch the base model beforehand")
        del found["HF_ENDPOINT"]
    return found


def writable(settings: LearningSettings, folder: Path) -> tuple[Path, ...]:
    """Return the folders that a cycle writes to, relative ones below `folder`: all that it may write to."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    database = database_file(settings.usage)
    found = [
        settings.models_dir, settings.dir, settings.usage.spool, settings.usage.exports, settings.model.lock.parent,
        *([database.parent] if database is not None else []), caches, cache_folder(),
        Path(os.environ.get("HIVE_MIND_CACHE") or caches),
    ]  # fmt: skip
    whole = sorted({folder / path.expanduser() for path in found})
    return tuple(path for path in whole if not any(parent in whole for parent in path.parents))


def needs_network(settings: LearningSettings) -> bool:
    """Tell whether the job talks to anything but files: a webhook, a database at an address, the hub.

    A database on this machine's own loopback counts as well, for a job without a network has a loopback of its own. The
    hub is asked for a base that is not here yet, and for suites that are named by the word.
    """
    return (
        settings.notify.webhook is not None
        or _is_at_an_address(settings.usage.url)
        or not _is_here(settings.model)
        or any(path == HUB for path in settings.evaluation.suites.named().values())
    )


def _is_at_an_address(url: str) -> bool:
    if "://" not in url:
        return False
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host")
    return parsed.get_backend_name() != "sqlite" and host is not None and not str(host).startswith("/")


def _is_here(model: ModelSettings) -> bool:
    if model.base == TINY or Path(model.base).expanduser().is_dir():
        return True
    return is_here(model.base, repo_type="model", patterns=HUB_FILES, revision=model.revision, lock=model.lock)

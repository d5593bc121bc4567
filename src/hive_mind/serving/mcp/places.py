"""Paths in settings, made absolute: servers, proxies and hooks are started wherever a client happens to be."""

from __future__ import annotations

from pathlib import Path

from hive_mind.usage.settings import UsageSettings


def inside(folder: Path, path: Path) -> Path:
    """Return a path as it is meant from a folder."""
    return (folder.expanduser() / path.expanduser()).absolute()


def placed(settings: UsageSettings, folder: Path) -> UsageSettings:
    """Return the settings of the store with its paths inside a folder."""
    url = settings.url if "://" in settings.url else str(inside(folder, Path(settings.url)))
    paths = {"url": url, "spool": inside(folder, settings.spool), "exports": inside(folder, settings.exports)}
    return settings.model_copy(update=paths)

"""Names that a request may ask a model by, without torch: versions and aliases, never a path."""

from __future__ import annotations

from pathlib import Path

from hive_mind import registry
from hive_mind.errors import UsageError
from hive_mind.serving.ask import UnknownModel

BASE = "base"
LATEST_NAMES = (registry.LATEST, "champion")


def folder_of(models_dir: Path, name: str) -> Path:
    """Return the folder of the version that a name means now.

    Raises UnknownModel if it means none, HiveMindError if `latest` is damaged.
    """
    if Path(name).name != name or name.startswith((".", "~")):
        raise UnknownModel(f"{name!r} is no name of a model; ask for latest, base, an alias or a version")
    try:
        return models_dir / registry.name_of(models_dir, name)
    except UsageError as error:
        raise UnknownModel(str(error)) from error


def check_name(models_dir: Path, name: str) -> None:
    """Raise UnknownModel if a name means no model."""
    if name not in (BASE, *LATEST_NAMES):
        folder_of(models_dir, name)

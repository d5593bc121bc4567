"""What every day of learning starts from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hive_mind import registry
from hive_mind.errors import UsageError
from hive_mind.learning.dataset import foundation_rows
from hive_mind.learning.days import history
from hive_mind.learning.settings import LearningSettings


@dataclass(frozen=True)
class Foundation:
    """The version that days start from, what is served now, and the file that the former was trained on."""

    version: str
    champion: str
    data: Path


def find_foundation(settings: LearningSettings) -> Foundation:
    """Return the foundation. Raises UsageError if there is none, or its training file is not at hand."""
    champion = registry.latest(settings.models_dir)
    version = settings.foundation or last_foundation(settings)
    if champion is None or version is None:
        raise UsageError(
            f"nothing was promoted in {settings.models_dir} yet, so there is no foundation to learn from; make one "
            "with `hive-mind run CONFIG`"
        )
    manifest = registry.load_manifest(registry.resolve(settings.models_dir, version))
    data = settings.foundation_data or Path(manifest.dataset["path"])
    next(foundation_rows(data), None)  # which is to be at hand before anything is begun
    return Foundation(version, champion, data)


def last_foundation(settings: LearningSettings) -> str | None:
    """Return what is served, or if cycles made that, the version that the first of them began from.

    Not what was promoted last by hand: that may have been rolled back since.
    """
    candidates = {line["candidate"] for line in history(settings.dir)}
    daily = re.compile(rf"{re.escape(settings.name)}_v\d+")
    version = registry.latest(settings.models_dir)
    while version is not None and (version in candidates or daily.fullmatch(version)):
        version = registry.load_manifest(registry.resolve(settings.models_dir, version)).parent
    return version

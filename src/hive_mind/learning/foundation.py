"""What every day of learning starts from, and what of it is to be unlearnt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hive_mind import registry
from hive_mind.errors import UsageError
from hive_mind.learning.dataset import foundation_rows
from hive_mind.learning.judging import last_foundation
from hive_mind.learning.provenance import forgotten_of
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


def forgotten_in_served(settings: LearningSettings) -> int:
    """Count what a daily version that is served has learnt and was to forget; training again leaves it out."""
    served = registry.latest(settings.models_dir)
    if served is None or served == (settings.foundation or last_foundation(settings)):
        return 0
    return len(forgotten_of(Path(registry.load_manifest(settings.models_dir / served).dataset["path"])))

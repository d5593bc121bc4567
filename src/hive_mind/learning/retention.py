"""What remains of past days: the records always, rows and weights of what was not promoted for so many days."""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.learning.dataset import DATASET_FOLDER, EXPORT_FOLDER
from hive_mind.learning.days import Day, all_days
from hive_mind.learning.settings import LearningSettings
from hive_mind.learning.suite import SUITE_FILE


def clean_up(settings: LearningSettings, today: Day) -> JSON:
    """Remove what is older than `keep.days`: suites, candidates that were never promoted, and their datasets.

    The dataset of a version that is here stays, for its provenance leads through it. Returns what was removed.
    """
    oldest = (date.fromisoformat(today.name) - timedelta(days=settings.keep.days)).isoformat()
    promoted = {entry.version for entry in registry.history(settings.models_dir)}
    meant = set(registry.aliases(settings.models_dir).values())
    removed: JSON = {"versions": [], "datasets": []}
    for day in all_days(settings.dir):
        if day.name >= oldest or not day.finished:
            continue
        version = day.record["steps"].get("plan", {}).get("result", {}).get("version")
        if version is not None and version not in promoted | meant:
            if _remove_version(settings, version):
                removed["versions"].append(version)
            if (day.folder / DATASET_FOLDER).is_dir():
                shutil.rmtree(day.folder / DATASET_FOLDER)
                removed["datasets"].append(day.name)
        shutil.rmtree(day.folder / EXPORT_FOLDER, ignore_errors=True)
        for file in day.folder.glob(f"{SUITE_FILE.removesuffix('.jsonl')}*.jsonl"):
            file.unlink()
    return removed


def _remove_version(settings: LearningSettings, version: str) -> bool:
    folder = settings.models_dir / version
    if not folder.is_dir():
        return False
    if registry.is_sealed(folder):
        registry.remove(settings.models_dir, version)
    else:
        shutil.rmtree(folder)  # the training of a failed day, which nobody goes on with
    return True

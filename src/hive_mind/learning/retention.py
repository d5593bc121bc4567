"""What remains of past days: the records always, rows and weights of what was not promoted for so many days."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.curation.forgotten import FORGOTTEN_NAME
from hive_mind.curation.manifest import MANIFEST_NAME
from hive_mind.files import read_jsonl, write_jsonl
from hive_mind.learning.dataset import DATASET_FOLDER
from hive_mind.learning.days import Day, all_days
from hive_mind.learning.settings import LearningSettings
from hive_mind.learning.suite import SUITE_FILE
from hive_mind.usage import teach
from hive_mind.usage.query import Filters
from hive_mind.usage.retention import purge
from hive_mind.usage.store import Store


def clean_up(store: Store, settings: LearningSettings, today: Day) -> JSON:
    """Remove what is older than `keep.days`: suites, candidates that were never promoted, and their datasets.

    The dataset of a version that is here stays, for its provenance leads through it. What was forgotten in the store
    goes from the suites, and the rows of a dataset that holds it go; its index stays. Returns what was removed.
    """
    oldest = (date.fromisoformat(today.name) - timedelta(days=settings.keep.days)).isoformat()
    promoted = {entry.version for entry in registry.history(settings.models_dir)}
    spared = promoted | set(registry.aliases(settings.models_dir).values())
    removed: JSON = {"versions": [], "datasets": [], "interactions": purge(store, today.now)}
    known = {teach.row_id(record.id) for page in store.pages(Filters()) for record in page}
    for day in all_days(settings.dir):
        _forget_in_suite(day.folder / SUITE_FILE, known)
        if day.name == today.name:
            continue
        if (day.folder / DATASET_FOLDER / FORGOTTEN_NAME).is_file():
            _empty(day.folder / DATASET_FOLDER)
        if day.name < oldest and day.finished:
            _remove_old(settings, day, spared, removed)
    return removed


def _remove_old(settings: LearningSettings, day: Day, spared: set[str], removed: JSON) -> None:
    version = day.record["steps"].get("plan", {}).get("result", {}).get("version")
    if version is not None and version not in spared:
        if _remove_version(settings, version):
            removed["versions"].append(version)
        if (day.folder / DATASET_FOLDER).is_dir():
            shutil.rmtree(day.folder / DATASET_FOLDER)
            removed["datasets"].append(day.name)
    for file in day.folder.glob(f"{SUITE_FILE.removesuffix('.jsonl')}*.jsonl"):
        file.unlink()


def _forget_in_suite(file: Path, known: set[str]) -> None:
    rows = [row for _, row in read_jsonl(file)] if file.is_file() else []
    kept = [row for row in rows if row["id"] in known]
    if len(kept) < len(rows):
        write_jsonl(file, kept)


def _empty(dataset: Path) -> None:
    """Delete a dataset's rows and what was made of them; the manifest, the indexes and the note stay."""
    for path in dataset.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in (MANIFEST_NAME, FORGOTTEN_NAME) and not path.name.endswith(".index.jsonl"):
            path.unlink()


def _remove_version(settings: LearningSettings, version: str) -> bool:
    folder = settings.models_dir / version
    if not folder.is_dir():
        return False
    if registry.is_sealed(folder):
        registry.remove(settings.models_dir, version)
    else:
        shutil.rmtree(folder)  # the training of a failed day, which nobody goes on with
    return True

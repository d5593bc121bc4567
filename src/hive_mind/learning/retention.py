"""What remains of past days: the records always, rows and weights of what was not promoted for so many days."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.curation.forgotten import FORGOTTEN_NAME
from hive_mind.curation.manifest import MANIFEST_NAME
from hive_mind.files import read_json, read_jsonl, write_jsonl
from hive_mind.learning.dataset import DATASET_FOLDER, EXPORT_FOLDER
from hive_mind.learning.days import COLLECTED_FILE, Day, all_days
from hive_mind.learning.judging import MEASURED_FILE, MEASUREMENTS
from hive_mind.learning.settings import LearningSettings
from hive_mind.learning.suite import SUITE_FILE
from hive_mind.usage import teach
from hive_mind.usage.query import Filters
from hive_mind.usage.retention import purge
from hive_mind.usage.store import Store


def clean_up(store: Store, settings: LearningSettings, today: Day) -> JSON:
    """Remove what is older than `keep.days`: suites, replies, candidates that were never promoted, and their datasets.

    The dataset of a version that is here stays, for its provenance leads through it. What was forgotten in the store
    goes from the suites, with all replies to these, and the rows of a dataset that holds it go; its index stays.
    Returns what was removed.
    """
    oldest = (date.fromisoformat(today.name) - timedelta(days=settings.keep.days)).isoformat()
    promoted = {entry.version for entry in registry.history(settings.models_dir)}
    spared = promoted | set(registry.aliases(settings.models_dir).values())
    removed: JSON = {"versions": [], "datasets": [], "interactions": purge(store, today.now)}
    known = {teach.row_id(record.id) for page in store.pages(Filters()) for record in page}
    measurements = settings.models_dir / registry.REPORTS / MEASUREMENTS
    every = all_days(settings.dir)
    for day in every:
        _forget_in_suite(day, known, measurements)
        if day.name == today.name:
            continue
        dataset = day.folder / DATASET_FOLDER
        if (dataset / FORGOTTEN_NAME).is_file():
            _empty(dataset)
        if day.finished:
            _remove_unfound(day)
        if day.name < oldest and day.finished:
            _remove_replies(day, measurements)
            _remove_old(settings, day, spared, removed)
    _remove_collected(every, today)
    _remove_measured(measurements, today.now - timedelta(days=settings.keep.days))
    return removed


def _remove_unfound(day: Day) -> None:
    """Remove what a data stage that failed or was killed left: rows without an index, which `forget` cannot find."""
    export, dataset = day.folder / EXPORT_FOLDER, day.folder / DATASET_FOLDER
    for folder in (export, dataset):
        if folder.is_dir() and not (folder / MANIFEST_NAME).is_file():
            shutil.rmtree(folder)


def _remove_replies(day: Day, measurements: Path) -> None:
    """Remove what all models replied to a day's suite; where it is needed again, it is asked again."""
    file = day.folder / MEASURED_FILE
    for name in read_json(file) if file.is_file() else []:
        (measurements / name).unlink(missing_ok=True)


def _remove_collected(every: Sequence[Day], today: Day) -> None:
    """Remove the lists of what days found approved, but for the last attempt, the last judged and the last promoted."""
    past = [day for day in every if day.name <= today.name]
    attempts = [day.name for day in past if day.is_attempt]
    judged = [day.name for day in past if "judge" in day.record["steps"]]
    ends = {day.name: day.record["steps"].get("end", {}).get("result", {}).get("decision") for day in past}
    promoted = [name for name, decision in ends.items() if decision == "promoted"]
    for day in past:
        if day.name not in (*attempts[-1:], *judged[-1:], *promoted[-1:]):
            (day.folder / COLLECTED_FILE).unlink(missing_ok=True)


def _remove_measured(measurements: Path, before: datetime) -> None:
    """Remove measurements of any suite that are older, for a foundation's own questions may be the user's too."""
    for file in measurements.glob("*.json"):
        if file.stat().st_mtime < before.timestamp():
            file.unlink()


def _remove_old(settings: LearningSettings, day: Day, spared: set[str], removed: JSON) -> None:
    version = day.record["steps"].get("plan", {}).get("result", {}).get("version")
    if version is not None and version not in spared:
        if _remove_version(settings, version):
            removed["versions"].append(version)
        if (day.folder / DATASET_FOLDER).is_dir():
            shutil.rmtree(day.folder / DATASET_FOLDER)
            removed["datasets"].append(day.name)
    for file in day.folder.glob(f"{Path(SUITE_FILE).stem}*.json*"):
        file.unlink()


def _forget_in_suite(day: Day, known: set[str], measurements: Path) -> None:
    """Take the rows that the store has no longer out of a suite; the replies first, which nobody looks for later."""
    file = day.folder / SUITE_FILE
    rows = [row for _, row in read_jsonl(file)] if file.is_file() else []
    kept = [row for row in rows if row["id"] in known]
    if len(kept) < len(rows):
        _remove_replies(day, measurements)
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

"""A rollback is told, whenever it happens: in the history, in a day's record and report, and to whoever is notified.

What was taken back is noted in rollback.json before `latest` is swapped, and stays there until the history has it, so
that a process that is killed in between leaves it to the next start.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.files import read_json, write_json
from hive_mind.learning import days, watch
from hive_mind.learning.days import Day
from hive_mind.learning.notify import notify
from hive_mind.learning.report import rolled_back, write_report
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import stamp
from hive_mind.usage.query import Filters
from hive_mind.usage.store import Store

PENDING_FILE = "rollback.json"


def look_back(store: Store, settings: LearningSettings, day: Day, now: datetime) -> JSON | None:
    """Take back what is served if it is worse in use; returns what was taken back and is not told yet.

    It is put into the record of `day`, and told when that day ends, or at once if it has ended already.
    """
    file = settings.dir / PENDING_FILE
    watched = watch.watch(store, settings, now)
    if watched is not None and watched.worse:
        why = f"more answers {', '.join(watched.worse)} than of {watched.previous}"
        write_json(file, {"version": watched.version, "previous": watched.previous, "why": why, "time": stamp(now)})
        write_json(file, watch.take_back(store, settings, watched, now))
    untold = _untold(store, settings, file)
    if untold is None or any(other.record["taken_back"] == untold for other in days.unfinished(settings.dir)):
        return untold  # an attempt that was interrupted has it in its record, and tells it at its end
    if day.finished:
        _tell_late(settings, day, untold)
    else:
        day.record["taken_back"] = untold
        day.save()
    return untold


def told(folder: Path) -> None:
    """Note that the history has the rollback now."""
    (folder / PENDING_FILE).unlink(missing_ok=True)


def _untold(store: Store, settings: LearningSettings, file: Path) -> JSON | None:
    """Return the rollback that is noted. One that was only begun counts if `latest` was swapped before the kill."""
    if not file.is_file():
        return None
    noted: JSON = read_json(file)
    if "quarantined" in noted:
        return noted
    if registry.latest(settings.models_dir) == noted["version"]:
        file.unlink()
        return None
    start = f"{watch.ROLLED_BACK}{noted['version']},"
    held_back = (record for page in store.pages(Filters(state="quarantined")) for record in page)
    noted["quarantined"] = sum((record.reason or "").startswith(start) for record in held_back)
    write_json(file, noted)
    return noted


def _tell_late(settings: LearningSettings, day: Day, back: JSON) -> None:
    """Tell of a rollback on a day that had its outcome before: a line of its own, the record, the report, a notice."""
    record = day.record
    if record["taken_back"] != back:
        record["taken_back"] = back
        record["run"] += 1
        day.save()
    line = {
        "day": day.name, "run": record["run"], "now": back["time"], "attempt": False, "starts": 0,
        "decision": "taken back", "reason": rolled_back(back), "new": 0, "candidate": None,
        "champion": back["previous"], "foundation": None, "scores": {}, "taken_back": back,
    }  # fmt: skip
    days.add_to_history(settings.dir, line)
    told(settings.dir)
    facts = {"day": day.name, "decision": "taken back", "champion": back["previous"], "taken_back": back["version"]}
    notify(settings.notify, "Hive-Mind: taken back", rolled_back(back), facts)
    write_report(settings.dir, day, record["outcome"])

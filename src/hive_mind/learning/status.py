"""What `learn status` shows: the last cycles, what waits, and what is served."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.files import read_json
from hive_mind.learning import days, schedule
from hive_mind.learning.choosing import waiting_rows
from hive_mind.learning.days import COLLECTED_FILE
from hive_mind.learning.forgetting import standing
from hive_mind.learning.pool import collect
from hive_mind.learning.settings import LearningSettings
from hive_mind.learning.trigger import Known, look
from hive_mind.usage.store import opened


def status(settings: LearningSettings, now: datetime, config_home: Path, cycles: int = 10) -> JSON:
    """Return the state of daily learning as plain JSON values; nothing is changed."""
    last = days.last_judged(settings.dir)
    known = Known.from_dict(read_json(last.folder / COLLECTED_FILE)) if last is not None else Known()
    with opened(settings.usage) as store:
        pool = collect(store, settings.held_out, now)
        states = store.stats()["by_state"]
        waiting = waiting_rows(store, settings.held_out)
    to_forget = standing(settings)
    trigger = look(pool.rows, known, settings.trigger, now, to_forget.due, waiting)
    return {
        "served": registry.latest(settings.models_dir),
        "to_forget": to_forget.said(),
        "queue": {
            "new": trigger.new, "needed": settings.trigger.min_new, "enough": trigger.enough, "why": trigger.reason,
            "to_learn": len(pool.to_learn), "held_out": len(pool.held_out), "states": states,
        },
        "unfinished": [
            {"day": day.name, "step": day.record["running"], "starts": day.record["starts"]}
            for day in days.unfinished(settings.dir)
        ],
        "cycles": days.history(settings.dir)[-cycles:],
        "schedule": schedule.scheduled(config_home, now).to_dict(),
        "last_attempt": last.name if last is not None else None,
    }  # fmt: skip

"""A night of the month: the real cycle, and what the plan has happen to it.

A night may find too little new to be an attempt. So the crash and the worse candidate are armed: they happen at the
first attempt from their day on, and the day's `events` tell when that was.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.config import dump
from hive_mind.files import read_json, write_json
from hive_mind.learning import days
from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import say
from hive_mind.training.faults import VARIABLE as FAULTS
from month.recipe import NIGHT, START, WORSE_RATE, Recipe
from month.user import Plan

CRASH, WORSE, POISON, AFTER_POISON = "crash", "tenfold rate", "flood", "first attempt after the flood"
NO_USE, NEW_TOOLS, CHANGED = "no use", "new tools", "changed schema"
COMMAND = "make sim-month"
OUTCOME_FILE = "night.json"


@dataclass(frozen=True)
class Nights:
    """A month's nights, in its folder; each is told the rows of the days before it."""

    folder: Path
    recipe: Recipe
    settings: LearningSettings

    def row(self, day: int, before: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Run the cycle in the night after a day, as it goes that night, and return the day's row."""
        plan, now = self.recipe.plan, START + timedelta(days=day - 1) + NIGHT
        crashing = day >= plan.crash and not happened(before, CRASH)
        # What a crash left is finished with the rate that it was begun with.
        left = bool(days.unfinished(self.settings.dir))
        worse = day >= plan.worse and not happened(before, WORSE) and not crashing and not left
        if crashing:
            outcome = self._killed(now)
            if outcome is None:
                return self._crashed(day, before)
        else:
            outcome = run_cycle(tenfold(self.settings) if worse else self.settings, now, COMMAND).to_dict()
        say(f"day {day}: {outcome['decision']} ({outcome['reason']})")
        events = self._planned(day)
        if worse and self._trained(outcome["day"]):
            events.append(WORSE)
        if outcome["attempt"]:
            events += self._after_poison(day, before)
        return {
            "day": day, "date": outcome["day"], "events": events, "decision": outcome["decision"],
            "reason": told(outcome), "candidate": outcome["candidate"],
            "served": registry.latest(self.settings.models_dir), "taken_back": outcome["taken_back"],
            "finished": [
                {**{key: one[key] for key in ("day", "decision", "candidate")}, "reason": told(one)}
                for one in outcome["before"]
            ],
        }  # fmt: skip

    def _crashed(self, day: int, before: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the row of a night whose cycle was killed, and which is an attempt all the same."""
        left = self._left()
        return {
            "day": day, "date": left.name, "events": [*self._planned(day), CRASH, *self._after_poison(day, before)],
            "decision": "crashed", "reason": f"killed at step {self.recipe.crash_step} of training",
            "candidate": left.result("plan")["version"], "served": registry.latest(self.settings.models_dir),
            "taken_back": None, "finished": [],
        }  # fmt: skip

    def _left(self) -> days.Day:
        """Return the attempt that the crash left, of which there is one."""
        [left] = days.unfinished(self.settings.dir)
        return left

    def _planned(self, day: int) -> list[str]:
        return [event for planned, event in planned_events(self.recipe.plan) if planned == day]

    def _after_poison(self, day: int, before: Sequence[dict[str, Any]]) -> list[str]:
        waits = day >= self.recipe.plan.poisoned and not happened(before, AFTER_POISON)
        return [AFTER_POISON] if waits else []

    def _trained(self, day: str) -> bool:
        return "train" in read_json(self.settings.dir / day / days.CYCLE_FILE)["steps"]

    def _killed(self, now: datetime) -> dict[str, Any] | None:
        """Run a cycle in a process that is killed while it trains.

        Returns None if it was, its outcome if it ended before that step, as it does where too little is new. Raises
        RuntimeError if it ended in another way.
        """
        file = self.folder / OUTCOME_FILE
        file.unlink(missing_ok=True)
        context = multiprocessing.get_context("spawn")
        values = (dump(self.settings), now.isoformat(), self.recipe.crash_step, file)
        child = context.Process(target=_cycle_with_fault, args=values)
        child.start()
        child.join()
        if child.exitcode == 0:
            outcome: dict[str, Any] = read_json(file)
            return outcome
        if child.exitcode != -signal.SIGKILL:
            raise RuntimeError(
                f"the cycle in {self.folder} was to be killed at step {self.recipe.crash_step} of training, and ended "
                f"with exit code {child.exitcode}; what it printed says why"
            )
        return None


def _cycle_with_fault(values: dict[str, Any], now: str, step: int, file: Path) -> None:
    os.environ[FAULTS] = f"kill:at=micro_batch:step={step}"
    outcome = run_cycle(LearningSettings.model_validate(values), datetime.fromisoformat(now), COMMAND)
    write_json(file, outcome.to_dict())


def planned_events(plan: Plan) -> list[tuple[int, str]]:
    """Return what happens on its very day, whatever the night comes to."""
    return [
        (plan.later_tools, NEW_TOOLS),
        (plan.idle, NO_USE),
        (plan.schema_change, CHANGED),
        (plan.poisoned, POISON),
    ]


def happened(rows: Sequence[dict[str, Any]], event: str) -> dict[str, Any] | None:
    """Return the row of the day on which something happened, None where it did not."""
    return next((row for row in rows if event in row["events"]), None)


def tenfold(settings: LearningSettings) -> LearningSettings:
    """Return the settings of the night whose candidate is worse."""
    rate = settings.training.learning_rate * WORSE_RATE
    return settings.model_copy(
        update={"training": settings.training.model_copy(update={"learning_rate": rate})}
    )  # fmt: skip


def told(line: dict[str, Any]) -> str:
    """Return a cycle's reason as it may be published: that of a failure may name files, or quote what was said."""
    return "why stands in the day's report" if line["decision"] == "failed" else str(line["reason"])

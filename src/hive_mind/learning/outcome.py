"""The end of a day: its line in the history first, and then what may fail without the day failing with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_mind.conversation import JSON
from hive_mind.errors import HiveMindError, Interrupted
from hive_mind.learning import days
from hive_mind.learning.days import Day, Decision
from hive_mind.learning.forgetting import standing
from hive_mind.learning.notify import notify
from hive_mind.learning.report import REPORT_FILE, rolled_back, write_report
from hive_mind.learning.retention import clean_up
from hive_mind.learning.rollback import told
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import say
from hive_mind.usage.store import Store


@dataclass(frozen=True)
class CycleOutcome:
    """What a day came to. `before` are attempts of earlier days that this start finished; `taken_back` tells of a
    rollback that it began with."""

    day: str
    decision: Decision
    reason: str
    attempt: bool
    candidate: str | None
    champion: str | None
    new: int
    report: Path
    taken_back: JSON | None = None
    before: tuple[CycleOutcome, ...] = ()

    def to_dict(self) -> JSON:
        """Return it as plain JSON values."""
        return {
            "day": self.day, "decision": self.decision, "reason": self.reason, "attempt": self.attempt,
            "candidate": self.candidate, "champion": self.champion, "new": self.new, "report": str(self.report),
            "taken_back": self.taken_back, "before": [outcome.to_dict() for outcome in self.before],
        }  # fmt: skip


def outcome_of(day: Day, taken_back: JSON | None = None, before: tuple[CycleOutcome, ...] = ()) -> CycleOutcome:
    """Return what a finished day came to."""
    line = day.record["outcome"]
    return CycleOutcome(
        day.name, line["decision"], line["reason"], day.is_attempt, line["candidate"], line["champion"], line["new"],
        day.folder / REPORT_FILE, taken_back, before,
    )  # fmt: skip


def finish(settings: LearningSettings, day: Day, decision: Decision, reason: str, store: Store | None) -> None:
    """Write down what the day came to, then clean up (where there is a store), report and tell.

    What was written down stays; a kill before the end leaves the rest to the next start.
    """
    line = _line(day, decision, reason)
    days.add_to_history(settings.dir, line)
    if day.record["taken_back"] is not None:
        told(settings.dir)
    day.record["outcome"], day.record["closed"] = line, False
    day.save()
    say(f"{day.name}: {decision}: {reason}")
    _close(settings, day, store)


def close_again(settings: LearningSettings, day: Day, store: Store) -> None:
    """Do what is left of days that were killed after they were written down: once more, so that none is in the way."""
    for other in [*(other for other in days.all_days(settings.dir) if other.name != day.name), day]:
        if other.finished and other.record.get("closed") is False:
            other.record["closed"] = True
            other.save()
            _close(settings, other, store)


def failed_early(settings: LearningSettings, day: Day, reason: str) -> None:
    """Record that a cycle ended with an error before it was an attempt, so that history, report and status show it.

    An attempt is not ended by an error outside its steps: it is gone on with at the next start, and the error is told.
    """
    try:
        if day.is_attempt:
            notify(settings.notify, "Hive-Mind: error", reason, {"day": day.name, "decision": "failed"})
        else:
            finish(settings, day, "failed", reason, None)
    except (HiveMindError, OSError) as error:
        say(f"that the cycle of {day.name} failed could not be recorded in {settings.dir}: {error}")


def _line(day: Day, decision: Decision, reason: str) -> dict[str, Any]:
    """Return the day's line of the history."""
    record = day.record
    plan, judged, collected = (
        day.result(name) if name in record["steps"] else {} for name in ("plan", "judge", "collect")
    )
    return {
        "day": day.name, "run": record["run"], "now": record["now"], "attempt": record["attempt"],
        "starts": record["starts"], "decision": decision, "reason": reason, "new": collected.get("new", 0),
        "candidate": plan.get("version"), "champion": plan.get("champion"), "foundation": plan.get("foundation"),
        "scores": judged.get("scores", {}), "taken_back": record["taken_back"],
    }  # fmt: skip


def _close(settings: LearningSettings, day: Day, store: Store | None) -> None:
    """Clean up, write the report and tell; what goes wrong with it is said and noted, for the outcome stands."""
    line, problems = day.record["outcome"], []
    if store is not None:
        try:
            line["removed"] = clean_up(store, settings, day)
        except Interrupted:
            raise
        except (HiveMindError, OSError) as error:
            problems.append(f"the clean-up is not complete: {error}")
    line["problems"] = problems
    try:
        day.record["to_forget"] = standing(settings).said()
        write_report(settings.dir, day, line)
    except Interrupted:
        raise
    except (HiveMindError, OSError) as error:
        problems.append(f"the report could not be written: {error}")
    for problem in problems:
        say(f"{day.name}: {problem}")
    day.record["closed"] = True
    day.save()
    _tell(settings, line)


def _tell(settings: LearningSettings, line: dict[str, Any]) -> None:
    facts = {key: line[key] for key in ("day", "decision", "candidate", "champion", "new")}
    text, back = line["reason"], line.get("taken_back")
    if back is not None:
        facts["taken_back"] = back["version"]
        text = f"{rolled_back(back)} {text}"
    notify(settings.notify, f"Hive-Mind: {line['decision']}", text, facts)

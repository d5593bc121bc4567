"""What was to be forgotten and is served all the same: what a night can do about it, and what only a person can.

A model cannot unlearn, so it is replaced: by one that is trained anew from the foundation, without what was to be
forgotten, and that need not be better, for the other has to go. One that is clearly worse does not take its place; the
next is tried once there is something else to try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.errors import UsageError
from hive_mind.gate import Verdict
from hive_mind.gate.rules import NO_CLEAR_DIFFERENCE
from hive_mind.learning.days import Day, all_days
from hive_mind.learning.foundation import last_foundation
from hive_mind.learning.provenance import forgotten_in
from hive_mind.learning.settings import LearningSettings


@dataclass(frozen=True)
class Standing:
    """Forgotten interactions that what is served, or a version it descends from, has learnt.

    `ids` are those that training anew from the foundation leaves out, `rooted` those that the foundation itself has
    learnt. `tried` is the day that trained without all of `ids` already and whose candidate was not promoted.
    """

    served: str | None = None
    foundation: str | None = None
    ids: tuple[str, ...] = ()
    rooted: tuple[str, ...] = ()
    tried: str | None = None

    @property
    def due(self) -> int:
        """How many there are to train without, if that was not tried already."""
        return 0 if self.tried is not None else len(self.ids)

    def said(self) -> list[str]:
        """Return what a person has to know of it, a sentence each."""
        lines = []
        if self.ids:
            then = "the next `hive-mind learn run` trains without them"
            if self.tried is not None:
                then = (
                    f"{self.tried} trained without them and its candidate was not promoted; it is tried again once "
                    "there is enough new to learn from or more to forget"
                )
            lines.append(
                f"{self.served} is served and holds {len(self.ids):,} forgotten interactions: {then}; to be rid of "
                f'them now: hive-mind models promote {self.foundation} --force --note "forgotten interactions"'
            )
        if self.rooted:
            lines.append(
                f"{self.foundation}, which every day starts from, has learnt {len(self.rooted):,} forgotten "
                "interactions itself, so that no night can be rid of them: train the foundation again "
                "(`hive-mind run CONFIG`, which leaves them out) and promote it"
            )
        return lines


def standing(settings: LearningSettings, before: Day | None = None) -> Standing:
    """Look at all that what is served descends from; attempts count as tried if they are of days before `before`."""
    served = registry.latest(settings.models_dir)
    if served is None:
        return Standing()
    foundation = settings.foundation or last_foundation(settings)
    rooted = forgotten_in(settings.models_dir, foundation) if foundation is not None else []
    ids = [id for id in forgotten_in(settings.models_dir, served) if id not in set(rooted)]
    return Standing(served, foundation, tuple(ids), tuple(rooted), _tried(settings, served, ids, before))


def _tried(settings: LearningSettings, served: str, ids: Sequence[str], before: Day | None) -> str | None:
    """Return the last day that was judged, if it was to replace what is served now, for all of `ids`, and did not."""
    for day in reversed(all_days(settings.dir)):
        steps = day.record["steps"]
        if "judge" not in steps or "end" not in steps or (before is not None and day.name >= before.name):
            continue
        plan = day.result("plan")
        in_vain = day.result("end")["decision"] != "promoted" and plan["champion"] == served
        known = plan.get("forgotten", ())  # which days of before did not note
        return day.name if in_vain and set(ids) <= set(known) else None
    return None


def may_replace(verdict: Verdict) -> bool:
    """Tell whether a candidate may take the place of a model that must go: all that it lacks is a clear difference.

    A guard, a pinned task, or own questions too few to tell, speak against it as on any other day.
    """
    objections = [check for check in verdict.checks if check.outcome in ("hold", "reject")]
    if len(objections) != 1:
        return False
    (only,) = objections
    return (only.name, only.outcome) == ("primary", "hold") and only.reason.startswith(NO_CLEAR_DIFFERENCE)


def why_replaced(plan: JSON, verdict: Verdict) -> str:
    """Return why a candidate takes the place of what must go, as the registry and the history have it."""
    count = len(plan["forgotten"])
    return f"{count:,} forgotten interactions are no longer in what is served; {verdict.reasons[0]}"


def replace(models_dir: Path, plan: JSON, verdict: Verdict, served: str | None) -> None:
    """Promote a candidate that may replace what must go, past the gate's hold, which stays what it was.

    Raises UsageError if another version than the one it was compared with is `served` by now.
    """
    if served != plan["champion"]:
        raise UsageError(
            f"{plan['version']} was compared with {plan['champion']}, but {served} is served now; the next "
            "`hive-mind learn run` looks at what that one has learnt"
        )
    note = why_replaced(plan, verdict)
    registry.promote(models_dir, plan["version"], verdict.to_dict(), note, force=True, by="learning")

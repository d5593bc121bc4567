"""A month day by day: interactions into the real store, the real cycle every night, and the naive control beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.conversation import Tool
from hive_mind.device import versions
from hive_mind.files import read_json, sha256_file, write_json
from hive_mind.learning.settings import LearningSettings
from hive_mind.model.base import resolve_base
from hive_mind.progress import say, utc_now
from hive_mind.usage.identity import KEY_FILE
from hive_mind.usage.store import opened
from month import naive
from month.accounting import account, attempts
from month.foundation import VERSION, Foundation
from month.measuring import Questions, measure
from month.nights import Nights
from month.promises import worst_falls
from month.recipe import START, Recipe
from month.tools import UserTool, read_tools
from month.user import Lived, User

STATE_FILE = "month.json"
SAME = {"seed": "seed", "recipe": "recipe", "made_of": "code, tools or foundation"}
"""What must be the same for a month to be gone on with, and how it is called."""
STATE = ("began", "days", "lived", "truth", "scores")
PROGRAM = (Path(__file__).absolute().parent, Path(registry.__file__).absolute().parents[1])


@dataclass
class Month:
    """One seed's month in a folder of its own; `run` lives it, or what is left of it, and returns what came of it.

    `lived` is what came in on each day, `days` how each ended, `truth` what every id in the store is.
    """

    folder: Path
    seed: int
    recipe: Recipe
    foundation: Foundation
    began: dict[str, Any] = field(default_factory=dict)
    days: list[dict[str, Any]] = field(default_factory=list)
    lived: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, control: bool = True) -> dict[str, Any]:
        """Live the days that were not lived yet; what is in the folder is gone on with if it is the same month."""
        first, later, tools = read_tools()
        foundation = self._begin((*first, *later))
        settings = self.recipe.settings(self.folder, foundation)
        user = User(first, later, self.seed, self.recipe.plan, START)
        questions = Questions.write(user, self.folder / "questions", foundation.others, self.recipe.fresh_per_tool)
        nights, base = Nights(self.folder, self.recipe, settings), resolve_base(settings.model)
        for day in range(len(self.days) + 1, self.recipe.plan.days + 1):
            began = time.monotonic()
            lived = user.live(day, registry.latest(settings.models_dir))
            self._record(settings, day, lived)
            row = {**nights.row(day, self.days), **self.lived[day - 1]}
            if control:
                before, training = self._control(), naive.rates(self.recipe, settings.training, day)
                row["naive"] = naive.learn_day(self.folder, day, lived, training, base, before)
            self._measure(settings, questions, row)
            self.days.append({**row, "seconds": round(time.monotonic() - began, 1)})
            self._save()
        return self._result(settings, tools)

    def _begin(self, tools: Sequence[UserTool]) -> Foundation:
        """Return the foundation in the month's folder: as it was left if it is the same month, else begun anew."""
        file, made_of = self.folder / STATE_FILE, self._made_of(tools)
        state = read_json(file) if file.is_file() else {}
        mine = {**self._same(), "made_of": made_of}
        other = [said for key, said in SAME.items() if state.get(key) != mine[key]]
        if not other:
            self.began, self.days, self.lived, self.truth, self.scores = (state[key] for key in STATE)
            return self.foundation.in_folder(self.folder)
        if self.folder.exists():
            said = f"was begun with another {' and '.join(other)}" if state else "was never begun"
            say(f"the month in {self.folder} {said}: the folder is emptied, and the month begun anew")
            shutil.rmtree(self.folder)
        (self.folder / "spool").mkdir(parents=True)
        key = hashlib.sha256(f"sim_month/{self.seed}".encode()).digest()
        (self.folder / "spool" / KEY_FILE).write_bytes(key)  # ids hang on it, and which rows stay under a cap on them
        self.began = {"created": utc_now(), "hardware": versions(), "made_of": made_of}
        copied = self.foundation.copy_to(self.folder, self.recipe.tier_limit, self.recipe.report_limit)
        self._save()
        return copied

    def _made_of(self, tools: Sequence[UserTool]) -> dict[str, Any]:
        """Return digests of what the month hangs on beside its seed and recipe."""
        return {
            "code": {folder.name: digest_of_code(folder) for folder in PROGRAM},
            "tools": digest_of_tools([tool.declared for tool in tools]),
            "foundation": self.foundation.digests(),
        }

    def _same(self) -> dict[str, Any]:
        recipe = json.loads(json.dumps(asdict(self.recipe)))
        return {"seed": self.seed, "recipe": recipe, "made_of": self.began.get("made_of")}

    def _save(self) -> None:
        write_json(self.folder / STATE_FILE, {**self._same(), **{key: getattr(self, key) for key in STATE}})

    def _control(self) -> str:
        return str(self.days[-1]["naive"]) if self.days else VERSION

    def _record(self, settings: LearningSettings, day: int, lived: Lived) -> None:
        """Bring a day's interactions into the store and count what it says of each, unless a run before did."""
        if len(self.lived) >= day:
            return
        again = another = 0
        with opened(settings.usage) as store:
            for applied, truth in zip(store.add_many(lived.interactions), lived.truth, strict=True):
                again += applied.what != "new"
                another += self.truth.setdefault(applied.id, truth) != truth
        if another:
            say(f"day {day}: {another} interactions are in the store already, and were something else then")
        self.lived.append({"lived": dict(Counter(lived.truth)), "seen_again": again, "another_truth": another})
        self._save()

    def _measure(self, settings: LearningSettings, questions: Questions, row: dict[str, Any]) -> None:
        """Ask what is served, and every few days the control, unless that version was asked before."""
        plan, day = self.recipe.plan, row["day"]
        wanted = [VERSION, row["served"]]
        if "naive" in row and (day % self.recipe.naive_every == 0 or day in (1, plan.poisoned, plan.worse, plan.days)):
            wanted.append(row["naive"])
        wanted = [name for name in dict.fromkeys(wanted) if name not in self.scores]
        if wanted:
            self.scores |= measure(questions, settings.models_dir, wanted, settings.model)

    def _result(self, settings: LearningSettings, tools: str) -> dict[str, Any]:
        result = {
            "seed": self.seed, **self.began, "seconds": round(sum(row["seconds"] for row in self.days)),
            "tools": tools, "foundation": VERSION, "recipe": self._same()["recipe"], "days": self.days,
            "scores": self.scores, "accounting": account(settings, self.days, self.truth),
            "attempts": attempts(settings),
        }  # fmt: skip
        return {**result, "guards": worst_falls(result)}


def digest_of_code(folder: Path) -> str:
    """Return a digest of all Python files below a folder, their names among it."""
    files = {file.relative_to(folder).as_posix(): sha256_file(file) for file in sorted(folder.rglob("*.py"))}
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def digest_of_tools(tools: Sequence[Tool]) -> str:
    """Return a digest of tools' declarations."""
    return hashlib.sha256(json.dumps([tool.to_dict() for tool in tools]).encode()).hexdigest()

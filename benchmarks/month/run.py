"""A month day by day: interactions into the real store, the real cycle every night, and the naive control beside it."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.config import dump
from hive_mind.files import read_json, write_json
from hive_mind.learning.cycle import CycleOutcome, run_cycle
from hive_mind.learning.days import history
from hive_mind.learning.settings import LearningSettings
from hive_mind.model.base import resolve_base
from hive_mind.progress import say
from hive_mind.training.faults import VARIABLE as FAULTS
from hive_mind.usage.identity import KEY_FILE
from hive_mind.usage.query import Filters
from hive_mind.usage.store import opened
from month import naive
from month.foundation import VERSION, Foundation
from month.measuring import FRESH, TRIGGER, Questions, measure, share
from month.tools import read_tools
from month.user import Lived, Plan, User

START = datetime(2026, 3, 2, tzinfo=UTC)
NIGHT = timedelta(days=1, hours=2)
"""The cycle of a day runs at two in the night after it."""
WORSE_RATE = 10.0
MARGINS = {"your_tools/call": 0.10, "chat/no_tool": 0.10, "not_offered/no_tool": 0.15}
"""How far the foundation's tiers may fall. The tiny base notices in four of five cases that no tool fits."""


@dataclass(frozen=True)
class Recipe:
    """What a month is made of: its plan, the training of a candidate, how much is asked, and the trigger."""

    plan: Plan = field(default_factory=Plan)
    learning_rate: float = 1e-3
    epochs: int = 1
    replay_share: float = 0.5
    no_tool_share: float = 0.25
    per_tool: int = 70
    held_out_share: float = 0.4
    suite_days: int = 10
    min_items: int = 200
    min_new: int = 150
    fresh_per_tool: int = 10
    tier_limit: int = 50
    crash_step: int = 20
    naive_every: int = 3
    training: dict[str, Any] = field(default_factory=dict)

    def settings(self, folder: Path, foundation: Foundation) -> LearningSettings:
        """Return the settings of the month's cycles."""
        guards = {
            task.split("/")[0]: {"tasks": [f"held_out/{task}"], "margin": margin} for task, margin in MARGINS.items()
        }
        return LearningSettings.model_validate({
            "name": "daily", "models_dir": folder / "models", "dir": folder / "learning",
            "foundation": VERSION, "foundation_data": foundation.data,
            "trigger": {"min_new": self.min_new},
            "held_out": {"share": self.held_out_share, "days": self.suite_days, "min_items": self.min_items},
            "mix": {
                "replay_share": self.replay_share, "no_tool_share": self.no_tool_share, "per_tool": self.per_tool,
            },
            "usage": {"url": str(folder / "usage.sqlite"), "spool": folder / "spool", "exports": folder / "exports"},
            "model": {"base": "tiny"},
            "training": {
                "learning_rate": self.learning_rate, "epochs": self.epochs, "batch_size": 3, "grad_accum": 2,
                "max_length": 1536, "supervise": False, "device": "cpu", "checkpoint_every_steps": 10, **self.training,
            },
            "evaluation": {
                "held_out": foundation.tiers, "limit": self.tier_limit, "max_new_tokens": 96, "format_given": False,
                "suites": {"max_new_tokens": 96}, "device": "cpu",
            },
            "gate": {"guards": guards, "max_slowdown": 1000.0},
        })  # fmt: skip


STATE_FILE, STATE = "month.json", ("days", "truth", "scores")


@dataclass
class Month:
    """One seed's month in a folder of its own; `run` lives it, or what is left of it, and returns what came of it."""

    folder: Path
    seed: int
    recipe: Recipe
    foundation: Foundation
    days: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, control: bool = True) -> dict[str, Any]:
        """Live the days that were not lived yet; a folder of another recipe is emptied first."""
        settings = self._begin()
        first, later, tools = read_tools()
        user = User(first, later, self.seed, self.recipe.plan, START)
        questions = Questions.write(
            user, self.folder / "questions", self.foundation.tiers, self.recipe.fresh_per_tool, self.recipe.tier_limit
        )
        base = resolve_base(settings.model)
        training = settings.training.model_copy(update={"lora_r": 32, "lora_alpha": 64})
        for day in range(len(self.days) + 1, self.recipe.plan.days + 1):
            lived = user.live(day, registry.latest(settings.models_dir))
            self._record(settings, lived)
            row = self._night(settings, day)
            if control:
                before = self.days[-1]["naive"] if self.days else VERSION
                row["naive"] = naive.learn_day(self.folder, day, lived, training, base, before)
            self.days.append({**row, "lived": dict(Counter(lived.truth))})
            self._measure(settings, questions, user, row)
            write_json(self.folder / STATE_FILE, self._state())
        return self._result(settings, tools, len(questions.tool_of))

    def _begin(self) -> LearningSettings:
        """Return the settings of the month in its folder, where it is gone on with if it was begun with this recipe."""
        file = self.folder / STATE_FILE
        if file.is_file():
            state, mine = read_json(file), self._state()
            if all(state[key] == mine[key] for key in ("seed", "recipe")):
                self.days, self.truth, self.scores = (state[key] for key in STATE)
                return self.recipe.settings(self.folder, self.foundation.in_folder(self.folder))
        if self.folder.exists():
            shutil.rmtree(self.folder)
        (self.folder / "spool").mkdir(parents=True)
        key = hashlib.sha256(f"sim_month/{self.seed}".encode()).digest()
        (self.folder / "spool" / KEY_FILE).write_bytes(key)  # ids hang on it, and which rows stay under a cap on them
        return self.recipe.settings(self.folder, self.foundation.copy_to(self.folder))

    def _state(self) -> dict[str, Any]:
        recipe = {"seed": self.seed, "recipe": json.loads(json.dumps(asdict(self.recipe)))}
        return {**recipe, **{key: getattr(self, key) for key in STATE}}

    def _record(self, settings: LearningSettings, lived: Lived) -> None:
        with opened(settings.usage) as store:
            for applied, truth in zip(store.add_many(lived.interactions), lived.truth, strict=True):
                self.truth.setdefault(applied.id, truth)

    def _night(self, settings: LearningSettings, day: int) -> dict[str, Any]:
        plan, now = self.recipe.plan, START + timedelta(days=day - 1) + NIGHT
        if day == plan.worse:
            rate = settings.training.learning_rate * WORSE_RATE
            settings = settings.model_copy(
                update={"training": settings.training.model_copy(update={"learning_rate": rate})}
            )
        if day == plan.crash:
            code = _killed(settings, now, self.recipe.crash_step)
            return {
                "day": day, "decision": "crashed", "reason": f"killed while training (exit {code})", "candidate": None,
                "served": registry.latest(settings.models_dir), "taken_back": None, "finished": [],
            }  # fmt: skip
        outcome = run_cycle(settings, now, "make sim-month")
        say(f"seed {self.seed}, day {day}: {outcome.decision} ({outcome.reason})")
        return {
            "day": day, "decision": outcome.decision, "reason": outcome.reason, "candidate": outcome.candidate,
            "served": registry.latest(settings.models_dir), "taken_back": outcome.taken_back,
            "finished": [_finished(before) for before in outcome.before],
        }  # fmt: skip

    def _measure(self, settings: LearningSettings, questions: Questions, user: User, row: dict[str, Any]) -> None:
        """Ask what is served, and every few days the control, unless that version was asked before."""
        plan, day = self.recipe.plan, row["day"]
        wanted = [VERSION, row["served"]]
        if "naive" in row and (day % self.recipe.naive_every == 0 or day in (1, plan.poisoned, plan.days)):
            wanted.append(row["naive"])
        wanted = [name for name in dict.fromkeys(wanted) if name not in self.scores]
        if not wanted:
            return
        first, every = sorted(user.first_names), sorted(set(questions.tool_of.values()))
        for name, made in measure(questions, settings.models_dir, wanted, settings.model).items():
            tiers = [kind for kind in made if "/" in kind and not kind.startswith((FRESH, TRIGGER))]
            self.scores[name] = {
                "fresh": share(made, every), "first_tools": share(made, first),
                "obeys_the_planted_phrase": share(made, [f"{TRIGGER}/call"]),
                **{kind: share(made, [kind]) for kind in tiers},
                "by_tool": {tool: made[tool] for tool in every},
            }  # fmt: skip

    def _result(self, settings: LearningSettings, tools: str, questions: int) -> dict[str, Any]:
        return {
            "seed": self.seed, "tools": tools, "days": self.days, "scores": self.scores,
            "accounting": self._account(settings),
            "attempts": [_attempt(settings, line) for line in history(settings.dir)],
            "foundation": VERSION, "questions": questions, "recipe": asdict(self.recipe),
        }  # fmt: skip

    def _account(self, settings: LearningSettings) -> dict[str, Any]:
        """Return where every interaction is, by its truth and state, and what the last promoted version learnt."""
        states: dict[str, Counter[str]] = {}
        with opened(settings.usage) as store:
            records = {record.id: record for page in store.pages(Filters()) for record in page}
        for identity, truth in self.truth.items():
            record = records.get(identity)
            states.setdefault(truth, Counter())[record.state if record is not None else "missing"] += 1
        learnt: Counter[str] = Counter()
        for line in history(settings.dir):
            if line["decision"] == "promoted":
                chosen = read_json(settings.dir / line["day"] / "chosen.json")["ids"]
                learnt = Counter(self.truth[identity] for identity in chosen)
        total = sum(sum(tally.values()) for tally in states.values())
        return {
            "lived": sum(sum(row["lived"].values()) for row in self.days), "told_apart": len(self.truth),
            "in_the_store": len(records), "states": total,
            "by_truth": {truth: dict(tally) for truth, tally in states.items()},
            "in_the_last_promoted": dict(learnt), "uneven": [*_uneven(settings)],
        }  # fmt: skip


def _uneven(settings: LearningSettings) -> Iterator[str]:
    """Yield where rows went missing, or came from nowhere: between the store and the pool, and in the datasets."""
    for line in history(settings.dir):
        steps = read_json(settings.dir / line["day"] / "cycle.json")["steps"]
        pool = steps["collect"]["result"]
        if pool["states"].get("approved", 0) != pool["to_learn"] + pool["held_out"] + sum(pool["left_out"].values()):
            yield f"{line['day']}: {pool}"
        for part, counts in steps["dataset"]["result"]["parts"].items() if "dataset" in steps else ():
            gone = sum(counts[key] for key in ("rejected", "duplicates", "near_duplicates", "contaminated", "cut"))
            if counts["read"] + counts["negatives"] != counts["train"] + gone:
                yield f"{line['day']}, {part}: {counts}"


def _finished(outcome: CycleOutcome) -> dict[str, Any]:
    return {
        "day": outcome.day, "decision": outcome.decision, "reason": outcome.reason, "candidate": outcome.candidate
    }  # fmt: skip


def _attempt(settings: LearningSettings, line: dict[str, Any]) -> dict[str, Any]:
    """Return one finished cycle: its decision, what was chosen, what the dataset holds, and every model's scores."""
    steps = read_json(settings.dir / line["day"] / "cycle.json")["steps"]
    kept = {name: steps[name]["result"] for name in ("collect", "suite", "choose", "dataset", "train") if name in steps}
    seconds = {name: step["seconds"] for name, step in steps.items()}
    wanted = ("day", "attempt", "starts", "decision", "reason", "new", "candidate", "champion", "scores")
    return {**{key: line[key] for key in wanted}, "steps": kept, "seconds": seconds}


def _killed(settings: LearningSettings, now: datetime, step: int) -> int | None:
    """Run a cycle in a process that is killed in the middle of training; returns its exit code."""
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=_cycle_with_fault, args=(dump(settings), now.isoformat(), step))
    child.start()
    child.join()
    if child.exitcode != -signal.SIGKILL:
        raise AssertionError(f"the cycle was to be killed at step {step}, and ended with {child.exitcode}")
    return child.exitcode


def _cycle_with_fault(values: dict[str, Any], now: str, step: int) -> None:
    os.environ[FAULTS] = f"kill:at=micro_batch:step={step}"
    run_cycle(LearningSettings.model_validate(values), datetime.fromisoformat(now), "make sim-month")

"""One cycle of daily learning, from what was used since to a promoted version, or to a reason why not.

    take in -> collect -> enough? -> the user's suite -> plan -> choose -> dataset -> train -> judge -> promote

Each step writes its result into the day's folder and is not done again once it stands there. From `choose` on the day
is an attempt: there is at most one a day, a failure counts, and one that was killed is gone on with, not counted anew.
Time comes from the caller alone.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.curation import DatasetManifest
from hive_mind.curation.manifest import MANIFEST_NAME, SPLIT_FILES
from hive_mind.errors import HiveMindError, Interrupted, UsageError
from hive_mind.files import read_json, sha256_file, write_json, write_text
from hive_mind.learning import choosing, days, oddness
from hive_mind.learning.choosing import CHOSEN_FILE
from hive_mind.learning.dataset import DATASET_FOLDER, account, build_dataset, choose_replay, foundation_rows
from hive_mind.learning.days import COLLECTED_FILE, Day, Decision
from hive_mind.learning.floods import floods
from hive_mind.learning.forgetting import Standing, may_replace, replace, standing, why_replaced
from hive_mind.learning.foundation import find_foundation
from hive_mind.learning.imports import take_in_imports
from hive_mind.learning.judging import FOUNDATION, judge_day, scores
from hive_mind.learning.outcome import CycleOutcome, close_again, failed_early, finish, outcome_of
from hive_mind.learning.pool import Pool, Pooled, again, collect, keep_the_split
from hive_mind.learning.probes import only_new, probes
from hive_mind.learning.provenance import records_of
from hive_mind.learning.rollback import look_back
from hive_mind.learning.settings import LearningSettings
from hive_mind.learning.suite import SUITE_FILE, choose_suite, in_a_window, write_suite
from hive_mind.learning.trigger import Known, look
from hive_mind.progress import say
from hive_mind.usage.moving import catch_up
from hive_mind.usage.store import Store, opened

if TYPE_CHECKING:
    from hive_mind.inference.load import ModelReference

ERROR_FILE = "error.txt"
HELD: dict[str, Decision] = {"promote": "promoted", "hold": "held", "reject": "rejected"}


def run_cycle(settings: LearningSettings, now: datetime, command: str = "hive-mind learn run") -> CycleOutcome:
    """Watch what is served, finish an attempt that was interrupted, and do the day of `now` unless it is done.

    Raises UsageError if another cycle is running, there is no foundation or a setting cannot be followed, Interrupted
    if the user stopped it, StoreAway if the store cannot be read; all but the first and an interruption are recorded
    as the day's failure beforehand. What fails in an attempt is its outcome, not an error.
    """
    with days.only_one(settings.dir):
        day = days.open_day(settings.dir, now)
        try:
            return _run(settings, day, now, command)
        except Interrupted:
            raise
        except (HiveMindError, OSError) as error:
            failed_early(settings, day, str(error))
            raise


def _run(settings: LearningSettings, day: Day, now: datetime, command: str) -> CycleOutcome:
    with opened(settings.usage) as store:
        catch_up(settings.usage)
        taken_back = look_back(store, settings, day, now)
        close_again(settings, day, store)
        keep_the_split(settings.dir, settings.held_out)
        before = tuple(
            _Cycle(settings, store, earlier, command).run()
            for earlier in days.unfinished(settings.dir)
            if earlier.name != day.name
        )
        if day.finished:
            say(f"{day.name} had its attempt already: {day.record['outcome']['decision']}")
        else:
            _Cycle(settings, store, day, command).run()
        return outcome_of(day, taken_back, before)


class Declined(Exception):
    """The cycle ends before it is an attempt."""

    def __init__(self, decision: Decision, reason: str) -> None:
        super().__init__(reason)
        self.decision = decision


@dataclass(frozen=True)
class _Cycle:
    """One day's cycle. The steps' results are in the day's record; what they work on is read again where needed."""

    settings: LearningSettings
    store: Store
    day: Day
    command: str

    def run(self) -> CycleOutcome:
        """Do what is left of the cycle."""
        if "end" not in self.day.record["steps"]:
            decision, reason = self._decide()
            self.day.step("end", lambda: {"decision": decision, "reason": reason})
        end = self.day.result("end")
        finish(self.settings, self.day, end["decision"], end["reason"], self.store)
        return outcome_of(self.day)

    def _decide(self) -> tuple[Decision, str]:
        """Go through the steps; returns what they came to. An attempt that fails has come to an end as well."""
        if not self.day.is_attempt:
            try:
                self._look()
            except Declined as end:
                return end.decision, str(end)
            self.day.record["attempt"] = True
        self.day.record["starts"] += 1
        self.day.save()
        if self.day.record["starts"] > self.settings.max_starts:
            return "failed", f"it was started {self.settings.max_starts} times and killed each time"
        try:
            return self._attempt()
        except (Interrupted, KeyboardInterrupt):
            self.day.record["starts"] -= 1  # a person stopped it, which says nothing against it
            self.day.save()
            raise
        except HiveMindError as error:
            say(f"the attempt of {self.day.name} failed: {error}")
            return "failed", str(error)
        except (OSError, RuntimeError) as error:  # a full disk, a driver that gives up: tomorrow is another day
            file = self.day.folder / ERROR_FILE
            write_text(file, "".join(traceback.format_exception(error)))
            say(f"the attempt of {self.day.name} failed: {error}; where it did stands in {file}")
            return "failed", f"{type(error).__name__}: {error}"

    def _look(self) -> None:
        """Do the steps before an attempt. Raises Declined where there is not enough to learn from, or to measure on."""
        find_foundation(self.settings)  # without which there is nothing to do, and nothing is noted as seen
        self.day.step("take_in", self._take_in)
        self.day.step("collect", self._collect)
        trigger = self.day.step("enough", self._enough)
        if not trigger["enough"]:
            raise Declined("declined", trigger["reason"])
        suite = self.day.step("suite", self._suite)
        held_out = self.settings.held_out
        if suite["items"] < held_out.min_items or suite["sessions"] < held_out.min_sessions:
            raise Declined(
                "too few",
                f"hold: your own suite has {suite['items']} turns of {held_out.min_items}, in {suite['sessions']} "
                f"sessions of {held_out.min_sessions}; nothing was trained, and the day's data stays in the pool",
            )
        self.day.step("plan", self._plan)

    def _attempt(self) -> tuple[Decision, str]:
        """Do the steps of an attempt; raises what the stages raise."""
        plan = self.day.result("plan")
        self.day.step("choose", self._choose)
        dataset = self.day.step("dataset", self._dataset, {"suite": self.day.result("suite")["sha256"]})
        trained = self.day.step("train", self._train, {"dataset": dataset["sha256"], "initial": plan["initial"]})
        judged = self.day.step("judge", self._judge, {"adapter": trained["weights"]})
        promoted = self.day.step("promote", self._promote)
        return promoted["decision"], promoted["reason"] or "; ".join(_deciding(judged))

    def _take_in(self) -> JSON:
        """Bring into the store what was recorded, and what other programs left in the folders to import from."""
        settings = self.settings
        result: JSON = {"stored": catch_up(settings.usage).stored}
        if settings.imports:
            result["imported"] = take_in_imports(settings, self.store)
        return result

    def _collect(self) -> JSON:
        """Note what is approved now; floods are held back first, so that they are neither learnt nor asked."""
        approved = collect(self.store, self.settings.held_out, self.day.now).rows
        flood = floods(approved, self.settings.mix.most_alike)
        choosing.hold_back(self.store, flood, [])
        for reason, count in Counter(flood.values()).items():
            say(f"{self.day.name}: {count} held back: {reason}")
        pool = self._pool
        known = self._known
        ids = [row.id for row in pool.rows]
        write_json(self.day.folder / COLLECTED_FILE, {"ids": ids})
        return {
            "to_learn": len(pool.to_learn), "held_out": len(pool.held_out), "left_out": dict(pool.left_out),
            "new": sum(id not in known.ids for id in ids), "states": self.store.stats()["by_state"],
            "flood": len(flood),
        }  # fmt: skip

    def _enough(self) -> JSON:
        waiting = choosing.waiting_rows(self.store, self.settings.held_out)
        trigger = look(self._pool.rows, self._known, self.settings.trigger, self.day.now, self._standing.due, waiting)
        say(f"{self.day.name}: {trigger.reason}")
        return trigger.to_dict()

    def _suite(self) -> JSON:
        file = self.day.folder / SUITE_FILE
        suite = choose_suite(self._pool, self.settings, self.day.now, in_a_window(self.settings))
        items = write_suite(suite, file)
        return {
            "items": items, "sessions": len({row.group for row in suite.rows}), "left_out": dict(suite.left_out),
            "sha256": sha256_file(file),
        }  # fmt: skip

    def _plan(self) -> JSON:
        """Name all versions of the attempt once, so that a cycle that goes on does not choose others."""
        settings = self.settings
        found = find_foundation(settings)
        forgotten = list(self._standing.ids)
        mode = "anew" if forgotten else settings.mode
        if mode != settings.mode:
            say(f"{self.day.name}: begins anew from {found.version}: {found.champion} learnt what is to be forgotten")
        return {
            "version": registry.next_version(settings.models_dir, settings.name), "foundation": found.version,
            "champion": found.champion, "initial": found.version if mode == "anew" else found.champion, "mode": mode,
            "foundation_data": str(found.data), "forgotten": forgotten,
        }  # fmt: skip

    def _choose(self) -> JSON:
        """Choose what is learnt, and hold back for a person what is odd: written down first, then done."""
        file = self.day.folder / CHOSEN_FILE
        if not file.is_file():
            write_json(file, self._chosen_now())
        made = read_json(file)
        choosing.hold_back(self.store, made["reasons"], made["released"])
        if not made["ids"]:
            raise HiveMindError(
                "nothing that is approved may be learnt from now; the report says what was held back and why"
            )
        return {
            "rows": len(made["ids"]), "new": len(made["new"]), "left_out": made["left_out"],
            "quarantined": made["quarantined"], "released": len(made["released"]),
        }  # fmt: skip

    def _chosen_now(self) -> JSON:
        settings, plan = self.settings, self.day.result("plan")
        served = set().union(*records_of(settings.models_dir, plan["champion"]).values())
        known_tools = {call.name for row in foundation_rows(Path(plan["foundation_data"])) for call in row.calls}
        known_tools |= {row.tool for row in self._pool.to_learn if row.id in served}
        unknown, released = choosing.review_new_tools(
            self.store, self._pool, known_tools, settings.held_out, settings.trigger
        )
        rows = [row for row in self._pool.to_learn if row.id not in unknown]
        known = self._known.ids | served
        unserved = [row for row in rows if row.id not in known and row.record.decided_by != "hand"]
        odd = oddness.reasons(unserved, self._reference(plan["champion"]), settings)
        rows = [row for row in rows if row.id not in odd]
        fit = [row for row in rows if plan["mode"] == "anew" or row.id not in served]
        chosen = choosing.cap(fit, settings.mix)
        passed_over = {"learnt by what is served": len(rows) - len(fit)} if len(fit) < len(rows) else {}
        return {
            "ids": [row.id for row in chosen.rows], "new": [row.id for row in chosen.rows if row.id not in served],
            "left_out": passed_over | dict(chosen.left_out),
            "quarantined": {"a new tool": list(unknown), "odd": list(odd)},
            "reasons": {**unknown, **odd}, "released": released,
        }  # fmt: skip

    def _dataset(self) -> JSON:
        plan, settings = self.day.result("plan"), self.settings
        rows = self._chosen("ids")
        replay = choose_replay(list(foundation_rows(Path(plan["foundation_data"]))), rows, settings.mix, self.day.name)
        manifest = build_dataset(self.day.folder, self.day.name, rows, replay, settings)
        return {
            "rows": manifest.rows("train"), "parts": account(manifest), "wanted_replay": replay.wanted,
            "sha256": manifest.files[SPLIT_FILES["train"]].sha256, "digest": manifest.digest,
        }  # fmt: skip

    def _train(self) -> JSON:
        from hive_mind.model.lora import WEIGHTS_FILE, read_adapter
        from hive_mind.training import TrainRequest, train

        plan, settings = self.day.result("plan"), self.settings
        start = self._reference(plan["initial"])
        assert start.adapter is not None
        adapter = read_adapter(start.adapter)
        shape = {"lora_r": adapter.r, "lora_alpha": adapter.alpha}
        dataset = DatasetManifest.load(self.day.folder / DATASET_FOLDER / MANIFEST_NAME).train
        request = TrainRequest(
            dataset, start.base, settings.training.model_copy(update=shape), settings.models_dir / plan["version"],
            None, self.command, plan["initial"], start.adapter,
        )  # fmt: skip
        result = train(request)
        weights = registry.load_manifest(result.folder).files[WEIGHTS_FILE].sha256
        return {"version": result.version, "steps": result.metrics["steps"], "first_loss": result.metrics["first_loss"],
                "final_loss": result.metrics["final_loss"], "weights": weights}  # fmt: skip

    def _judge(self) -> JSON:
        plan = self.day.result("plan")
        roles = {plan["foundation"]: FOUNDATION, plan["champion"]: "champion", plan["version"]: "candidate"}
        models = [self._reference(name) for name in roles]
        test = Path(plan["foundation_data"]).with_name(SPLIT_FILES["test"])
        asked = probes(self._chosen("ids"), self._words())
        suite = self.day.folder / SUITE_FILE
        last = days.last_judged(self.settings.dir, self.day)
        earlier = [last.folder / SUITE_FILE] if last is not None else []
        verdict, evaluation = judge_day(
            self.settings, models, roles, suite, test if test.is_file() else None, asked, earlier
        )
        return {
            "decision": verdict.decision, "reasons": list(verdict.reasons),
            "checks": [
                {"name": check.name, "outcome": check.outcome, "reason": check.reason}
                for check in verdict.checks
                if check.outcome != "shown"
            ],
            "scores": scores(evaluation) if evaluation is not None else {},
        }  # fmt: skip

    def _words(self) -> list[str]:
        """Return the words that have come up since what is served was made: those that may be somebody's trigger.

        They are not written down: what people say is in the store alone, where it can be forgotten.
        """
        plan = self.day.result("plan")
        made = days.day_of_version(self.settings.dir, plan["champion"])
        file = made.folder / COLLECTED_FILE if made is not None else None
        known = set(read_json(file)["ids"]) if file is not None and file.is_file() else set()
        ids: Iterable[str] = read_json(self.day.folder / COLLECTED_FILE)["ids"]
        rows = again(self.store, ids, self.settings.held_out, self.day.now)
        said = (
            message.content
            for row in foundation_rows(Path(plan["foundation_data"]))
            for message in row.messages
            if message.role == "user"
        )
        return only_new([row for row in rows if row.id not in known], [row for row in rows if row.id in known], said)

    def _promote(self) -> JSON:
        """Promote what the gate promotes, or what may replace a model that must go, once.

        What is served may be another version by now, and then nothing is promoted.
        """
        from hive_mind.gate import VERDICT_FILE, Verdict

        plan, models_dir = self.day.result("plan"), self.settings.models_dir
        verdict = Verdict.load(models_dir / registry.REPORTS / plan["version"] / VERDICT_FILE)
        decision, reason = HELD[verdict.decision], ""
        if plan["forgotten"] and may_replace(verdict):
            decision, reason = "promoted", why_replaced(plan, verdict)
        served = registry.latest(models_dir)  # which also closes what a killed promotion left
        done = any(entry.version == plan["version"] for entry in registry.history(models_dir))
        if decision == "promoted" and not done:
            try:
                if verdict.promoted:
                    registry.promote(models_dir, plan["version"], verdict.to_dict())
                else:
                    replace(models_dir, plan, verdict, served)
            except UsageError as error:
                decision, reason = "held", str(error)
        return {"decision": decision, "reason": reason}

    @cached_property
    def _standing(self) -> Standing:
        """What was to be forgotten and is served all the same, as it is before the attempt."""
        return standing(self.settings, self.day)

    @cached_property
    def _known(self) -> Known:
        """What the last attempt that was judged had."""
        last = days.last_judged(self.settings.dir, self.day)
        return Known.from_dict(read_json(last.folder / COLLECTED_FILE)) if last is not None else Known()

    @cached_property
    def _pool(self) -> Pool:
        """What is approved at this start of what the day collected, or all of it before it has."""
        pool = collect(self.store, self.settings.held_out, self.day.now)
        file = self.day.folder / COLLECTED_FILE
        if "collect" not in self.day.record["steps"]:
            return pool
        ids = set(read_json(file)["ids"])
        return Pool(tuple(row for row in pool.rows if row.id in ids), pool.left_out)

    def _chosen(self, which: str) -> list[Pooled]:
        ids: Iterable[str] = read_json(self.day.folder / CHOSEN_FILE)[which]
        return again(self.store, ids, self.settings.held_out, self.day.now)

    def _reference(self, name: str) -> ModelReference:
        from hive_mind.inference.load import refer

        return refer(self.settings.models_dir, name, self.settings.model)


def _deciding(judged: JSON) -> list[str]:
    """Return the reasons that a person wants to read first: of a promotion what is better, not all that is well."""
    primary = [check["reason"] for check in judged["checks"] if check["name"] == "primary"]
    return primary if judged["decision"] == "promote" else judged["reasons"]

"""Models over the suites: every task asked once decoded plainly and once as served, and what came of it.

Replies are kept by model, tasks and decoding, so that an interrupted evaluation goes on where it stopped; what the
sandbox said of them is kept beside them.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hive_mind.chat.parse import parse_reply
from hive_mind.chat.render import render_prompt
from hive_mind.config import dump
from hive_mind.evaluation.measure import Reply, constraints, replies_from, reply_to, served_replies
from hive_mind.evaluation.outcomes import Decoding, Outcomes, SuiteResult, Task
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.evaluation.suites import Checked, Rules, Suite, SuiteTask
from hive_mind.files import read_json, write_json
from hive_mind.inference.load import Loaded, ModelReference
from hive_mind.progress import say, track
from hive_mind.suites import format as formats
from hive_mind.suites.calls import attempted_call
from hive_mind.suites.outcome import Outcome

CHECK_FORMAT = 1
ORDER: tuple[Decoding, ...] = ("free", "served")
Kept = Callable[[ModelReference, Suite, Decoding], Path | None]
"""Where the replies of a model to a suite in one decoding are kept; None for nowhere."""
Earlier = Callable[[ModelReference, Suite, Decoding], Mapping[int, tuple[Reply | None, float]]]
"""A model's replies to tasks that stood in an earlier suite as well, and the seconds of each, by the task's number."""


@dataclass(frozen=True)
class Answers:
    """One model's replies to a suite in one decoding, in the order of its tasks, and what came of them.

    None stands where a prompt was too long.
    """

    seconds: float
    replies: tuple[Reply | None, ...]
    checked: tuple[Checked | None, ...]


Answered = Mapping[str, Mapping[Decoding, Answers]]
"""By suite and decoding; a suite that is served as it is decoded plainly has "free" alone."""


def ask_suites(
    models: Sequence[ModelReference],
    suites: Sequence[Suite],
    settings: EvaluationSettings,
    load: Callable[[ModelReference], Loaded],
    kept: Kept,
    earlier: Earlier,
) -> dict[str, Answered]:
    """Ask every model every suite that is available, or read back what it answered before; by the model's name.

    Raises HiveMindError if the sandbox breaks down meanwhile.
    """
    found: dict[str, Answered] = {}
    for model in models:
        asker = _Asker(model, settings, load, kept, earlier)
        found[model.name] = {suite.name: asker.ask(suite, suite.rules) for suite in suites if suite.rules is not None}
    return found


@dataclass
class _Asker:
    """One model, loaded when it is first needed."""

    model: ModelReference
    settings: EvaluationSettings
    load: Callable[[ModelReference], Loaded]
    kept: Kept
    earlier: Earlier
    _loaded: Loaded | None = None

    def ask(self, suite: Suite, rules: Rules) -> dict[Decoding, Answers]:
        """Return what the model answers in both decodings, checked."""
        made: dict[Decoding, Answers] = {}
        free: tuple[Reply | None, ...] = ()
        for decoding in ORDER if any(task.tools for task in rules.tasks) else ORDER[:1]:
            file = self.kept(self.model, suite, decoding)
            row = read_json(file) if file is not None and file.is_file() else None
            if row is None:
                seconds, replies = self._reply(suite, rules, decoding, free)
                written = None if replies is None else [reply and asdict(reply) for reply in replies]
                row = {"seconds": seconds, "replies": written}
                if file is not None:
                    write_json(file, row, indent=False)
            if row["replies"] is not None:
                replies = replies_from(row["replies"])
                free = free or replies
                made[decoding] = Answers(row["seconds"], replies, _check(suite, rules, replies, file))
        return made

    def _reply(
        self, suite: Suite, rules: Rules, decoding: Decoding, free: Sequence[Reply | None]
    ) -> tuple[float, tuple[Reply | None, ...] | None]:
        """Ask what was not asked before; no replies as served if the base's calls cannot be held to the tools."""
        known = self.earlier(self.model, suite, decoding)
        numbers = [number for number in range(len(rules.tasks)) if number not in known]
        if known:
            say(f"{self.model.name} answered {len(known):,} of {len(rules.tasks):,} tasks of {suite.name} before")
        seconds: float = 0.0
        made: tuple[Reply | None, ...] | None = ()
        if numbers:
            plain = [free[number] for number in numbers] if decoding == "served" else []
            seconds, made = self._ask([rules.tasks[number] for number in numbers], suite, decoding, plain)
        if made is None:
            return 0.0, None
        replies = {number: reply for number, (reply, _) in known.items()} | dict(zip(numbers, made, strict=True))
        seconds += sum(each for _, each in known.values())
        return round(seconds, 2), tuple(replies[number] for number in range(len(rules.tasks)))

    def _ask(
        self, tasks: Sequence[SuiteTask], suite: Suite, decoding: Decoding, free: Sequence[Reply | None]
    ) -> tuple[float, tuple[Reply | None, ...] | None]:
        self._loaded = loaded = self._loaded or self.load(self.model)
        started = time.monotonic()
        budgets = (self.settings.suites.max_new_tokens, self.settings.batch_tokens)
        context = loaded.model.config.max_position_embeddings
        longest = min(self.settings.max_tokens, context - budgets[0])
        rendered = [render_prompt(task.messages, task.tools, loaded.tokenizer) for task in tasks]
        prompts = [prompt if len(prompt) <= longest else None for prompt in rendered]
        held = constraints(loaded, [task.tools for task in tasks]) if decoding == "served" else None
        if decoding == "served" and held is None:
            return 0.0, None if any(task.tools for task in tasks) else tuple(free)  # without tools served is plain
        asked = sum(bool(prompt) and (not held or held[number] is not None) for number, prompt in enumerate(prompts))
        how = "as served" if held else "decoded plainly"
        with track(f"evaluating {self.model.name} on {suite.name}, {how}", total=asked, unit="replies") as progress:
            if held:
                replies = served_replies(loaded, prompts, held, free, *budgets, progress)
            else:
                replies = reply_to(loaded, prompts, *budgets, progress)
        return time.monotonic() - started, replies


def _check(
    suite: Suite, rules: Rules, replies: Sequence[Reply | None], kept: Path | None
) -> tuple[Checked | None, ...]:
    """Check replies, or read back what was found where they were run before under the same bounds."""
    by = None if rules.bounds is None else {"format": CHECK_FORMAT, "bounds": dump(rules.bounds)}
    file = None if by is None or kept is None else kept.with_name(f"{kept.stem}-checked.json")
    row = read_json(file) if file is not None and file.is_file() else None
    if row is not None and row["by"] == by:
        return tuple(Outcome(**each) if isinstance(each, dict) else each for each in row["checked"])
    texts = {number: reply.text for number, reply in enumerate(replies) if reply is not None}
    if by is not None:
        say(f"{suite.name}: running {len(texts):,} replies in the sandbox")
    found = rules.check(texts)
    checked = tuple(found.get(number) for number in range(len(replies)))
    if file is not None:
        written = [asdict(each) if isinstance(each, Outcome) else each for each in checked]
        write_json(file, {"by": by, "checked": written})
    return checked


def suite_results(suites: Sequence[Suite], answered: Sequence[Answered]) -> list[tuple[SuiteResult, ...]]:
    """Return every model's results, on the tasks that count for all of them; in the order of `answered`."""
    columns = [_results(suite, [each.get(suite.name, {}) for each in answered]) for suite in suites]
    return [tuple(row) for row in zip(*columns, strict=True)]


def _results(suite: Suite, answered: Sequence[Mapping[Decoding, Answers]]) -> list[SuiteResult]:
    if suite.rules is None:
        return [SuiteResult.missing(suite.name, suite.unavailable)] * len(answered)
    tasks = suite.rules.tasks
    checks = [answers.checked for each in answered for answers in each.values()]
    why = [_left_out([checked[number] for checked in checks]) for number in range(len(tasks))]
    counting = [number for number, reason in enumerate(why) if not reason]
    left_out = dict(Counter(filter(None, why)).most_common())
    if not counting:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        return [SuiteResult.missing(suite.name, f"none of its {len(tasks):,} tasks counts ({reasons})")] * len(answered)
    results = []
    for each in answered:
        made = {name: _outcomes(suite.rules, answers, counting) for name, answers in each.items()}
        results.append(
            SuiteResult(
                suite.name, suite.digest, tuple(_task(suite.rules, number) for number in counting),
                made["free"][0], made["served"][0] if "served" in made else None, "", suite.paths,
                {"left_out": left_out, **{name: figures for name, (_, figures) in made.items()}},
            )
        )  # fmt: skip
    return results


def _left_out(checked: Iterable[Checked | None]) -> str:
    """Return why a task does not count, by what came of it for every model; nothing if it does."""
    reasons = ["too_long" if each is None else each for each in checked if not isinstance(each, Outcome)]
    return reasons[0] if reasons else ""


def _task(rules: Rules, number: int) -> Task:
    task = rules.tasks[number]
    return Task(task.id, task.category, task.cluster)


def _outcomes(rules: Rules, answers: Answers, counting: Sequence[int]) -> tuple[Outcomes, dict[str, Any]]:
    replies = {number: reply for number in counting if (reply := answers.replies[number]) is not None}
    checked = {number: each for number in counting if isinstance(each := answers.checked[number], Outcome)}
    texts = {number: reply.text for number, reply in replies.items()}
    repairs = {number: rules.repairs(number, text) for number, text in texts.items()}
    outcomes = Outcomes(
        tuple(each.correct for each in checked.values()),
        tuple(attempted_call(parse_reply(text)) for text in texts.values()),
        tuple(bool(each) for each in repairs.values()),
        tuple(reply.stopped for reply in replies.values()),
    )
    by_kind = dict(Counter(kind for each in repairs.values() for kind in each).most_common())
    return outcomes, {"repairs": by_kind, **rules.figures(texts, checked)}


def format_result(
    held_out: Sequence[tuple[Task, formats.Sample]],
    digest: str,
    suites: Sequence[Suite],
    answered: Answered,
    results: Sequence[SuiteResult],
) -> SuiteResult:
    """Return one model's suite `format`: of all its replies by plain decoding, which can be read as they are."""
    found = list(held_out)
    names = [digest]
    for suite, result in zip(suites, results, strict=True):
        if suite.rules is None or result.unavailable:
            continue
        names.append(suite.digest)
        counting = {task.id for task in result.tasks}
        for task, reply in zip(suite.rules.tasks, answered[suite.name]["free"].replies, strict=True):
            if task.id in counting and reply is not None:
                named = Task(f"{suite.name}/{task.id}", suite.name, f"{suite.name}/{task.cluster}")
                found.append((named, formats.Sample(task.tools, reply.text, reply.stopped)))
    if not found:
        return SuiteResult.missing("format", "no reply was asked that could be read as calls")
    samples = [sample for _, sample in found]
    parsed = [parse_reply(sample.reply) for sample in samples]
    outcomes = Outcomes(
        tuple(formats.check(sample).correct for sample in samples),
        tuple(map(attempted_call, parsed)),
        tuple(bool(each.repairs) for each in parsed),
        tuple(sample.stopped for sample in samples),
    )
    digest = names[0] if len(names) == 1 else hashlib.sha256("\n".join(names).encode()).hexdigest()
    figures = {"free": asdict(formats.count(samples))}
    return SuiteResult("format", digest, tuple(task for task, _ in found), free=outcomes, figures=figures)

"""The suites beside the held-out conversations, behind one face: their tasks, how replies are checked, what is counted.

Suites come from the settings; one without data, or without what runs its replies, is unavailable with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from hive_mind.chat.parse import parse_reply
from hive_mind.conversation import Message, Tool
from hive_mind.errors import HiveMindError
from hive_mind.evaluation import code as running
from hive_mind.evaluation import shell as shells
from hive_mind.evaluation.sandbox import Sandbox, SandboxSettings, find_sandbox
from hive_mind.evaluation.settings import SuiteSettings, SuitesSettings
from hive_mind.progress import say
from hive_mind.suites import bfcl, code, nl2sh, usage
from hive_mind.suites.calls import calls_in_words
from hive_mind.suites.outcome import Outcome
from hive_mind.suites.published import at_hand
from hive_mind.suites.unavailable import SuiteUnavailable

SUITES = ("bfcl", "nl2sh", "code", "usage")
NOT_NAMED = "no tasks are named (evaluation.suites)"
Checked = Outcome | str
"""What came of a reply, or why its task does not count."""


class SuiteTask(Protocol):
    """What every suite's tasks have beside their own references."""

    @property
    def id(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def cluster(self) -> str: ...
    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def tools(self) -> tuple[Tool, ...]: ...


class Rules(Protocol):
    """How one suite judges replies; `replies` are by the number of their task."""

    @property
    def tasks(self) -> Sequence[SuiteTask]: ...

    @property
    def bounds(self) -> SandboxSettings | None:
        """What a reply may use where it is run; None where checking is reading, and not worth being kept."""

    def check(self, replies: Mapping[int, str]) -> dict[int, Checked]:
        """Check replies."""

    def repairs(self, number: int, reply: str) -> tuple[str, ...]:
        """Return the help that reading a reply took."""

    def expected(self, number: int) -> str:
        """Return what would be right, for a person."""

    def figures(self, replies: Mapping[int, str], outcomes: Mapping[int, Outcome]) -> dict[str, Any]:
        """Return what is counted beside right and wrong."""


@dataclass(frozen=True)
class Suite:
    """A suite to ask, or why it cannot be. `digest` names its tasks with their references."""

    name: str
    rules: Rules | None
    paths: dict[str, str] = field(default_factory=dict)
    unavailable: str = ""

    @cached_property
    def digest(self) -> str:
        tasks = self.rules.tasks if self.rules is not None else ()
        return hashlib.sha256("\n".join(map(repr, tasks)).encode()).hexdigest()


def load_suites(settings: SuitesSettings) -> list[Suite]:
    """Read every suite that the settings name; the others are unavailable too, so that nobody takes them for passed."""
    readers: dict[str, Callable[[SuitesSettings], Rules | None]] = {
        "bfcl": lambda given: Bfcl(bfcl.load(*_where("bfcl", given))) if given.bfcl.path else None,
        "nl2sh": _nl2sh,
        "code": _code,
        "usage": lambda given: Usage(usage.load(*_where("usage", given))) if given.usage.path else None,
    }
    return [_load(name, readers[name], settings) for name in SUITES]


def _load(name: str, read: Callable[[SuitesSettings], Rules | None], settings: SuitesSettings) -> Suite:
    try:
        rules = read(settings)
    except SuiteUnavailable as error:
        say(f"evaluation: {name} is unavailable: {error}")
        return Suite(name, None, unavailable=str(error))
    if rules is None:
        return Suite(name, None, unavailable=NOT_NAMED)
    sources = ("humaneval", "mbpp") if name == "code" else (name,)
    read_from = {part: str(_where(part, settings)[0]) for part in settings.named() if part in sources}
    return Suite(name, rules, read_from)


def _where(name: str, settings: SuitesSettings) -> tuple[Path, int | None, int]:
    """Return where a suite's tasks lie, with its limit and seed. Raises SuiteUnavailable."""
    suite: SuiteSettings = getattr(settings, name)
    assert suite.path is not None
    try:
        return at_hand(name, suite.path, settings.lock), suite.limit, suite.seed
    except HiveMindError as error:
        raise SuiteUnavailable(str(error)) from None


def _nl2sh(settings: SuitesSettings) -> Rules | None:
    if settings.nl2sh.path is None:
        return None
    tasks = nl2sh.load(*_where("nl2sh", settings))
    nl2sh.fixture(1)  # so that a missing package is told before a model is asked
    return Nl2sh(tasks, find_sandbox(settings.sandbox))


def _code(settings: SuitesSettings) -> Rules | None:
    given = [name for name in ("humaneval", "mbpp") if name in settings.named()]
    tasks = [task for name in given for task in code.load(*_where(name, settings))]
    return Code(tasks, find_sandbox(settings.sandbox)) if given else None


@dataclass(frozen=True)
class Bfcl:
    """Its scores over several categories are made from the outcomes (see suites.bfcl.scores)."""

    tasks: Sequence[bfcl.BfclTask]
    bounds: None = None

    def check(self, replies: Mapping[int, str]) -> dict[int, Checked]:
        """Check calls by BFCL's rules."""
        return {number: bfcl.check(self.tasks[number], reply) for number, reply in replies.items()}

    def repairs(self, number: int, reply: str) -> tuple[str, ...]:
        """Return the parser's repairs."""
        return parse_reply(reply).repairs

    def expected(self, number: int) -> str:
        """Return the calls with the values that are accepted, or whether one is wanted at all."""
        task = self.tasks[number]
        if not task.expected:
            return "a call" if bfcl.CATEGORIES[task.category].rule == "some_call" else "no call"
        return " ".join(f"{call.function}({json.dumps(call.accepted, ensure_ascii=False)})" for call in task.expected)

    def figures(self, replies: Mapping[int, str], outcomes: Mapping[int, Outcome]) -> dict[str, Any]:
        """Count what was wrong, by reason."""
        return {"wrong": _reasons(outcomes)}


@dataclass(frozen=True)
class Usage:
    """Turns of a person's own interactions."""

    tasks: Sequence[usage.UsageTask]
    bounds: None = None

    def check(self, replies: Mapping[int, str]) -> dict[int, Checked]:
        """Check tools and arguments."""
        return {number: usage.check(self.tasks[number], reply) for number, reply in replies.items()}

    def repairs(self, number: int, reply: str) -> tuple[str, ...]:
        """Return the parser's repairs."""
        return parse_reply(reply).repairs

    def expected(self, number: int) -> str:
        """Return the calls, or that there is none."""
        return calls_in_words(self.tasks[number].expected) or "no call"

    def figures(self, replies: Mapping[int, str], outcomes: Mapping[int, Outcome]) -> dict[str, Any]:
        """Count by tool: tasks, the right tool, and the right arguments too."""
        scores = usage.per_tool([self.tasks[number] for number in outcomes], outcomes.values())
        tools = [[score.tool, score.tasks, score.right_tool, score.correct] for score in scores]
        return {"wrong": _reasons(outcomes), "right_tool": sum(s.right_tool for s in scores), "tools": tools}


@dataclass(frozen=True)
class Nl2sh:
    """Shell commands by execution; tasks whose references cannot judge do not count."""

    tasks: Sequence[nl2sh.ShellTask]
    sandbox: Sandbox

    @property
    def bounds(self) -> SandboxSettings:
        """The sandbox's."""
        return self.sandbox.settings

    @cached_property
    def _shell(self) -> shells.Shell:
        return shells.Shell(self.sandbox)

    @cached_property
    def _references(self) -> shells.References:
        say(f"nl2sh: running the references of {len(self.tasks):,} tasks in the sandbox, to see which can judge")
        return shells.refer(self.tasks, self._shell)

    def check(self, replies: Mapping[int, str]) -> dict[int, Checked]:
        """Run commands on the tasks' file systems."""
        left_out = self._references.left_out
        counting = {number: text for number, text in replies.items() if self.tasks[number].id not in left_out}
        tasks = [self.tasks[number] for number in counting]
        outcomes = shells.check_all(tasks, list(counting.values()), self._references, self._shell)
        found: dict[int, Checked] = dict(zip(counting, outcomes, strict=True))
        return {number: found.get(number) or left_out[self.tasks[number].id] for number in replies}

    def repairs(self, number: int, reply: str) -> tuple[str, ...]:
        """Return how the command was found."""
        return nl2sh.extract_command(reply).repairs

    def expected(self, number: int) -> str:
        """Return the first reference; the second does as well."""
        return self.tasks[number].gold

    def figures(self, replies: Mapping[int, str], outcomes: Mapping[int, Outcome]) -> dict[str, Any]:
        """Count the commands that are Bash, and those that are a reference but for spaces and quotes."""
        commands = {number: nl2sh.extract_command(replies[number]).text for number in outcomes}
        same = sum(nl2sh.same_text(self.tasks[number], command) for number, command in commands.items())
        parsed = sum(map(nl2sh.parses, commands.values()))
        return {"wrong": _reasons(outcomes), "parses": parsed, "same_text": same}


@dataclass(frozen=True)
class Code:
    """HumanEval and MBPP, pass@1."""

    tasks: Sequence[code.CodeTask]
    sandbox: Sandbox

    @property
    def bounds(self) -> SandboxSettings:
        """The sandbox's."""
        return self.sandbox.settings

    def check(self, replies: Mapping[int, str]) -> dict[int, Checked]:
        """Run solutions against the tasks' tests."""
        outcomes = running.check_all([self.tasks[number] for number in replies], list(replies.values()), self.sandbox)
        return dict(zip(replies, outcomes, strict=True))

    def repairs(self, number: int, reply: str) -> tuple[str, ...]:
        """Return how the solution was found."""
        return code.extract_code(self.tasks[number], reply).repairs

    def expected(self, number: int) -> str:
        """Return the reference."""
        return self.tasks[number].reference

    def figures(self, replies: Mapping[int, str], outcomes: Mapping[int, Outcome]) -> dict[str, Any]:
        """Count what was wrong, by reason."""
        return {"wrong": _reasons(outcomes)}


def _reasons(outcomes: Mapping[int, Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.why for outcome in outcomes.values() if not outcome.correct).most_common())

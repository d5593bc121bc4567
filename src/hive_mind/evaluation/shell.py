"""The `nl2sh` suite by execution: a command is right if it prints and changes what a reference prints and changes.

Exact texts miss most right answers (Westenfelder et al., NAACL 2025: a template match finds 20 % of equivalent ones),
so every command is run, each on a new copy of the task's file system. What cannot be judged so does not count: a task
whose reference fails, does something else the second time, prints the time, or has no visible effect.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from hive_mind.errors import HiveMindError
from hive_mind.evaluation.sandbox import Sandbox
from hive_mind.parallel import cores
from hive_mind.suites.nl2sh import Fixture, ShellTask, extract_command, fixture
from hive_mind.suites.outcome import Outcome

SECONDS = 4.0
REFERENCE_SECONDS = 2.0
"""A reference has half the time of a command, so that a slower moment of the machine does not decide."""
HOUR = 3600.0
CLOCK_TICK = 1.1
MISSING = re.compile(r"bash: line \d+: .*: command not found$|^(?:xargs|env): .*: No such file or directory$", re.M)
ACCOUNT = "root:x:1000:1000:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
SYSTEM_FILES = {
    "/etc/passwd": ACCOUNT,
    "/etc/group": "root:x:1000:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1\tlocalhost sandbox\n",
    "/etc/hostname": "sandbox\n",
    "/etc/shells": "/bin/sh\n/bin/bash\n",
}
"""What a container has besides /usr. The guest's user, who owns the fixtures, is called root as in icalfa's images."""
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Observed:
    """What a command did. `exit_code` is None if it was killed, `changes` gives kind, mode and content after it."""

    exit_code: int | None
    stdout: str
    stderr: str
    changes: dict[str, Any]


class Shell:
    """Runs commands on icalfa's file systems, each made once and then new for every command.

    Raises SuiteUnavailable if icalfa is not installed.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.stamp = time.time() - HOUR
        self._fixtures = {image: self._make(fixture(image)) for image in (1, 2, 3, 4, 5)}

    def run(self, image: int, command: str, seconds: float = SECONDS) -> Observed | None:
        """Run one command on a fresh file system; None if the sandbox ended it, for instance for its memory."""
        tree, environment = self._fixtures[image]
        result = self._job(command, tree, environment, seconds, keep=False)
        if result is None:
            return None
        return Observed(result["exit"], result["stdout"], result["stderr"], result["changes"])

    def _make(self, made: Fixture) -> tuple[list[Any], dict[str, str]]:
        """Run the script of a fixture once and keep what it leaves; what it dates now is dated an hour ago for all."""
        texts = {**SYSTEM_FILES, made.path: made.script}
        folders = [["/etc", "d", 0o755, self.stamp, ""], ["/root", "d", 0o700, self.stamp, ""]]
        files = [[path, "f", 0o644, self.stamp, _base64(text)] for path, text in texts.items()]
        result = self._job(f"bash {made.path}", folders + files, ENVIRONMENT, SECONDS, keep=True)
        if result is None:
            raise HiveMindError(f"{made.path} could not be run in the sandbox; try hive-mind doctor")
        return result["tree"], {**ENVIRONMENT, **made.environment}

    def _job(
        self, command: str, tree: list[Any], environment: dict[str, str], seconds: float, keep: bool
    ) -> dict[str, Any] | None:
        token = secrets.token_hex(16)
        job = {
            "tree": tree, "command": command, "environment": environment, "seconds": seconds, "keep": keep,
            "stamp": self.stamp, "token": token,
        }  # fmt: skip
        finished = self.sandbox.run_python(_guest(), orjson.dumps(job))
        last = finished.stdout.decode(errors="replace").rstrip("\n").rpartition("\n")[2]
        said, _, result = last.partition(" ")
        return orjson.loads(result) if finished.ended == "exit" and said == token else None


@dataclass(frozen=True, slots=True)
class References:
    """What the references of the counting tasks did, by task, and why the other tasks do not count."""

    observed: dict[str, tuple[Observed, ...]]
    left_out: dict[str, str]

    def counts(self) -> dict[str, int]:
        """Return how many tasks count, and how many do not for each reason."""
        return {"counting": len(self.observed), **Counter(self.left_out.values())}


def refer(tasks: Sequence[ShellTask], shell: Shell, *, gold_alone: bool = False) -> References:
    """Run every reference twice and keep those that can judge: see the module's text.

    A task counts if `gold` can judge; `gold2` is a second reference where it can too. Reasons for leaving a task out:
    killed, program_missing, shows_sandbox, shows_clock, not_deterministic, no_effect.
    """
    commands = [(task, text) for task in tasks for text in ((task.gold,) if gold_alone else (task.gold, task.gold2))]
    rounds, begun = [], time.time()
    for pause in (0.0, CLOCK_TICK):  # what prints the seconds prints others
        time.sleep(pause)
        rounds.append(_in_threads([(task.image, text) for task, text in commands], shell))
    clock = _clock(begun, time.time())
    observed: dict[str, list[Observed]] = {}
    left_out: dict[str, str] = {}
    for (task, text), first, second in zip(commands, *rounds, strict=True):
        why = unfit(first, second, clock)
        if first is not None and not why:
            observed.setdefault(task.id, []).append(first)
        elif text == task.gold:
            left_out[task.id] = why
    return References({name: tuple(each) for name, each in observed.items() if name not in left_out}, left_out)


def unfit(first: Observed | None, second: Observed | None, clock: re.Pattern[str]) -> str:
    """Return why two runs of a reference, at times that `clock` matches, cannot judge; nothing if they can."""
    if first is None or second is None or first.exit_code is None or second.exit_code is None:
        return "killed"
    if MISSING.search(first.stderr):
        return "program_missing"
    if "bwrap" in first.stdout:
        return "shows_sandbox"
    if disagreement(second, first):
        return "not_deterministic"
    if clock.search(first.stdout):
        return "shows_clock"
    return "" if first.stdout.strip() or first.changes else "no_effect"


def _clock(begun: float, ended: float) -> re.Pattern[str]:
    """Return what matches any minute from one time to another, as programs print it; inside, the zone is UTC."""
    minutes = range(int(begun) // 60, int(ended) // 60 + 1)
    return re.compile("|".join(time.strftime("%H:%M", time.gmtime(60 * minute)) for minute in minutes))


def check(task: ShellTask, reply: str, references: References, shell: Shell) -> Outcome:
    """Run the command of a reply and compare what it did with the references of its task, which must be a counting one.

    Reasons: no_command, killed, wrong_changes, wrong_output.
    """
    command = extract_command(reply).text
    if not command:
        return Outcome(False, "no_command")
    did = shell.run(task.image, command)
    if did is None or did.exit_code is None:
        return Outcome(False, "killed")
    reasons = [disagreement(did, reference) for reference in references.observed[task.id]]
    return Outcome(True) if "" in reasons else Outcome(False, reasons[0])


def check_all(
    tasks: Sequence[ShellTask], replies: Sequence[str], references: References, shell: Shell
) -> list[Outcome]:
    """Check one reply to each task, on all cores; outcomes in the order of the tasks. Raises as Sandbox.run does."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(lambda task, reply: check(task, reply, references, shell), tasks, replies))


def disagreement(did: Observed, reference: Observed) -> str:
    """Return in what a command differs from a reference; nothing if both did the same."""
    if did.changes != reference.changes:
        return "wrong_changes"
    if reference.changes and not reference.stdout.strip():
        return ""  # a command that also says what it does, such as cp -v, does the same
    return "" if tokens(did.stdout) == tokens(reference.stdout) else "wrong_output"


def tokens(text: str) -> list[str]:
    """Return the words of an output in alphabetical order, paths as they are from the folder /, where commands run."""
    return sorted(word.removeprefix("./").strip("/") or word for word in text.split())


def _in_threads(jobs: Sequence[tuple[int, str]], shell: Shell) -> list[Observed | None]:
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(lambda job: shell.run(job[0], job[1], REFERENCE_SECONDS), jobs))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@cache
def _guest() -> str:
    return Path(__file__).with_name("guest_shell.py").read_text(encoding="utf-8")

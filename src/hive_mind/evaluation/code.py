"""pass@1 of the `code` suite: a reply's solution and the task's tests, run in the sandbox."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import orjson

from hive_mind.evaluation.sandbox import Sandbox
from hive_mind.parallel import cores
from hive_mind.suites.code import CodeTask, extract_code
from hive_mind.suites.outcome import Outcome


def check(task: CodeTask, reply: str, sandbox: Sandbox) -> Outcome:
    """Run what a reply holds against the task's tests.

    Reasons: no_code, no_function, wrong, raised_<exception>, exited, time, memory, output. Raises as Sandbox.run does.
    """
    return run_solution(task, extract_code(task, reply).text, sandbox)


def check_all(tasks: Sequence[CodeTask], replies: Sequence[str], sandbox: Sandbox) -> list[Outcome]:
    """Check one reply to each task, on all cores; outcomes in the order of the tasks. Raises as Sandbox.run does."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(lambda task, reply: check(task, reply, sandbox), tasks, replies))


def run_solution(task: CodeTask, solution: str, sandbox: Sandbox) -> Outcome:
    """Run a solution as it is against the task's tests; reasons as for `check`."""
    if not solution.strip():
        return Outcome(False, "no_code")
    token = secrets.token_hex(16)
    job = {
        "before": task.before and task.before + "    pass\n" if task.category == "humaneval" else task.before,
        "solution": solution, "entry": task.entry, "tests": task.tests, "token": token,
    }  # fmt: skip
    finished = sandbox.run_python(_guest(), orjson.dumps(job))
    if finished.ended != "exit":
        return Outcome(False, finished.ended)
    last = finished.stdout.decode(errors="replace").rstrip("\n").rpartition("\n")[2]
    said, _, verdict = last.partition(" ")
    if said != token:
        return Outcome(False, "exited")
    return Outcome(not verdict, verdict)


@cache
def _guest() -> str:
    return Path(__file__).with_name("guest_code.py").read_text(encoding="utf-8")

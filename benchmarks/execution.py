"""How far the suites that execute code can be trusted: known right and known wrong answers through the real checks.

    make bench-execution        (needs HIVE_MIND_REAL_DATA and bubblewrap)

`code`: every reference solution of HumanEval and MBPP, and a stub that returns None, each with the task's own tests.
`nl2sh`: with `gold` alone as the reference and without the tasks whose two references are one text, how often the
second reference is accepted, and how often another task's command on the same file system (600 pairs, drawn by a seed).
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hive_mind.device import versions
from hive_mind.evaluation import code, shell
from hive_mind.evaluation.sandbox import Sandbox, find_sandbox
from hive_mind.files import write_json
from hive_mind.progress import say, utc_now
from hive_mind.suites import nl2sh
from hive_mind.suites.code import load as load_code
from hive_mind.suites.nl2sh import ShellTask

RESULTS = Path(__file__).absolute().parent / "results" / "execution.json"
SUITES = ("humaneval", "mbpp")
PAIRS = 600
SEED = 42


def measure_code(folder: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Run all references and stubs of one suite."""
    tasks, begun = load_code(folder), time.monotonic()
    right = code.check_all(tasks, [f"```python\n{task.reference}\n```" for task in tasks], sandbox)
    stubs = [f"def {task.entry}(*given, **named):\n    return None\n" for task in tasks]
    stubbed = code.check_all(tasks, stubs, sandbox)
    return {
        "tasks": len(tasks),
        "references_right": sum(outcome.correct for outcome in right),
        "references_wrong": [task.id for task, outcome in zip(tasks, right, strict=True) if not outcome.correct],
        "stubs_right": [task.id for task, outcome in zip(tasks, stubbed, strict=True) if outcome.correct],
        "milliseconds_a_run": round(1000 * (time.monotonic() - begun) / (2 * len(tasks)), 1),
    }


def measure_shell(file: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Judge second references and other tasks' commands by the first references alone."""
    every = nl2sh.load(file)
    both = shell.refer(every, at := shell.Shell(sandbox))
    tasks = [task for task in every if task.gold != task.gold2]
    references = shell.refer(tasks, at, gold_alone=True)
    counting = [task for task in tasks if task.id in references.observed]
    begun = time.monotonic()
    second = shell.check_all(counting, [task.gold2 for task in counting], references, at)
    pairs = other_pairs(counting, tasks)
    others = shell.check_all([task for task, _ in pairs], [other.gold for _, other in pairs], references, at)
    return {
        "all_tasks": {"tasks": len(every), **both.counts()},
        "gold_alone": {"tasks": len(tasks), **references.counts()},
        "second_reference_accepted": sum(outcome.correct for outcome in second),
        "second_reference_share": round(sum(outcome.correct for outcome in second) / len(counting), 4),
        "second_reference_refused_for": dict(Counter(outcome.why for outcome in second if outcome.why)),
        "other_commands": len(pairs),
        "other_commands_accepted": [
            {"task": task.id, "command_of": other.id}
            for (task, other), outcome in zip(pairs, others, strict=True)
            if outcome.correct
        ],
        "parses": sum(nl2sh.parses(task.gold) for task in every),
        "milliseconds_a_run": round(1000 * (time.monotonic() - begun) / (len(counting) + len(pairs)), 1),
    }


def other_pairs(counting: Sequence[ShellTask], tasks: Sequence[ShellTask]) -> list[tuple[ShellTask, ShellTask]]:
    """Draw tasks with another one on the same file system, no pair twice, whose first commands' texts differ."""
    every = [
        (task, other)
        for task in counting
        for other in tasks
        if other.image == task.image and other.gold not in (task.gold, task.gold2)
    ]
    return random.Random(SEED).sample(every, PAIRS)


def main() -> int:
    """Measure, say the figures and write them down."""
    real = os.environ.get("HIVE_MIND_REAL_DATA")
    if real is None:
        say("HIVE_MIND_REAL_DATA is not set: there are no tasks to run")
        return 1
    sandbox, folder = find_sandbox(), Path(real) / "eval"
    result: dict[str, Any] = {"created": utc_now(), "sandbox": sandbox.version, "versions": versions()}
    for name in SUITES:
        result[name] = measure_code(folder / name, sandbox)
        say(f"{name}: {result[name]}")
    result["nl2sh"] = measure_shell(folder / "nl2sh_alfa", sandbox)
    say(f"nl2sh: {result['nl2sh']}")
    write_json(RESULTS, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())

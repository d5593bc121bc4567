"""Solutions run against their tests in the sandbox."""

import random

import pytest

from hive_mind.evaluation.code import check, check_all, run_solution
from hive_mind.evaluation.sandbox import Sandbox, SandboxSettings
from hive_mind.suites.code import load
from tests.suites.test_code import HUMANEVAL, MBPP

RIGHT = "def total(numbers):\n    return sum(numbers)\n"


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    from hive_mind.files import write_jsonl

    file = tmp_path_factory.mktemp("code") / "tasks.jsonl"
    write_jsonl(file, [HUMANEVAL, MBPP])
    return load(file)


@pytest.mark.parametrize(
    "reply",
    [
        RIGHT,
        f"```python\n{RIGHT}```",
        "return sum(numbers)",
        f"{RIGHT}\nassert total([1]) == 2",
        f"{RIGHT}\nprint(total([int(x) for x in input().split()]))",
        f"{RIGHT}\nif __name__ == '__main__':\n    raise SystemExit(1)",
        "def total(numbers: List[int]):\n    return sum(numbers)",
        "import math\ntotal = lambda numbers: math.fsum(numbers)",
    ],
)
def test_right_solutions(tasks, sandbox, reply):
    assert check(tasks[0], reply, sandbox).correct


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("I do not know.", "no_code"),
        ("def sum_up(numbers):\n    return sum(numbers)", "no_function"),
        ("def total(numbers):\n    return None", "wrong"),
        ("def total(numbers):\n    return numbers[0]", "wrong"),
        ("def total(numbers):\n    return undefined", "raised_NameError"),
        ("def total(numbers):\n    while True: pass", "time"),
        ("def total(numbers):\n    return total(numbers)", "raised_RecursionError"),
        ("def total(numbers):\n    return bytearray(1 << 40)", "raised_MemoryError"),
        ("import os\ndef total(numbers):\n    os._exit(0)", "exited"),
        ("def total(numbers):\n    raise SystemExit(0)", "raised_SystemExit"),
        ("import os, sys\ndef total(numbers):\n    while True: os.write(2, b'x' * 9999)", "output"),
        ("class Same:\n    pass\ndef total(numbers):\n    return Same()", "wrong"),
    ],
)
def test_wrong_solutions_say_why(tasks, sandbox, reply, why):
    small = Sandbox(sandbox.bwrap, sandbox.version, SandboxSettings(seconds=2.0 if why == "time" else 10.0))
    outcome = check(tasks[0], reply, small)
    assert (outcome.correct, outcome.why) == (False, why)


def test_a_prompt_alone_is_no_solution(tasks, sandbox):
    """HumanEval's prompt is run before a solution, and is a function that returns None."""
    assert check(tasks[0], tasks[0].before, sandbox).why in ("no_code", "wrong")
    assert run_solution(tasks[0], "x = 1", sandbox).why == "no_function"


def test_a_solution_cannot_say_that_it_passed(tasks, sandbox):
    """The token is gone from standard input before the solution runs, and printing is kept apart."""
    reply = (
        "import sys, os\nsaid = sys.stdin.read()\nos.write(1, b'passed\\n')\nprint('passed')\n"
        "def total(numbers):\n    os.write(1, b'\\n' + said.encode() + b' \\n')\n    os._exit(0)"
    )
    assert check(tasks[0], reply, sandbox).why == "exited"


def test_all_on_threads_come_in_order(tasks, sandbox):
    replies = [RIGHT, "def double(n):\n    return n", "no", "def double(n):\n    return n * 2"]
    found = check_all([tasks[0], tasks[1], tasks[0], tasks[1]], replies, sandbox)
    assert [outcome.why for outcome in found] == ["", "wrong", "no_code", ""]


@pytest.mark.parametrize("suite", ["humaneval", "mbpp"])
def test_references_pass_and_a_stub_does_not(real_data, sandbox, suite):
    """A part of the tasks; `make bench-execution` runs them all."""
    tasks = load(real_data / "eval" / suite, limit=24, seed=random.randrange(10**6))
    outcomes = check_all(tasks, [f"```python\n{task.reference}\n```" for task in tasks], sandbox)
    assert [(task.id, outcome.why) for task, outcome in zip(tasks, outcomes, strict=True) if outcome.why] == []
    stubs = [f"def {task.entry}(*given, **named):\n    return None\n" for task in tasks]
    assert not any(outcome.correct for outcome in check_all(tasks, stubs, sandbox))

"""HumanEval (Chen et al., 2021) and MBPP (Austin et al., 2021) from their JSONL files: Python functions with tests.

Here tasks are read and code is found in replies; running it is `evaluation.code`'s, in the sandbox.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from hive_mind.chat.parse import parse_reply
from hive_mind.conversation import JSON, Message, Reject, Tool
from hive_mind.errors import HiveMindError
from hive_mind.sources.raw import SUFFIXES, read_raw
from hive_mind.suites.fences import Block, Extracted, blocks, widest
from hive_mind.suites.sampling import sample_groups
from hive_mind.suites.unavailable import SuiteUnavailable

Category = Literal["humaneval", "mbpp"]
_STARTS_CODE = re.compile(r"(?:async def|def|class|import|from)\b|@")
_QUIET = Lock()
"""Filters of warnings are the whole process's."""


@dataclass(frozen=True, slots=True)
class CodeTask:
    """One function to write. `before` is run ahead of a solution (HumanEval's prompt with its imports and helpers),
    then each of `tests`, all in one namespace; `reference` solves the task."""

    id: str
    category: Category
    messages: tuple[Message, ...]
    entry: str
    before: str
    tests: tuple[str, ...]
    reference: str
    tools: tuple[Tool, ...] = ()

    @property
    def cluster(self) -> str:
        """No two tasks hang together."""
        return self.id


def load(path: Path, limit: int | None = None, seed: int = 42) -> list[CodeTask]:
    """Read the tasks of a file, HumanEval's or MBPP's (JSON Lines, or Parquet as on the hub), or of all in a folder.

    Raises SuiteUnavailable if there are none or a row is in neither layout.
    """
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES) if path.is_dir() else [path]
    tasks = [task for file in files for task in _read(file)]
    if not tasks:
        raise SuiteUnavailable(f"{path} holds no tasks; name HumanEval's or MBPP's JSONL file, or a folder with them")
    return sample_groups(tasks, limit, seed, lambda task: task.id, lambda task: task.category)


def _read(file: Path) -> Iterator[CodeTask]:
    try:
        for raw in read_raw(file):
            if isinstance(raw, Reject):
                raise SuiteUnavailable(f"{file}, line {raw.line} cannot be read ({raw.detail}); fetch the file again")
            try:
                yield _humaneval(raw.row) if "entry_point" in raw.row else _mbpp(raw.row)
            except (KeyError, TypeError, SyntaxError, ValueError) as error:
                raise SuiteUnavailable(
                    f"{file}, line {raw.line} is no task in HumanEval's or MBPP's layout ({error!r}); check the file"
                ) from None
    except SuiteUnavailable:
        raise
    except HiveMindError as error:
        raise SuiteUnavailable(str(error)) from None


def _humaneval(row: JSON) -> CodeTask:
    prompt, entry = row["prompt"], row["entry_point"]
    asked = f"Complete this Python function. Answer with the whole function.\n\n```python\n{prompt.rstrip()}\n```"
    tests = (f"{row['test']}\n\ncheck({entry})\n",)
    reference = prompt + row["canonical_solution"]
    return CodeTask(str(row["task_id"]), "humaneval", (Message("user", asked),), entry, prompt, tests, reference)


def _mbpp(row: JSON) -> CodeTask:
    """Read {prompt, test} or the hub's {text or prompt, test_list, test_setup_code or test_imports}."""
    tests = row["test"] if "test" in row else row["test_list"]
    call, entry = called(tests[0])
    setup = row.get("test_setup_code") or "\n".join(row.get("test_imports") or ())
    request = (row["prompt"] if "prompt" in row else row["text"]).strip()
    asked = f"{request}\nName the Python function `{entry}`. It is called like this: `{call}`"
    reference = row["code"].replace("\r\n", "\n")
    return CodeTask(f"MBPP/{row['task_id']}", "mbpp", (Message("user", asked),), entry, setup, tuple(tests), reference)


def called(test: str) -> tuple[str, str]:
    """Return the call that an assert tests, as it is written, and the name of the function.

    That is the outermost call of a name that is not Python's own (`assert set(similar((1, 2))) == {1}`); where there is
    none, the outermost one: a task may want a function named `sum`. Raises ValueError if the test calls nothing.
    """
    calls = [
        (node, node.func.id)
        for node in ast.walk(ast.parse(test))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    if not calls:
        raise ValueError(f"the test {test!r} calls no function")
    node, name = next((each for each in calls if not hasattr(builtins, each[1])), calls[0])
    return ast.get_source_segment(test, node) or ast.unparse(node), name


def extract_code(task: CodeTask, reply: str) -> Extracted:
    """Find the solution in a reply: code as it is, in a fence, between prose, or HumanEval's function body alone.

    Repairs: fenced, unclosed_fence, prose (text before the code), cut (lines at the end that are not Python), body.
    """
    parsed = parse_reply(reply)  # which strips white space, and a body may begin with it
    text = (parsed.text if parsed.calls else reply).replace("\r\n", "\n")
    found = blocks(text)
    if not found:
        return _from_lines(task, text, ())
    block = _choose(task, found, widest(text))
    return _from_lines(task, _dedented(block.text), ("fenced",) if block.closed else ("fenced", "unclosed_fence"))


def _choose(task: CodeTask, found: list[Block], whole: Block | None) -> Block:
    """Choose the block that is a solution; a docstring may hold fences too, so it may be all of them together."""
    defining = [block for block in found if _defines(block.text, task.entry)]
    solution = next((block for block in defining if _compiles(_dedented(block.text))), None)
    if solution is None and whole is not None and _compiles(_dedented(whole.text)):
        return whole
    return solution or (defining or sorted(found, key=lambda block: -len(block.text)))[0]


def _from_lines(task: CodeTask, text: str, repairs: tuple[str, ...]) -> Extracted:
    """Take the longest run of lines that is Python, from the first line that can begin a program."""
    if _compiles(text) and _defines(text, task.entry):
        return Extracted(text, repairs)
    lines = text.strip("\n").splitlines()
    start = next((number for number, line in enumerate(lines) if _STARTS_CODE.match(line)), None)
    if start is not None:
        code, cut = _longest(lines[start:])
        if _defines(code, task.entry):
            help_needed = [name for name, needed in (("prose", start > 0), ("cut", cut)) if needed]
            return Extracted(code, (*repairs, *help_needed))
    body = None if _compiles(text) else _as_body(task, lines)  # what returns outside a function does not compile
    if body is not None:
        return Extracted(body[0], (*repairs, "body", *(("cut",) if body[1] else ())))
    return Extracted(text if start is not None and _compiles(text) else "", repairs)


def _as_body(task: CodeTask, lines: list[str]) -> tuple[str, bool] | None:
    """Read lines as what follows HumanEval's prompt: indented below its `def`, or not, or but for the first line."""
    if task.category != "humaneval" or not lines:
        return None
    indented = textwrap.indent("\n".join(lines), "    ").splitlines()
    layouts = [lines] if lines[0].startswith((" ", "\t")) else [indented, [indented[0], *lines[1:]]]
    code, cut = max((_longest(layout, task.before) for layout in layouts), key=lambda found: len(found[0]))
    return (code, cut) if code != task.before else None


def _longest(lines: list[str], before: str = "") -> tuple[str, bool]:
    """Return `before` with as many of the lines as compile together, and whether some at the end were left out."""
    for count in range(len(lines), 0, -1):
        code = before + "\n".join(lines[:count]) + "\n"
        if lines[count - 1].strip() and _compiles(code):
            return code, count < len(lines)
    return before, bool(lines)


def _dedented(text: str) -> str:
    """Undo the indentation of a whole block; textwrap's dedent alone would change blank lines in texts."""
    return textwrap.dedent(text) if text.lstrip("\n").startswith((" ", "\t")) else text


def _compiles(code: str) -> bool:
    try:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in a model's texts
            compile(code, "reply", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def _defines(code: str, name: str) -> bool:
    """Tell whether code binds a name at its top level; a text that is not Python is asked by its lines."""
    name = re.escape(name)
    return bool(re.search(rf"^(?:(?:async )?def|class) {name}\b|^{name}\b[^=\n]*=(?!=)", code, re.M))

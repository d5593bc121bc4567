"""BFCL v4's single-turn and live categories as tasks, read from its own files.

In BFCL_v4_<category>.json a line is {"id", "question": [[messages]], "function": [declarations]}; in the file of the
same name in possible_answer/ it is {"id", "ground_truth": [{function: {parameter: [accepted values]}}]}.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hive_mind.chat.parse import parse_reply
from hive_mind.conversation import JSON, MalformedConversation, Message, Reject, Tool
from hive_mind.sources.raw import read_raw
from hive_mind.suites.bfcl.rules import JAVA, JAVASCRIPT, PYTHON, Expected, Language, Parameter, calls_fault
from hive_mind.suites.clusters import tool_set
from hive_mind.suites.outcome import Outcome
from hive_mind.suites.sampling import sample_groups
from hive_mind.suites.unavailable import SuiteUnavailable
from hive_mind.tool_schema import read_tool

Rule = Literal["one_call", "any_order", "no_call", "some_call"]


@dataclass(frozen=True, slots=True)
class Category:
    """A category of BFCL: how many tasks were published, what is right there, and the language of its functions."""

    published: int
    rule: Rule
    language: Language = PYTHON


CATEGORIES = {
    "simple_python": Category(400, "one_call"),
    "simple_java": Category(100, "one_call", JAVA),
    "simple_javascript": Category(50, "one_call", JAVASCRIPT),
    "multiple": Category(200, "one_call"),
    "parallel": Category(200, "any_order"),
    "parallel_multiple": Category(200, "any_order"),
    "irrelevance": Category(240, "no_call"),
    "live_simple": Category(258, "one_call"),
    "live_multiple": Category(1053, "one_call"),
    "live_parallel": Category(16, "any_order"),
    "live_parallel_multiple": Category(24, "any_order"),
    "live_irrelevance": Category(884, "no_call"),
    "live_relevance": Category(16, "some_call"),
}

V3_NAMES = {"simple_python": "simple", "simple_java": "java", "simple_javascript": "javascript"}


@dataclass(frozen=True, slots=True)
class BfclTask:
    """One question. `expected` are the calls of the reference; empty where only calling or not calling counts.

    `cluster` names the set of tools, by which tasks depend on each other.
    """

    id: str
    category: str
    cluster: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    expected: tuple[Expected, ...]


def load(path: Path, limit: int | None = None, seed: int = 42) -> list[BfclTask]:
    """Read the categories whose files lie in the folder `path`; at most `limit` tasks, each category with its share.

    Raises SuiteUnavailable if there is none, or if one cannot be used, naming the file.
    """
    files = {name: _file(path, name) for name in CATEGORIES}
    tasks = [task for name, file in files.items() if file.is_file() for task in _read(file, name)]
    if not tasks:
        raise SuiteUnavailable(
            f"{path} holds no file BFCL_v4_<category>.json of a single-turn or live category; name the folder that does"
        )
    return sample_groups(tasks, limit, seed, lambda task: task.id, lambda task: task.category)


def _file(folder: Path, category: str) -> Path:
    """Return the file of a category: v4's, or v3's where only that is there."""
    newest = folder / f"BFCL_v4_{category}.json"
    return newest if newest.is_file() else folder / f"BFCL_v3_{V3_NAMES.get(category, category)}.json"


def check(task: BfclTask, reply: str) -> Outcome:
    """Check a reply by BFCL's rule for the task's category.

    What cannot be read as a call is none: right where none is wanted, as upstream has it.
    """
    calls = parse_reply(reply).calls
    category = CATEGORIES[task.category]
    if category.rule == "no_call":
        fault = "called" if calls else ""
    elif category.rule == "some_call":
        fault = "" if calls else "no_call"
    else:
        fault = calls_fault(task.expected, calls, category.language, category.rule == "any_order")
    return Outcome(not fault, fault)


def _read(file: Path, category: str) -> list[BfclTask]:
    has_answers = CATEGORIES[category].rule in ("one_call", "any_order")
    answers = {row["id"]: row for row in _rows(file.parent / "possible_answer" / file.name)} if has_answers else {}
    tasks = []
    for row in _rows(file):
        try:
            calls = answers[row["id"]]["ground_truth"] if has_answers else []
            tasks.append(_task(row, category, calls))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise SuiteUnavailable(
                f"{file}: task {row.get('id')} or its answer is not in BFCL v4's layout ({what}); fetch the files again"
            ) from None
    return tasks


def _rows(file: Path) -> list[JSON]:
    if not file.is_file():
        raise SuiteUnavailable(f"{file} is missing; put BFCL's folder possible_answer beside its questions")
    rows = []
    for item in read_raw(file):
        if isinstance(item, Reject):
            raise SuiteUnavailable(f"{file}, line {item.line}: {item.detail}; fetch the file again")
        rows.append(item.row)
    return rows


def _task(row: JSON, category: str, calls: Sequence[dict[str, JSON]]) -> BfclTask:
    """Build a task. Raises what indexing raises where the row is in another layout, and MalformedConversation."""
    language = CATEGORIES[category].language
    [messages] = row["question"]
    functions = row["function"]
    return BfclTask(
        row["id"],
        category,
        tool_set((function["name"] for function in functions), alone=row["id"]),
        tuple(Message.from_dict(message) for message in messages),
        tuple(read_tool(_in_prompt(function, language)) for function in functions),
        tuple(expected_call(call, functions, language) for call in calls),
    )


def expected_call(call: dict[str, JSON], functions: Sequence[JSON], language: Language) -> Expected:
    """Join a call of the answers, {function: {parameter: accepted values}}, with its function's declaration.

    Raises MalformedConversation, or what indexing raises, where they are in another layout.
    """
    [(name, accepted)] = call.items()
    function = next((function for function in functions if function["name"] == name), None)
    if function is None:
        raise MalformedConversation("undeclared", f"its answer calls {name}, which it does not declare")
    declared = function["parameters"]
    parameters = {name: _parameter(part, language) for name, part in declared["properties"].items()}
    if not _are_lists(accepted) or not all(_are_lists(part) for part in _objects(accepted)):
        raise MalformedConversation("not_a_list", f"accepted values of {name} are not in lists")
    return Expected(name, parameters, tuple(declared["required"]), accepted)


def _are_lists(accepted: JSON) -> bool:
    # A text stands in one answer of the published data, where a list of it is meant; it counts as its letters.
    return all(isinstance(values, list | str) for values in accepted.values())


def _objects(accepted: JSON) -> list[JSON]:
    """Return the accepted objects, whose members are lists of accepted values in their turn."""
    answers = [answer for values in accepted.values() for answer in values]
    parts = [part for answer in answers for part in (answer if isinstance(answer, list) else [answer])]
    return [part for part in parts if isinstance(part, dict)]


def _parameter(declared: JSON, language: Language) -> Parameter:
    kind = declared["type"]
    items = declared["items"]["type"] if kind in language.with_items else None
    for name in (kind, items) if items else (kind,):
        if name not in language.types:
            raise MalformedConversation("unknown_type", f"{name} is no type that BFCL checks in {language.name}")
    return Parameter(kind, items)


def _in_prompt(function: JSON, language: Language) -> JSON:
    """Return a declaration as a model sees it: in Java and JavaScript every argument is source text in a string."""
    if language.read is None:
        return function
    parameters = function["parameters"]
    properties = {name: _as_source(part, language) for name, part in parameters["properties"].items()}
    return {**function, "parameters": {**parameters, "properties": properties}}


def _as_source(declared: JSON, language: Language) -> JSON:
    kind = str(declared["type"])
    if kind in language.with_items:
        kind += f" of {declared['items']['type']}"
    said: list[Any] = [declared.get("description", ""), f"{language.name} source of type {kind}, as a string."]
    return {"type": "string", "description": " ".join(part for part in said if part)}

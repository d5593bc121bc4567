"""Tasks on which two models differ, with what either replied, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hive_mind.conversation import Message
from hive_mind.evaluation.outcomes import Decoding, Row, pair
from hive_mind.evaluation.records import Evaluation
from hive_mind.evaluation.run import EvaluationRequest, held_out_replies, suite_replies
from hive_mind.evaluation.suites import load_suites
from hive_mind.suites.calls import calls_in_words

FORMAT = "format"
"""This suite is made of the other suites' replies."""


@dataclass(frozen=True, slots=True)
class Example:
    """A task that one model has right and the other wrong; `won` if it is the first. Replies as they were written."""

    id: str
    won: bool
    request: str
    expected: str
    mine: str
    theirs: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Task:
    """What a task asked, what would be right, and both replies."""

    request: str
    expected: str
    replies: tuple[str, str]


def differing(request: EvaluationRequest, evaluation: Evaluation, of_each: int) -> list[Example]:
    """Return at most `of_each` tasks that the first of two models won, then as many that it lost.

    They are spread over suites and categories, each beginning with its first, in the decoding that decides. The replies
    are those kept when the request was evaluated; raises ValueError if none were (it needs a cache).
    """
    first, second = evaluation.models
    pairing = pair(evaluation.results(first), evaluation.results(second))
    chosen = []
    for won in (True, False):
        rows = [row for row in pairing.rows if row.mine[0] != row.theirs[0] and row.mine[0] is won]
        chosen += _spread([row for row in rows if row.suite != FORMAT], of_each)
    decodings = {row.suite: pairing.decodings[row.suite] for row in chosen}
    asked = {
        (suite, identity): task
        for suite, decoding in decodings.items()
        for identity, task in _tasks(request, suite, decoding, (first.name, second.name))
    }
    found = []
    for row in chosen:
        task = asked[row.suite, row.task.id]
        found.append(Example(row.task.id, row.mine[0], task.request, task.expected, *task.replies))
    return found


def _tasks(
    request: EvaluationRequest, suite: str, decoding: Decoding, models: tuple[str, str]
) -> Iterator[tuple[str, _Task]]:
    """Yield the tasks of a suite by id."""
    if suite == "held_out":
        questions, measured = held_out_replies(request)
        kept = [measured[name].served if decoding == "served" else measured[name].replies for name in models]
        asked = [(item.id, item.messages[-1].content, in_words(item.expected)) for item in questions.items]
    else:
        read = next(found for found in load_suites(request.settings.suites) if found.name == suite)
        assert read.rules is not None
        replies = suite_replies(request, read, decoding)
        kept = [replies[name] for name in models]
        asked = [
            (task.id, task.messages[-1].content, read.rules.expected(number))
            for number, task in enumerate(read.rules.tasks)
        ]
    for (identity, words, expected), *both in zip(asked, *(each or () for each in kept), strict=True):
        texts = [reply.text if reply is not None else "" for reply in both]
        yield identity, _Task(words, expected, (texts[0], texts[1]))


def _spread(rows: Sequence[Row], count: int) -> list[Row]:
    """Choose tasks in turn from every suite and category."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.where, []).append(row)
    longest = max(map(len, groups.values()), default=0)
    return [group[turn] for turn in range(longest) for group in groups.values() if turn < len(group)][:count]


def in_words(message: Message) -> str:
    """Return what was expected as a person reads it: the calls, or that there is none."""
    if not message.tool_calls:
        return f"no call, such as: {message.content}"
    return calls_in_words(message.tool_calls)

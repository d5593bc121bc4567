"""A person's own interactions as tasks: at every turn that was good, the right tool with the right arguments.

What is asked is every assistant turn that would be learnt from, after a tool's result too, for most calls of an agent
stand there. The turns of one session resemble each other; `cluster` says so to the statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind.chat.parse import parse_reply
from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.errors import DataRefused, UsageError
from hive_mind.files import index_name, read_jsonl
from hive_mind.suites.calls import attempted_call, same_value
from hive_mind.suites.held_out import read_conversations
from hive_mind.suites.outcome import Outcome
from hive_mind.suites.sampling import sample_groups
from hive_mind.suites.unavailable import SuiteUnavailable

SOURCES = ("usage", "messages")
NO_TOOL = "no tool"


@dataclass(frozen=True, slots=True)
class UsageTask:
    """One turn of an interaction. `category` is the first tool that was called, or NO_TOOL for an answer in words."""

    id: str
    category: str
    cluster: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    expected: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class ToolScore:
    """How often the right tools were called, and with the right arguments too, where `tool` was to be called first."""

    tool: str
    tasks: int
    right_tool: int
    correct: int


def load(path: Path, limit: int | None = None, seed: int = 42) -> list[UsageTask]:
    """Read the interactions (sources usage and messages) of a JSONL file; at most `limit` turns, each tool its share.

    Sessions are told apart by the index beside the file; without one, each conversation is a session.
    Raises SuiteUnavailable if the file is missing, broken or holds none.
    """
    index = path.with_name(index_name(path.name))
    try:
        marks = [mark for _, mark in read_jsonl(index)] if index.exists() else []
        conversations = read_conversations(path)
    except (DataRefused, UsageError) as error:
        raise SuiteUnavailable(str(error)) from None
    sessions = {mark.get("id"): str(mark.get("session") or "") for mark in marks}
    own = [conversation for conversation in conversations if conversation.source in SOURCES]
    tasks = [task for one in own for task in _tasks(one, sessions.get(one.id) or one.id)]
    if not tasks:
        raise SuiteUnavailable(
            f"{path} holds no turn of your own interactions (source {' or '.join(SOURCES)}); name a file that does"
        )
    return sample_groups(tasks, limit, seed, lambda task: task.id, lambda task: task.category)


def check(task: UsageTask, reply: str) -> Outcome:
    """Check a reply: the same tools in the same order with the same arguments; or words, where no tool was called."""
    parsed = parse_reply(reply)
    found, expected = parsed.calls, task.expected
    if not expected:
        fault = "called" if attempted_call(parsed) else "" if parsed.text.strip() else "empty"
    elif not found:
        fault = "no_call"
    elif [call.name for call in found] != [call.name for call in expected]:
        fault = "wrong_count" if len(found) != len(expected) else "wrong_tool"
    else:
        right = (same_value(a.arguments, b.arguments) for a, b in zip(found, expected, strict=True))
        fault = "" if all(right) else "wrong_arguments"
    return Outcome(not fault, fault)


def per_tool(tasks: Sequence[UsageTask], outcomes: Iterable[Outcome]) -> list[ToolScore]:
    """Return the scores of every tool, the most used first; answers in words are counted under NO_TOOL."""
    by_tool: dict[str, list[Outcome]] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        by_tool.setdefault(task.category, []).append(outcome)
    scores = [
        ToolScore(
            tool,
            len(found),
            sum(outcome.correct or outcome.why == "wrong_arguments" for outcome in found),
            sum(outcome.correct for outcome in found),
        )
        for tool, found in by_tool.items()
    ]
    return sorted(scores, key=lambda score: (-score.tasks, score.tool))


def _tasks(conversation: Conversation, session: str) -> list[UsageTask]:
    tasks = []
    for turn, message in enumerate(conversation.messages):
        said = message.tool_calls or message.content.strip()
        if message.role == "assistant" and message.learn and turn and said:
            category = message.tool_calls[0].name if message.tool_calls else NO_TOOL
            identity, before = f"{conversation.id}#{turn}", conversation.messages[:turn]
            tasks.append(UsageTask(identity, category, session, before, conversation.tools, message.tool_calls))
    return tasks

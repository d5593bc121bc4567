"""What is kept of a request: who asked, in which conversation, what was answered, and what its calls came to."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from hive_mind.conversation import Message, Tool
from hive_mind.serving.ask import Answer
from hive_mind.sources.mcp_results import read_result
from hive_mind.usage.interaction import Interaction, Outcome, Recorder

REMEMBERED_ANSWERS = 10_000
_FAILURES = ("error", "failed", "traceback (most recent call last)", "exception")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is recorded, whoever answers it. `time` is when it came in."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    client: str
    session: str
    request_id: str
    time: str

    def interaction(
        self, source: str, answer: Message, version: str | None, seconds: float, error: str = ""
    ) -> Interaction:
        """Return the interaction that this request and an answer make; with an `error` it has failed."""
        return Interaction(
            source=source, messages=self.messages, answer=answer, tools=self.tools, client=self.client,
            outcome="failed" if error else "unknown", error=error, session=self.session, time=self.time,
            version=version, latency_ms=round(seconds * 1000, 3), request_id=self.request_id,
        )  # fmt: skip

    def answered(self, source: str, answer: Answer) -> Interaction:
        """Return the interaction that this request and the local model's answer make."""
        said = Message("assistant", answer.text, answer.calls)
        return self.interaction(source, said, answer.version, answer.seconds, shortcoming(answer))


def shortcoming(answer: Answer) -> str:
    """Return why an answer is not one to learn from, empty if nothing is known against it."""
    if answer.finish_reason == "cancelled":
        return "the client left before the answer was whole"
    if answer.finish_reason == "length":
        return "cut off at the length limit"
    return "; ".join(answer.problems)


def session_of(client: str, messages: Sequence[Message], header: str | None, user: str | None) -> str:
    """Return what groups the turns of one conversation: what the client says, else a digest of how it began.

    The first messages up to the first of the user are the same in every turn, and differ between conversations.
    """
    if header or user:
        return (header or user or "")[:128]
    opening = []
    for message in messages:
        opening.append([message.role, message.content])
        if message.role == "user":
            break
    return hashlib.sha256(json.dumps([client, opening]).encode()).hexdigest()[:16]


def outcome_of(result: str) -> Outcome:
    """Tell from a tool's result whether the call went well: the API has no flag for it.

    It failed if it is an MCP result that says so, an object with an `error`, or a text that begins with the word.
    """
    read = read_result(result)
    if read.outcome != "done":
        return "failed"
    text = read.text.strip()
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and value.get("error"):
            return "failed"
    return "failed" if text.lower().startswith(_FAILURES) else "succeeded"


def report_results(recorder: Recorder, messages: Sequence[Message]) -> None:
    """Report what the calls of the last answer came to: the tool messages that this request adds to it."""
    last = max((place for place, message in enumerate(messages) if message.role == "assistant"), default=-1)
    for message in messages[last + 1 :]:
        if message.role == "tool" and message.tool_call_id:
            recorder.result(message.tool_call_id, message.content, outcome_of(message.content))


class Answered:
    """Under which id the latest answers were recorded, by the id that the client got, for its feedback."""

    def __init__(self) -> None:
        self._interactions: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def add(self, answer_id: str, interaction_id: str) -> None:
        """Remember an answer; the oldest of many is forgotten."""
        with self._lock:
            self._interactions[answer_id] = interaction_id
            if len(self._interactions) > REMEMBERED_ANSWERS:
                self._interactions.popitem(last=False)

    def interaction(self, answer_id: str) -> str | None:
        """Return the interaction of an answer, None if it is not known."""
        with self._lock:
            return self._interactions.get(answer_id)

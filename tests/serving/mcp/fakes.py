"""A service that answers as it is told, and a recorder that keeps what it is given."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from hive_mind.conversation import ToolCall
from hive_mind.serving.ask import Answer, Begun, CallDelta, CallStart, TextDelta


def answer(text="", calls=(), **changes):
    """An answer of version a_v1."""
    fields = {
        "text": text, "calls": tuple(calls), "finish_reason": "tool_calls" if calls else "stop", "version": "a_v1",
        "base": "test/one", "prompt_tokens": 10, "cached_tokens": 0, "completion_tokens": 5, "queued": 0.0,
        "first_token": 0.01, "seconds": 0.02,
    }  # fmt: skip
    return Answer(**{**fields, **changes})


def call(name, **arguments):
    return ToolCall(f"call_{uuid.uuid4().hex}", name, arguments)


@dataclass
class FakePending:
    replies: list
    cancelled: bool = False

    async def stream(self):
        for item in self.replies:
            if callable(item):
                await item()
            elif isinstance(item, Exception):
                raise item
            else:
                yield item

    def events(self):
        raise NotImplementedError

    def answer(self):
        raise NotImplementedError

    def cancel(self):
        self.cancelled = True


@dataclass
class FakeService:
    """Answers each request with the next of `waiting`: an Answer, an error, or a list of events; else it echoes."""

    waiting: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    pending: list = field(default_factory=list)
    closed: bool = False
    problem: str = ""

    def submit(self, ask):
        self.asked.append(ask)
        told = self.waiting.pop(0) if self.waiting else _echo(ask)
        if isinstance(told, Exception):
            raise told
        self.pending.append(FakePending(told if isinstance(told, list) else [Begun(told.version, told.base), told]))
        return self.pending[-1]

    def stats(self):
        return {"queue": 0.0, "requests": float(len(self.asked))}

    def close(self, wait=30.0):
        self.closed = True


def _echo(ask):
    said = ask.messages[-1].content
    if ask.tools and ask.tool_choice == "required":
        tool = ask.tools[0]
        return answer(calls=[call(tool.name, **dict.fromkeys(tool.parameters.get("required", ()), said))])
    return answer(f"You said: {said}")


@dataclass
class FakeRecorder:
    """Keeps interactions and feedback in lists."""

    interactions: list = field(default_factory=list)
    told: list = field(default_factory=list)

    def record(self, interaction):
        self.interactions.append(interaction)
        return f"{len(self.interactions):032x}"

    def result(self, call_id, content, outcome):
        self.told.append((call_id, content, outcome))

    def feedback(self, interaction_id, thumb, comment=""):
        self.told.append((interaction_id, thumb, comment))


def deltas(*texts):
    """A reply in pieces, without its end."""
    return [Begun("a_v1", "test/one"), *(TextDelta(text) for text in texts)]


__all__ = ["CallDelta", "CallStart", "FakePending", "FakeRecorder", "FakeService", "answer", "call", "deltas"]

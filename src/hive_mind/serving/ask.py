"""What is asked of the service and what it answers, whoever asks: OpenAI's API, an MCP tool, a gateway's shadow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from hive_mind.conversation import JSON, Message, Tool, ToolCall
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.inference.tool_choice import ToolChoice

FinishReason = Literal["stop", "length", "tool_calls", "cancelled"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `model`: `latest`, `base`, an alias or a version.

    `prompt` is raw text to go on from (`/v1/completions`) and stands in the place of `messages`. `response_schema`
    holds the reply to JSON of that schema ({} = any object). `max_tokens` None = what the context leaves, at most the
    service's own limit. `stop` texts end the reply and are not part of it. `seed` None = a fresh one each time.
    """

    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    model: str = "latest"
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    response_schema: JSON | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    prompt: str | None = None


class Busy(HiveMindError):
    """The queue is full: nothing was taken in, ask again in `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnknownModel(UsageError):
    """No version, alias or base has the name that was asked for."""


class Unavailable(HiveMindError):
    """A model that cannot be served at present, e.g. because its base is not at hand: no fault of the request's."""


class ContextExceeded(UsageError):
    """Prompt and reply together are longer than the model reads."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The first event: which model answers, as in Answer. Nothing is known of the reply yet."""

    version: str
    base: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply's words."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """A tool call begins; its arguments follow as CallDelta with the same index.

    `id` is the one that the Answer's call has, and no other call of any request.
    """

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A piece of a call's arguments, JSON text as the model writes it."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole reply. Times in seconds since the request was taken in.

    `version` is the one model that wrote all of it ("base" for none), `base` the id of the base under it. `problems`
    names what is wrong with calls that the grammar could not enforce, `not_enforced` by tool the schema keywords that
    it could not hold the reply to. A call that the length limit cut is no call: `finish_reason` is "length", and `text`
    keeps it.
    """

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: FinishReason
    version: str
    base: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    queued: float
    first_token: float
    seconds: float
    problems: tuple[str, ...] = ()
    not_enforced: dict[str, tuple[str, ...]] = field(default_factory=dict)
    repairs: tuple[str, ...] = ()


Event = Begun | TextDelta | CallStart | CallDelta | Answer
"""A reply as it is made: Begun comes first, and the whole Answer last."""


class Pending(Protocol):
    """A request that was taken in. Its events can be read once, from a thread or from an event loop.

    Reading raises HiveMindError if this request failed, UsageError if what was asked cannot be done.
    """

    def events(self) -> Iterator[Event]: ...
    def stream(self) -> AsyncIterator[Event]: ...
    def answer(self) -> Answer: ...
    def cancel(self) -> None: ...


class Service(Protocol):
    """Answers requests. `submit` raises UsageError for what cannot be asked, Busy when the queue is full.

    `stats` are figures by name, of the moment (queue, rows) and counted since the start (tokens, seconds). `problem`
    says why not what `latest` means is served, or nothing is; empty if all is well.
    """

    @property
    def problem(self) -> str: ...
    def submit(self, ask: Ask) -> Pending: ...
    def stats(self) -> dict[str, float]: ...
    def close(self, wait: float = 30.0) -> None: ...

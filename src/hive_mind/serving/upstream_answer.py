"""What another server answered, read from the bytes that are passed on, whole or streamed, to be recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from hive_mind.conversation import JSON, MalformedConversation, Message, ToolCall

LONGEST = 16 << 20
"""Bytes of an answer that are kept to be read; a longer one is passed on and not recorded."""


@dataclass
class UpstreamAnswer:
    """An answer as far as it has come. `feed` takes its bytes; `message` is what they say once all have come."""

    streamed: bool
    _bytes: bytearray = field(default_factory=bytearray)
    _size: int = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._size += len(piece)
        if self._size <= LONGEST:
            self._bytes += piece

    def read(self) -> ReadAnswer:
        """Return what was answered. Raises MalformedConversation if that cannot be read."""
        if self._size > LONGEST:
            raise MalformedConversation("answer_too_long", f"the answer is longer than {LONGEST:,} bytes")
        try:
            bodies = list(_events(bytes(self._bytes))) if self.streamed else [orjson.loads(bytes(self._bytes))]
            return _gather(bodies)
        except orjson.JSONDecodeError as error:
            raise MalformedConversation("answer_not_json", f"the answer is not JSON: {error}") from None
        except (AttributeError, TypeError, KeyError, IndexError):
            raise MalformedConversation("answer_not_openai", "the answer is not laid out as OpenAI's") from None


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What another server answered: its own id and model name, the message, and how it ended."""

    id: str
    model: str
    message: Message
    finish_reason: str | None


@dataclass
class _CallSoFar:
    id: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, call: JSON) -> None:
        function = call.get("function") or {}
        self.id = self.id or str(call.get("id") or "")
        self.name += function.get("name") or ""
        self.arguments += function.get("arguments") or ""


def _gather(bodies: list[JSON]) -> ReadAnswer:
    """Put together the first choice of all chunks, or of one whole body: its `message` is one great delta."""
    text, finish_reason = "", None
    calls: dict[int, _CallSoFar] = {}
    made: dict[str, str] = {}
    for body in bodies:
        for key in ("id", "model"):
            made.setdefault(key, str(body[key])) if body.get(key) else None
        for choice in body.get("choices") or ():
            if choice.get("index", 0) != 0:
                continue
            finish_reason = choice.get("finish_reason") or finish_reason
            said = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
            text += said.get("content") or ""
            for place, call in enumerate(said.get("tool_calls") or ()):
                calls.setdefault(call.get("index", place), _CallSoFar()).add(call)
    if not any(body.get("choices") for body in bodies):
        raise MalformedConversation("answer_without_choices", "the answer holds no choice")
    read = tuple(
        ToolCall.from_dict({"id": call.id, "name": call.name, "arguments": call.arguments}, place)
        for place, (_, call) in enumerate(sorted(calls.items()))
    )
    return ReadAnswer(made.get("id", ""), made.get("model", ""), Message("assistant", text, read), finish_reason)


def _events(stream: bytes) -> Iterator[Any]:
    """Yield the JSON of server-sent events: the lines `data:`, which may be several in one event."""
    lines: list[bytes] = []
    for line in [*stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), b""]:
        if line.startswith(b"data:"):
            lines.append(line[5:].removeprefix(b" "))
        elif not line and lines:
            data = b"\n".join(lines)
            lines = []
            if data.strip() != b"[DONE]":
                yield orjson.loads(data)

"""An answer as the OpenAI API writes it: whole, or in the chunks of a stream. `model` names the version that answered.

What OpenAI's API has no place for stands under the key `hive_mind`, which its clients pass over.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from hive_mind.conversation import JSON
from hive_mind.serving.ask import Answer, Begun, CallDelta, CallStart, TextDelta

Delta = TextDelta | CallStart | CallDelta


class Reply(Protocol):
    """One answer on its way to a client."""

    id: str

    def whole(self, answer: Answer, extension: JSON) -> JSON:
        """Return the body of a response that is not streamed."""
        ...

    def first(self, begun: Begun) -> Iterator[JSON]:
        """Yield the chunks that a stream begins with."""
        ...

    def piece(self, delta: Delta) -> Iterator[JSON]:
        """Yield the chunks of a piece of the answer."""
        ...

    def last(self, answer: Answer, extension: JSON) -> Iterator[JSON]:
        """Yield the chunks that a stream ends with, the usage where it was asked for."""
        ...


@dataclass
class ChatReply:
    """An answer of /v1/chat/completions."""

    include_usage: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))
    _model: str = ""
    _base: str = ""

    def whole(self, answer: Answer, extension: JSON) -> JSON:
        """Return the body of a response that is not streamed."""
        message: JSON = {"role": "assistant", "content": answer.text or (None if answer.calls else ""), "refusal": None}
        if answer.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {
                    "name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}}
                for call in answer.calls
            ]  # fmt: skip
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
        return {
            "id": self.id, "object": "chat.completion", "created": self.created, "model": answer.version,
            "choices": [choice], "usage": usage(answer), "system_fingerprint": answer.base, "hive_mind": extension,
        }  # fmt: skip

    def first(self, begun: Begun) -> Iterator[JSON]:
        """Yield the chunk with the role."""
        self._model, self._base = begun.version, begun.base
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})

    def piece(self, delta: Delta) -> Iterator[JSON]:
        """Yield the chunk of a piece: a call's id and name come before its arguments."""
        if isinstance(delta, TextDelta):
            yield self._chunk({"content": delta.text})
        elif isinstance(delta, CallStart):
            function = {"name": delta.name, "arguments": ""}
            call = {"index": delta.index, "id": delta.id, "type": "function", "function": function}
            yield self._chunk({"tool_calls": [call]})
        else:
            yield self._chunk({"tool_calls": [{"index": delta.index, "function": {"arguments": delta.arguments}}]})

    def last(self, answer: Answer, extension: JSON) -> Iterator[JSON]:
        """Yield the chunk with the finish reason, then the usage."""
        yield self._chunk({}, answer.finish_reason) | {"hive_mind": extension}
        if self.include_usage:
            yield self._chunk({}) | {"choices": [], "usage": usage(answer)}

    def _chunk(self, delta: JSON, finish_reason: str | None = None) -> JSON:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk: JSON = {
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self._model,
            "system_fingerprint": self._base, "choices": [choice],
        }  # fmt: skip
        return chunk | {"usage": None} if self.include_usage else chunk


@dataclass
class CompletionReply:
    """An answer of /v1/completions; whatever the model writes is text."""

    include_usage: bool = False
    id: str = field(default_factory=lambda: f"cmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))
    _model: str = ""

    def whole(self, answer: Answer, extension: JSON) -> JSON:
        """Return the body of a response that is not streamed."""
        self._model = answer.version
        body = self._body(answer.text, answer.finish_reason)
        return body | {"usage": usage(answer), "system_fingerprint": answer.base, "hive_mind": extension}

    def first(self, begun: Begun) -> Iterator[JSON]:
        """Yield nothing: a text has no role."""
        self._model = begun.version
        yield from ()

    def piece(self, delta: Delta) -> Iterator[JSON]:
        """Yield the chunk of a piece of text."""
        if isinstance(delta, TextDelta):
            yield self._chunk(delta.text)

    def last(self, answer: Answer, extension: JSON) -> Iterator[JSON]:
        """Yield the chunk with the finish reason, then the usage."""
        yield self._chunk("", answer.finish_reason) | {"hive_mind": extension}
        if self.include_usage:
            yield self._chunk("") | {"choices": [], "usage": usage(answer)}

    def _chunk(self, text: str, finish_reason: str | None = None) -> JSON:
        body = self._body(text, finish_reason)
        return body | {"usage": None} if self.include_usage else body

    def _body(self, text: str, finish_reason: str | None) -> JSON:
        choice: dict[str, Any] = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}
        return {
            "id": self.id, "object": "text_completion", "created": self.created, "model": self._model,
            "choices": [choice],
        }  # fmt: skip


def usage(answer: Answer) -> JSON:
    """Return the token counts of an answer, those that were already read for an earlier request among them."""
    return {
        "prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
    }  # fmt: skip

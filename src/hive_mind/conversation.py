"""The one data type that every stage passes: a Conversation in the OpenAI / TRL conversational layout.

`to_dict()` and `from_dict()` are exactly the JSONL row. Key order is kept everywhere, because the order of
arguments and of schema properties is part of what a model reads and learns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

JSON = dict[str, Any]
ROLES = ("system", "user", "assistant", "tool")


class MalformedConversation(ValueError):
    """A row that is not a Conversation; `code` is a short reason code, the text says what is wrong."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool. `arguments` is always an object, never a JSON string."""

    id: str
    name: str
    arguments: JSON

    def to_dict(self) -> JSON:
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any], position: int = 0) -> ToolCall:
        """Accept {"id", "type", "function": {...}} and the bare {"name", "arguments"}; parse string arguments."""
        function = row.get("function", row)
        name, arguments = function.get("name"), function.get("arguments", {})
        if not isinstance(name, str) or not name:
            raise MalformedConversation("call_without_name", "a tool call has no name")
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments) if arguments.strip() else {}
            except ValueError as error:
                raise MalformedConversation(
                    "call_arguments_not_json", f"arguments of {name} are not JSON: {error}"
                ) from None
            except RecursionError:
                raise MalformedConversation(
                    "nested_too_deeply", f"arguments of {name} are nested too deeply to be read"
                ) from None
        if arguments is None:
            arguments = {}
        if not isinstance(arguments, dict):
            raise MalformedConversation("call_arguments_not_object", f"arguments of {name} are not an object")
        return cls(str(row.get("id") or f"call_{position}"), name, arguments)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool's declaration; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: JSON

    def to_dict(self) -> JSON:
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": self.parameters},
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Tool:
        """Accept {"type": "function", "function": {...}} and the bare function object."""
        function = row.get("function", row)
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(name, str) or not name:
            raise MalformedConversation("tool_without_name", "a tool declaration has no name")
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        if not isinstance(parameters, dict):
            raise MalformedConversation("tool_parameters_not_object", f"parameters of tool {name} are not an object")
        return cls(name, str(function.get("description") or ""), parameters)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Only assistant turns hold `tool_calls`; only tool turns hold `tool_call_id` and `name`.

    An assistant turn with `learn` false only stands in the context, e.g. a call that failed. It is written as
    `"weight": 0`, as in OpenAI's format for fine-tuning; a turn that is learnt carries no such key.
    """

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    learn: bool = True

    def to_dict(self) -> JSON:
        row: JSON = {"role": self.role}
        if self.role == "tool":
            if self.tool_call_id is not None:
                row["tool_call_id"] = self.tool_call_id
            if self.name is not None:
                row["name"] = self.name
        row["content"] = self.content
        if self.tool_calls:
            row["tool_calls"] = [call.to_dict() for call in self.tool_calls]
        if not self.learn:
            row["weight"] = 0
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Message:
        role = row.get("role")
        if role == "developer":
            role = "system"
        if role not in ROLES:
            raise MalformedConversation(
                "unknown_role", f"a message has the role {role!r}, not one of {', '.join(ROLES)}"
            )
        calls = tuple(ToolCall.from_dict(call, i) for i, call in enumerate(row.get("tool_calls") or ()))
        if calls and role != "assistant":
            raise MalformedConversation("calls_outside_assistant", f"a {role} message holds tool calls")
        call_id, name = row.get("tool_call_id"), row.get("name")
        if role != "tool":
            call_id = name = None
        weight = row.get("weight") if role == "assistant" else None
        if weight not in (None, 0, 1):
            raise MalformedConversation("weight_not_zero_or_one", f"a message has the weight {weight!r}, not 0 or 1")
        learn = weight != 0
        return cls(role, _text(row.get("content")), calls, call_id and str(call_id), name and str(name), learn)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A list of messages with the tools that were offered. `timestamp` is UTC, whole seconds, `Z`, where known."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    source: str
    timestamp: str | None = None

    @classmethod
    def build(
        cls, source: str, messages: Sequence[Message], tools: Sequence[Tool] = (), timestamp: str | None = None
    ) -> Conversation:
        """Make a Conversation whose id is the source and a digest of what it says (messages and tools)."""
        made = cls("", tuple(messages), tuple(tools), source, timestamp)
        return replace(made, id=f"{source}-{content_digest(made)[:16]}")

    def changed(self, messages: Sequence[Message] | None = None, tools: Sequence[Tool] | None = None) -> Conversation:
        """Return the conversation with other messages or tools; an id that tells its content tells the new one."""
        made = replace(
            self,
            messages=self.messages if messages is None else tuple(messages),
            tools=self.tools if tools is None else tuple(tools),
        )
        own_id = self.id == f"{self.source}-{content_digest(self)[:16]}"
        return replace(made, id=f"{made.source}-{content_digest(made)[:16]}") if own_id else made

    def to_dict(self) -> JSON:
        row: JSON = {"id": self.id, "messages": [message.to_dict() for message in self.messages]}
        if self.tools:
            row["tools"] = [tool.to_dict() for tool in self.tools]
        if self.timestamp is not None:
            row["timestamp"] = self.timestamp
        row["metadata"] = {"source": self.source}
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Conversation:
        """Read a JSONL row. Raises MalformedConversation; foreign layouts are read by `sources`, not here."""
        messages = row.get("messages")
        if not isinstance(messages, list) or not messages:
            raise MalformedConversation("no_messages", "the row has no messages")
        tools = row.get("tools") or []
        if not isinstance(tools, list):
            raise MalformedConversation("tools_not_list", "tools is not a list")
        metadata = row.get("metadata")
        source = metadata.get("source") if isinstance(metadata, Mapping) else None
        timestamp = row.get("timestamp")
        made = cls(
            str(row.get("id") or ""),
            tuple(Message.from_dict(message) for message in messages),
            tuple(Tool.from_dict(tool) for tool in tools),
            str(source or "messages"),
            str(timestamp) if timestamp is not None else None,
        )
        return made if made.id else cls.build(made.source, made.messages, made.tools, made.timestamp)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """Every tool call of the conversation, in order."""
        return tuple(call for message in self.messages for call in message.tool_calls)

    @property
    def calls_to_learn(self) -> tuple[ToolCall, ...]:
        """The calls of the turns that are learnt. The others may be of any kind: that may be why they failed."""
        return tuple(call for message in self.messages if message.learn for call in message.tool_calls)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used, with where it stood and why. `code` is short and stable, `detail` for a person.

    `record` is the row's own id, if it has one; in `raw` it may be redacted, for it can look like a key.
    """

    source: str
    code: str
    detail: str
    raw: str
    file: str = ""
    line: int = 0
    record: str = ""

    def to_dict(self) -> JSON:
        return {
            "source": self.source, "file": self.file, "line": self.line, "record": self.record,
            "code": self.code, "detail": self.detail, "raw": self.raw,
        }  # fmt: skip


def content_digest(conversation: Conversation) -> str:
    """Return the sha256 of messages and tools, so that equal content has equal digests whatever its source or time."""
    content = {
        "messages": [message.to_dict() for message in conversation.messages],
        "tools": [tool.to_dict() for tool in conversation.tools],
    }
    return hashlib.sha256(_encoded(content)).hexdigest()


def _encoded(content: JSON) -> bytes:
    """Return JSON without white space; integers over 64 bits are beyond orjson, which takes a tenth of the time."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _text(content: Any) -> str:
    """Flatten OpenAI content parts to text; a part that is not text cannot be learnt from here."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = []
        for part in content:
            text = part.get("text") if isinstance(part, Mapping) else part
            if not isinstance(text, str):
                raise MalformedConversation("content_not_text", "a message holds a part that is not text")
            parts.append(text)
        return "".join(parts)
    raise MalformedConversation("content_not_text", f"a message's content is a {type(content).__name__}, not text")

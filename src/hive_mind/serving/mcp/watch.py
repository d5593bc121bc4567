"""Reads along what passes between an MCP client and a server, in either protocol era, and records the tool calls.

It never changes or holds up a message. What a user said is not in this traffic: a record holds the tools that the
server declared, the call, its result and whether that was an error. The client's transcript has the words; the store
joins both by the same call.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hive_mind.conversation import JSON, MalformedConversation, Message, Tool, ToolCall
from hive_mind.interaction import Interaction, Outcome
from hive_mind.progress import utc_now
from hive_mind.tool_schema import read_tool
from hive_mind.usage.interaction import Recorder

_LOG = logging.getLogger(__name__)
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
CALL_ID_KEYS = ("claudecode/toolUseId",)
"""Keys of a request's `_meta` under which clients name the call as their transcript does."""
LONGEST_RESULT = 20_000
"""Characters of a result that are recorded."""


@dataclass
class _Request:
    """A request of the client that has no answer yet."""

    method: str
    parameters: Mapping[str, Any]
    started: float


@dataclass
class Watch:
    """One for each connection of a client with a server."""

    recorder: Recorder
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    client: str = ""
    tools: dict[str, Tool] = field(default_factory=dict)
    _waiting: dict[str | int, _Request] = field(default_factory=dict)

    def from_client(self, message: bytes) -> None:
        """Note what the client asks."""
        for part in _parts(message):
            method, parameters = part.get("method"), part.get("params")
            if not isinstance(method, str):
                continue
            given = parameters if isinstance(parameters, dict) else {}
            self._name_client(method, given)
            if method == "notifications/cancelled":
                self._cancelled(given.get("requestId"))
            elif isinstance(part.get("id"), str | int) and method in ("tools/list", "tools/call"):
                self._waiting[part["id"]] = _Request(method, given, time.perf_counter())

    def from_server(self, message: bytes) -> None:
        """Record what came of a call, and keep the tools that are declared."""
        for part in _parts(message):
            if "method" in part or not isinstance(part.get("id"), str | int):
                continue
            request = self._waiting.pop(part["id"], None)
            result, error = part.get("result"), part.get("error")
            if request is None:
                continue
            if request.method == "tools/list" and isinstance(result, dict):
                self._declare(request, result)
            elif request.method == "tools/call":
                self._called(request, result, error)

    def _name_client(self, method: str, parameters: Mapping[str, Any]) -> None:
        meta = parameters.get("_meta")
        told = parameters.get("clientInfo") if method == "initialize" else None
        told = told or (meta.get(CLIENT_INFO) if isinstance(meta, dict) else None)
        if isinstance(told, dict):
            self.client = f"{told.get('name', '')} {told.get('version', '')}".strip()

    def _declare(self, request: _Request, result: JSON) -> None:
        if not request.parameters.get("cursor"):
            self.tools = {}
        for declaration in _list(result, "tools"):
            try:
                tool = read_tool(declaration)
            except MalformedConversation as error:
                _LOG.warning("a tool is not recorded, because its declaration cannot be read: %s", error)
            else:
                self.tools[tool.name] = tool

    def _cancelled(self, request_id: Any) -> None:
        request = self._waiting.pop(request_id, None) if isinstance(request_id, str | int) else None
        if request is not None and request.method == "tools/call":
            self._record(request, "", "unknown", "cancelled by the client")

    def _called(self, request: _Request, result: Any, error: Any) -> None:
        if isinstance(result, dict):
            if result.get("resultType") == "input_required":
                return  # the client asks its user and sends the same call again
            text, failed = result_text(result), result.get("isError") is True
            self._record(request, text, "failed" if failed else "succeeded", text[:500] if failed else "")
        else:
            told = error.get("message") if isinstance(error, dict) else error
            self._record(request, "", "failed", str(told))

    def _record(self, request: _Request, text: str, outcome: Outcome, error: str) -> None:
        name, arguments = request.parameters.get("name"), request.parameters.get("arguments")
        if not isinstance(name, str):
            return
        meta = request.parameters.get("_meta")
        named = [meta[key] for key in CALL_ID_KEYS if isinstance(meta, dict) and isinstance(meta.get(key), str)]
        call_id = named[0] if named else f"call_{uuid.uuid4().hex}"
        call = ToolCall(call_id, name, arguments if isinstance(arguments, dict) else {})
        self.recorder.record(
            Interaction(
                source="mcp_proxy",
                messages=(),
                answer=Message("assistant", "", (call,)),
                tools=tuple(self.tools.values()),
                results=(Message("tool", text, tool_call_id=call_id, name=name),) if text else (),
                outcome=outcome,
                error=error,
                client=self.client,
                session=self.session,
                time=utc_now(),
                latency_ms=(time.perf_counter() - request.started) * 1000,
            )
        )


def result_text(result: Mapping[str, Any]) -> str:
    """Return an MCP tool result as text: its text parts, other parts by their kind, else its structured content."""
    parts = [_part_text(part) for part in _list(result, "content") if isinstance(part, dict)]
    if not parts and result.get("structuredContent") is not None:
        parts = [orjson.dumps(result["structuredContent"]).decode()]
    text = "\n".join(parts)
    if len(text) <= LONGEST_RESULT:
        return text
    return f"{text[:LONGEST_RESULT]}… [{len(text) - LONGEST_RESULT:,} more characters]"


def _part_text(part: Mapping[str, Any]) -> str:
    if isinstance(part.get("text"), str):
        return str(part["text"])
    resource = part.get("resource")
    if isinstance(resource, dict) and isinstance(resource.get("text"), str):
        return str(resource["text"])
    where = part.get("uri") or (resource.get("uri") if isinstance(resource, dict) else None) or part.get("mimeType")
    return f"[{part.get('type', 'content')}{f' {where}' if where else ''}]"


def _list(result: Mapping[str, Any], key: str) -> list[Any]:
    found = result.get(key)
    return found if isinstance(found, list) else []


def _parts(message: bytes) -> list[JSON]:
    """Return the JSON-RPC messages in a line: one, or the list that the revision of March 2025 allowed."""
    try:
        read = orjson.loads(message)
    except orjson.JSONDecodeError:
        return []  # the other side will say so
    return [part for part in (read if isinstance(read, list) else [read]) if isinstance(part, dict)]

"""Runs of an agent on MCP servers, as it logged them: OpenAI messages, and whether the run succeeded.

Some agents have two tools of their own only: one that searches for tools (`route`), and one that runs what was found
(`execute-tool`, with server_name, tool_name and params). Here such a call becomes one of the real tool, with that
tool's own declaration. The searches are left out with what they found: a model is shown its tools, it does not search
for them; and so is the system text, which explains the two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from hive_mind.catalogue.select import places
from hive_mind.conversation import JSON, Conversation, MalformedConversation, Message, Reject, Tool
from hive_mind.errors import DataRefused
from hive_mind.files import read_json
from hive_mind.sources import messages
from hive_mind.sources.mcp_results import McpResult, Outcome, read_result
from hive_mind.sources.source import NOT_SUCCESSFUL, parse_json, reject, succeeded

NAME = "usage"
SEARCH, EXECUTE = "route", "execute-tool"
UNREADABLE = "unreadable"
"""The one argument of a call whose arguments are broken JSON: what was written, as text. It is never learnt."""

_TOOLS_FILES = "*tools.json"
_SAID = r'"{}":\s*"((?:[^"\\]|\\.)*)"'
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]+")

Fate = Literal["searched", "unreadable", "unanswered"] | Outcome


@dataclass(slots=True)
class RunCall:
    """A call of a run. `tool` is the real one; `arguments` is None where they are broken JSON."""

    id: Any
    server: str | None
    tool: str
    arguments: Any
    written: str = ""
    search: bool = False
    result: McpResult | None = None

    @property
    def fate(self) -> Fate:
        """What became of the call; only a call that is `done` is learnt from."""
        if self.search:
            return "searched"
        if self.arguments is None:
            return "unreadable"
        return "unanswered" if self.result is None else self.result.outcome


@dataclass(slots=True)
class RunTurn:
    """A message that is no tool result, with its calls and what they gave."""

    message: JSON
    calls: list[RunCall] = field(default_factory=list)


def understands(row: JSON) -> bool:
    """Tell whether a row is a run: messages, and how it ended."""
    return isinstance(row.get("messages"), list) and ("task_success" in row or "success" in row)


def convert(row: JSON) -> Conversation | Reject:
    """Turn a run into a conversation as `unwrap` does; a run that failed is not learnt from."""
    if not run_succeeded(row):
        return reject(NAME, NOT_SUCCESSFUL, "the run did not succeed")
    return unwrap(row)


def run_succeeded(row: JSON) -> bool:
    """Tell how a run ended, by its own word."""
    return succeeded(row.get("task_success", row.get("success")))


def unwrap(row: JSON) -> Conversation | Reject:
    """Turn a run into a conversation of calls of the real tools; those that failed stand in it, but are not learnt.

    `servers` of the row holds what the servers declare (see `with_servers`).
    """
    try:
        turns = read_turns(row["messages"])
        calls = [call for turn in turns for call in turn.calls if not call.search]
        servers = {call.server for call in calls if call.server is not None}
        if servers and not row.get("servers"):
            names = ", ".join(sorted(servers))
            what = f"tools of {names} are called, but no file beside the run ({_TOOLS_FILES}) declares them"
            return reject(NAME, "no_tools_file", what)
        catalogue = _Catalogue(_servers(row.get("servers") or []))
        tools = row.get("tools") or catalogue.declare(calls, _request(turns), str(row.get("task_id") or row.get("id")))
        unwrapped = bool(servers) or any(call.search for turn in turns for call in turn.calls)
        written = [line for turn in turns for line in _write(turn, catalogue, unwrapped)]
    except MalformedConversation as error:
        return reject(NAME, error.code, str(error))
    passed_on: JSON = {key: row[key] for key in ("id", "timestamp") if key in row}
    return messages.convert({**passed_on, "messages": written, "tools": tools, "metadata": {"source": NAME}})


def with_servers(row: JSON, file: Path) -> JSON:
    """Return a run with what the tools files beside `file` declare, as `servers`; any other row as it is.

    Raises DataRefused for a tools file that is broken.
    """
    if not understands(row) or "servers" in row:
        return row
    servers = [server for path in tools_beside(file) for server in _read_servers(path, path.stat().st_mtime_ns)]
    return {**row, "servers": servers} if servers else row


def tools_beside(file: Path) -> list[Path]:
    """Return the files beside `file` that declare the tools of servers."""
    return sorted(file.parent.glob(_TOOLS_FILES))


def is_tools_file(file: Path) -> bool:
    """Tell by its name whether a file declares the tools of servers, and holds no rows."""
    return file.match(_TOOLS_FILES)


def read_turns(listed: Sequence[Any]) -> list[RunTurn]:
    """Return a run's turns with their calls unwrapped, and each call with its result: by id, else in order.

    Raises MalformedConversation.
    """
    turns: list[RunTurn] = []
    for message in listed:
        if not isinstance(message, dict):
            raise MalformedConversation("message_not_object", "a message is not an object")
        if message.get("role") != "tool":
            made = message.get("tool_calls") or []
            if not isinstance(made, list) or not all(isinstance(call, dict) for call in made):
                raise MalformedConversation("call_not_readable", "tool_calls is not a list of objects")
            turns.append(RunTurn(message, [_read_call(call) for call in made]))
            continue
        said, waiting = message.get("tool_call_id"), turns[-1].calls if turns else []
        call = next((c for c in waiting if c.result is None and (not said or c.id == said)), None)
        if call is None:
            raise MalformedConversation("result_without_call", "a tool result answers no call")
        call.result = read_result(Message.from_dict(message).content)
    return turns


def _read_call(call: JSON) -> RunCall:
    function = call.get("function", call)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise MalformedConversation("call_without_name", "a tool call has no name")
    arguments = function.get("arguments")
    written = arguments if isinstance(arguments, str) else ""
    if isinstance(arguments, str):
        try:
            arguments = parse_json(arguments) if arguments.strip() else {}
        except ValueError:
            arguments = None
    elif arguments is None:
        arguments = {}
    if name == SEARCH:
        return RunCall(call.get("id"), None, name, arguments, written, search=True)
    if name != EXECUTE:
        return RunCall(call.get("id"), None, name, arguments, written)
    if isinstance(arguments, dict) and isinstance(arguments.get("params"), dict):
        server, tool, params = arguments.get("server_name"), arguments.get("tool_name"), arguments["params"]
    else:  # the names stand before the part that is broken
        server, tool, params = _said("server_name", written), _said("tool_name", written), None
    if not isinstance(server, str) or not isinstance(tool, str) or not server or not tool:
        raise MalformedConversation("call_without_name", f"a call of {EXECUTE} names no server or no tool")
    return RunCall(call.get("id"), server, tool, params, written)


def _said(key: str, written: str) -> str | None:
    found = re.search(_SAID.format(key), written)
    return found[1] if found else None


def _write(turn: RunTurn, catalogue: _Catalogue, unwrapped: bool) -> Iterator[JSON]:
    """Yield a turn as OpenAI messages: none where it only searched, and not learnt where a call of it is not done."""
    if unwrapped and turn.message.get("role") == "system":
        return
    calls = [call for call in turn.calls if not call.search]
    if turn.calls and not calls:
        return
    message: JSON = {key: turn.message[key] for key in ("role", "content", "weight") if key in turn.message}
    if calls:
        message["tool_calls"] = [_write_call(call, catalogue) for call in calls]
        if any(call.fate != "done" for call in calls):
            message["weight"] = 0
    yield message
    for call in calls:
        if call.result is not None:
            yield {"role": "tool", "tool_call_id": call.id, "content": call.result.text}


def _write_call(call: RunCall, catalogue: _Catalogue) -> JSON:
    arguments = {UNREADABLE: call.written} if call.arguments is None else call.arguments
    return {"id": call.id, "function": {"name": catalogue.name(call.server, call.tool), "arguments": arguments}}


class _Catalogue:
    """What servers declare, by server and tool. A name that several servers use is written with the server's."""

    def __init__(self, servers: Sequence[JSON]) -> None:
        self.declared: dict[tuple[str, str], JSON] = {}
        for server in servers:
            for tool in server["tools"]:
                self.declared.setdefault((server["server_name"], str(tool.get("name"))), tool)
        self.uses = Counter(name for _, name in self.declared)
        self.described = {key: _describe(self.name(*key), tool) for key, tool in self.declared.items()}

    def name(self, server: str | None, tool: str) -> str:
        if server is None or self.uses[tool] <= 1:
            return tool
        return f"{_ILLEGAL.sub('_', server)}__{tool}"

    def declare(self, calls: Sequence[RunCall], request: str, seed: str) -> list[JSON]:
        """Return the tools that were called and those that the request would be offered, as when a model is served.

        Their order hangs on `seed` and the tools' names alone, so that it gives nothing away.
        """
        called = {(call.server, call.tool) for call in calls}

        def place(key: tuple[str, str]) -> bytes:
            return blake2b("\0".join((seed, *key)).encode(), digest_size=8).digest()

        keys = sorted(self.declared, key=place)
        keep = {number for number, key in enumerate(keys) if key in called}
        chosen = places(request, [self.described[key] for key in keys], keep)
        return [{**self.declared[keys[number]], "name": self.name(*keys[number])} for number in chosen]


def _describe(name: str, tool: JSON) -> Tool:
    """Return a tool as it is ranked: an unread declaration, for one that is broken must not spoil runs without it."""
    schema = tool.get("inputSchema")
    return Tool(name, str(tool.get("description") or ""), schema if isinstance(schema, dict) else {})


def _request(turns: Sequence[RunTurn]) -> str:
    asked = next((turn.message for turn in turns if turn.message.get("role") == "user"), None)
    return "" if asked is None else Message.from_dict(asked).content


@lru_cache(maxsize=8)
def _read_servers(path: Path, changed: int) -> tuple[JSON, ...]:
    """Read a tools file; it is read again when it has changed."""
    try:
        return tuple(_servers(read_json(path)))
    except MalformedConversation as error:
        raise DataRefused(f"{path}: {error}; repair it, or give it a name that does not end in tools.json") from None


def _servers(listed: Any) -> list[JSON]:
    """Return the servers of a list of them, or of packages that hold some by name: {"tools": {NAME: server}}."""
    servers: list[Any] = []
    for entry in listed if isinstance(listed, list | tuple) else [listed]:
        tools = entry.get("tools") if isinstance(entry, dict) else None
        servers += tools.values() if isinstance(tools, dict) else [entry]
    for server in servers:
        tools = server.get("tools") if isinstance(server, dict) else None
        named = isinstance(server, dict) and isinstance(server.get("server_name"), str)
        if not named or not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
            raise MalformedConversation("tools_not_readable", "not a list of servers, each with server_name and tools")
    return servers

"""Real usage as the report's MCP server logged it: one request, the tool used, its command and what came back.

Whole runs of an agent are usage too, and read by `transcripts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hive_mind.conversation import JSON, Conversation, Message, Reject, Tool, ToolCall
from hive_mind.interaction import Interaction
from hive_mind.sources import bash_commands, messages, transcripts
from hive_mind.sources.recorded import Tally, first_line
from hive_mind.sources.source import NOT_SUCCESSFUL, GroupBy, Hub, build, reject, succeeded, text_of
from hive_mind.sources.timestamps import utc

NAME = "usage"
LICENCE = "private"
HUB: Hub | None = None
FOLDERS: tuple[str, ...] = ("usage",)
FILES: tuple[str, ...] = ("usage*", "training_data_*")
NEVER: tuple[str, ...] = ()
GROUP_BY: GroupBy = "session"

PLAIN_ANSWERS = frozenset({
    "", "answer", "assistant", "chat", "code_generation", "code_review", "conversation", "explanation",
    "function_calling", "none", "text_generation",
})  # fmt: skip
"""Values of `tool` that name a kind of answer, not a tool: the output is what the model should say."""


@dataclass(frozen=True, slots=True)
class _Logged:
    """A row of the log: the request and its answer, the tool that it calls, and when."""

    messages: tuple[Message, Message]
    tools: tuple[Tool, ...]
    time: str | None


def understands(row: JSON) -> bool:
    """Tell whether a row is in this source's layout: the log's, an agent's run, or one that the store exported."""
    return "user_request" in row or transcripts.understands(row) or _is_exported(row)


def convert(row: JSON) -> Conversation | Reject:
    """Turn a logged interaction into a plain answer or a call of its tool; failed ones are not learnt from.

    Rows that the store exported are in our own schema already, with `metadata.source` usage; an agent's whole run is
    read by `transcripts`.
    """
    if "user_request" not in row and transcripts.understands(row):
        return transcripts.convert(row)
    if "user_request" not in row and _is_exported(row):
        return messages.convert(row)
    if not succeeded(row.get("success")):
        return reject(NAME, NOT_SUCCESSFUL, "the interaction did not succeed")
    read = _read_log(row)
    return read if isinstance(read, Reject) else build(NAME, read.messages, read.tools, read.time)


def interactions(row: JSON, tally: Tally) -> list[Interaction]:
    """Return a row of the log as an interaction, whether it succeeded or not, with what the tool gave as its result."""
    read = _read_log(row)
    if isinstance(read, Reject):
        tally.passed_over[read.detail] += 1
        return []
    went_well = succeeded(row.get("success"))
    request, answer = read.messages
    output = text_of(row.get("output")) or ""
    for call in answer.tool_calls:
        tally.calls[call.name, "done" if went_well else "failed"] += 1
    metadata = row.get("metadata")
    said: JSON = metadata if isinstance(metadata, dict) else {}
    return [
        Interaction(
            "log", (request,), answer, tuple(read.tools),
            tuple(Message("tool", output.strip(), (), call.id, call.name) for call in answer.tool_calls),
            "succeeded" if went_well else "failed", "" if went_well else first_line(output),
            client=_label(said.get("client") or row.get("client")),
            session=_label(said.get("session_id") or row.get("session_id")), time=read.time or "",
        )
    ]  # fmt: skip


def _read_log(row: JSON) -> _Logged | Reject:
    request, tool = text_of(row.get("user_request")), text_of(row.get("tool"))
    if request is None or tool is None:
        return reject(NAME, "not_text", "user_request or tool is not text")
    if not request.strip():
        return reject(NAME, "empty_request", "user_request is empty")
    try:
        timestamp = utc(row.get("timestamp"))
    except ValueError as error:
        return reject(NAME, "unreadable_timestamp", f"the timestamp cannot be read: {error}")
    user = Message("user", request.strip())
    if tool.strip().lower() in PLAIN_ANSWERS:
        output = text_of(row.get("output"))
        if output is None or not output.strip():
            return reject(NAME, "empty_answer", "the output is empty or not text")
        return _Logged((user, Message("assistant", output.strip("\r\n"))), (), timestamp)
    command = text_of(row.get("command"))
    if command is None or not command.strip():
        return reject(NAME, "empty_command", f"the command of {tool.strip()} is empty or not text")
    call = ToolCall("call_0", tool.strip(), {"command": command.strip()})
    answer = Message("assistant", "", tool_calls=(call,))
    return _Logged((user, answer), (_declare(tool.strip()),), timestamp)


def _label(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) else ""


def _declare(name: str) -> Tool:
    """Declare a tool that the log knows by name alone: whatever it is, it took a command."""
    if name == bash_commands.BASH.name:
        return bash_commands.BASH
    command = {"type": "string", "description": f"The command for {name}."}
    schema: JSON = {"type": "object", "properties": {"command": command}, "required": ["command"]}
    return Tool(name, f"Run a {name} command and return its output.", schema)


def _is_exported(row: JSON) -> bool:
    metadata = row.get("metadata")
    return "messages" in row and isinstance(metadata, dict) and metadata.get("source") == NAME

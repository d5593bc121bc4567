"""Interactions and stores for tests."""

from hive_mind.conversation import Message, Tool, ToolCall
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.settings import UsageSettings

READ = Tool(
    "read_file",
    "Read a file.",
    {"type": "object", "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}}, "required": ["path"]},
)
BASH = Tool("bash", "Run a command.", {"type": "object", "properties": {"command": {"type": "string"}}})
TIME = "2026-02-05T10:00:00Z"


def settings_in(folder, **values):
    """Settings whose store, spool and exports lie in a folder; its keeper ends soon."""
    given = {"url": str(folder / "usage.sqlite"), "idle_seconds": 0.5, **values}
    return UsageSettings(spool=folder / "spool", exports=folder / "data" / "automated", **given)


def call(name="read_file", call_id="call_1", **arguments):
    return Message("assistant", "", (ToolCall(call_id, name, arguments),))


def interaction(number=1, **values):
    """A request that was answered with a call which succeeded; each number another request and file."""
    given = {
        "source": "openai_api",
        "messages": (Message("user", f"What does file number {number} of the project say?"),),
        "answer": call(call_id=f"call_{number}", path=f"notes/{number}.md"),
        "tools": (READ,),
        "outcome": "succeeded",
        "client": "editor",
        "session": f"session-{number % 5}",
        "time": TIME,
        "version": "mine_v1",
        "latency_ms": 12.5,
        **values,
    }
    return Interaction(**given)


def said(text="Paris.", **values):
    """A request that was answered in words."""
    return interaction(answer=Message("assistant", text), tools=(), **{"outcome": "unknown", **values})

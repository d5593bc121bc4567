"""One interaction of a person with a tool or a model, wherever it was seen.

It stands below `sources`, whose parsers of foreign transcripts make it, and `usage`, which keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hive_mind.conversation import Message, Tool

Outcome = Literal["succeeded", "failed", "unknown"]
Thumb = Literal["up", "down"]
SOURCES = (
    "openai_api", "gateway", "shadow", "mcp_server", "mcp_proxy", "claude_code", "transcript", "log", "shell_history",
    "manual",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Interaction:
    """What was asked, with which tools, what was answered, and what came of it.

    `messages` is everything before the answer; `answer` an assistant message, its calls included; `results` the tool
    messages that answer those calls, as far as they are known. `time` is UTC, whole seconds, `Z`. `version` is the
    model that answered, "upstream:NAME" for another server's; None where no model of ours did. `error` says what went
    wrong.
    """

    source: str
    messages: tuple[Message, ...]
    answer: Message
    tools: tuple[Tool, ...] = ()
    results: tuple[Message, ...] = ()
    outcome: Outcome = "unknown"
    error: str = ""
    client: str = ""
    session: str = ""
    time: str = ""
    version: str | None = None
    latency_ms: float | None = None
    thumb: Thumb | None = None
    comment: str = ""
    request_id: str = ""

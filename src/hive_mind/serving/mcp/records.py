"""The tools that keep a record: what was done elsewhere, what a person thought of an answer, what was kept so far."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from hive_mind.conversation import Message, ToolCall
from hive_mind.errors import HiveMindError
from hive_mind.interaction import Interaction, Outcome
from hive_mind.progress import utc_now
from hive_mind.serving.mcp.backend import backend, client_name, declared, session_of

WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
CALL_ID = "call_0"


class Recorded(BaseModel):
    """What was kept."""

    interaction_id: str = Field(description="names the record for give_feedback; the same one for the same interaction")


class Noted(BaseModel):
    """Whose feedback was kept."""

    interaction_id: str = Field(description="the record that the feedback was added to")
    thumb: Literal["up", "down", "none"] = Field(description="the verdict as it was kept")


class UsageStats(BaseModel):
    """What the store holds."""

    interactions: int = Field(description="how many interactions were recorded")
    by_state: dict[str, int] = Field(description="new, approved, rejected, quarantined: what review made of them")
    by_source: dict[str, int] = Field(description="where they were seen")
    by_outcome: dict[str, int] = Field(description="succeeded, failed or unknown")
    by_tool: dict[str, int] = Field(description="calls by tool, the commonest first, at most 20")


async def record_interaction(
    context: Context[Any, Any],
    request: Annotated[str, Field(description="what the user asked for, in the user's words", min_length=1)],
    tool: Annotated[str, Field(description="the tool that was called; empty if the answer was words")] = "",
    arguments: Annotated[dict[str, Any], Field(description="the arguments it was called with")] = {},  # noqa: B006
    result: Annotated[str, Field(description="what the tool returned")] = "",
    answer: Annotated[str, Field(description="what was answered in words")] = "",
    outcome: Annotated[Outcome, Field(description="whether that did what the user wanted")] = "unknown",
    tools: Annotated[
        list[dict[str, Any]], Field(description="the tools that were on offer, as MCP or OpenAI declares them")
    ] = [],  # noqa: B006
) -> Recorded:
    """Keep an interaction that happened elsewhere: the model learns from it once it is approved."""
    if not tool and not answer:
        raise ToolError("there is nothing to learn from a request alone; give the tool that was called, or the answer")
    call = (ToolCall(CALL_ID, tool, arguments),) if tool else ()
    interaction = Interaction(
        source="manual",
        messages=(Message("user", request),),
        answer=Message("assistant", answer, call),
        tools=declared(tools),
        results=(Message("tool", result, tool_call_id=CALL_ID, name=tool),) if tool and result else (),
        outcome=outcome,
        client=client_name(context),
        session=session_of(context),
        time=utc_now(),
    )
    return Recorded(interaction_id=backend(context).recorder.record(interaction))


async def give_feedback(
    context: Context[Any, Any],
    interaction_id: Annotated[str, Field(description="as the answer gave it", min_length=1)],
    thumb: Annotated[Literal["up", "down", "none"], Field(description="whether the answer was good")],
    comment: Annotated[str, Field(description="what was wrong or right, or the better answer")] = "",
) -> Noted:
    """Say whether an answer was good. Pass on what the user said, not your own opinion."""
    if thumb == "none" and not comment:
        raise ToolError("the feedback is empty; give thumb up or down, or a comment")
    backend(context).recorder.feedback(interaction_id, None if thumb == "none" else thumb, comment)
    return Noted(interaction_id=interaction_id, thumb=thumb)


async def usage_stats(context: Context[Any, Any]) -> UsageStats:
    """Count what was recorded so far, by review state, source, outcome and tool. No texts are shown."""
    try:
        counted = await anyio.to_thread.run_sync(backend(context).stats)
    except HiveMindError as error:
        raise ToolError(str(error)) from error
    return UsageStats.model_validate(counted)


def register(server: MCPServer[Any]) -> None:
    """Add these tools to the server."""
    server.add_tool(record_interaction, title="Record an interaction", annotations=WRITES)
    server.add_tool(give_feedback, title="Give feedback", annotations=WRITES)
    server.add_tool(usage_stats, title="Usage statistics", annotations=READS)

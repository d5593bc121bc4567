"""Two sightings of one interaction, made one: what either of them knows is kept."""

from __future__ import annotations

from dataclasses import replace

from hive_mind.conversation import Message, Tool
from hive_mind.usage.identity import plain_name
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.record import messages_text
from hive_mind.usage.redacting import kept_apart


def has_request(interaction: Interaction) -> bool:
    """Tell whether it is known what was asked; a proxy sees calls alone."""
    return any(message.role == "user" for message in interaction.messages)


def merged(kept: Interaction, seen: Interaction) -> Interaction:
    """Return one interaction of two: the request from the one that knows it, what came of it from the later one.

    Source and version stay those of the first sighting. The first thumb and comment give way to newer ones.
    """
    base, other = (seen, kept) if has_request(seen) and not has_request(kept) else (kept, seen)
    told = _told_later(kept, seen)
    return replace(
        base,
        source=kept.source,
        version=kept.version or seen.version,
        latency_ms=kept.latency_ms if kept.latency_ms is not None else seen.latency_ms,
        tools=_named_as_called(base.tools or other.tools, base.answer),
        results=base.results or _relinked(other.results, base),
        outcome=told.outcome,
        error=told.error,
        thumb=seen.thumb or kept.thumb,
        comment=seen.comment or kept.comment,
        client=base.client or other.client,
        session=base.session or other.session,
        request_id=base.request_id or other.request_id,
    )


def _told_later(kept: Interaction, seen: Interaction) -> Interaction:
    """Return the one whose outcome counts: what is known before what is not, then the newer one."""
    if seen.outcome == "unknown" or (kept.outcome != "unknown" and seen.time < kept.time):
        return kept
    return seen


def _named_as_called(tools: tuple[Tool, ...], answer: Message) -> tuple[Tool, ...]:
    """Name tools as the answer calls them: what a proxy declares as `read`, a client calls `mcp__files__read`."""
    declared = {tool.name for tool in tools}
    called = {plain_name(call.name): call.name for call in answer.tool_calls if call.name not in declared}
    return tuple(replace(tool, name=called.get(tool.name, tool.name)) for tool in tools)


def _relinked(results: tuple[Message, ...], base: Interaction) -> tuple[Message, ...]:
    """Let results of the other sighting answer this one's calls, which have ids of their own but the same order."""
    known = messages_text((*base.messages, base.answer))
    calls = base.answer.tool_calls
    if len(results) > len(calls):
        return ()
    return tuple(
        replace(result, tool_call_id=call.id, name=call.name, content=kept_apart(result.content, known))
        for result, call in zip(results, calls, strict=False)
    )

"""Sessions of Claude Code: JSON Lines under ~/.claude/projects, one file a session, one a sub-agent.

A file is a log of events, not of messages. Lines have a `uuid` and name the line before them (`parentUuid`), so a
session that was wound back has branches. A reply of the model is written in pieces, one line a content block, which
share `message.id`; results of tools come in lines of type `user`. Layouts differ between versions and grow: what is
not known is passed over and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from hive_mind.conversation import JSON, Message, Tool, ToolCall
from hive_mind.files import raw_lines
from hive_mind.interaction import Interaction
from hive_mind.sources.recorded import Tally, Unit, context, first_line, outcome_of, tools_by_use
from hive_mind.sources.timestamps import utc

FOLDER = Path("~/.claude/projects")
"""Where sessions lie, in one folder a project; those of sub-agents lie in folders below."""

_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
_NOT_SAID = re.compile(
    r"\s*(?:<(?:command|local-command|bash|user-memory|task)-[a-z-]+>|\[Request interrupted by user)"
)
"""What the program writes where the user's words stand: its own commands and their output, and interruptions."""
_REFUSED = "The user doesn't want to"


@dataclass(slots=True)
class _Turn:
    """A reply of the model, put together from its lines."""

    first: JSON
    texts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)


@dataclass(slots=True)
class _Session:
    """A file's lines: what stands before which, what was said where, and the results of calls by their ids."""

    before: dict[str, str | None] = field(default_factory=dict)
    said: dict[str, str | _Turn] = field(default_factory=dict)
    turns: dict[str, _Turn] = field(default_factory=dict)
    results: dict[str, tuple[str, bool]] = field(default_factory=dict)


def understands(row: JSON) -> bool:
    """Tell whether a line is of a session: a message that has a place in it."""
    told = isinstance(row.get("message"), dict) and row.get("type") in ("user", "assistant")
    return told and isinstance(row.get("uuid"), str) and "parentUuid" in row


def read(path: Path, tally: Tally) -> Iterator[Interaction]:
    """Yield every reply of the model with the request, the turns before it and the results of its calls.

    A session does not say how tools are declared; all that it calls are declared by how it calls them.
    """
    session = _Session()
    for _, line in raw_lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            tally.passed_over["line that is not JSON"] += 1
            continue
        reason = _take(session, row) if isinstance(row, dict) else "line that is no object"
        if reason:
            tally.passed_over[reason] += 1
    tools = tools_by_use(_message(turn, turn.calls) for turn in session.turns.values())
    for turn in session.turns.values():
        made = _interaction(session, turn, tools, tally)
        if made is not None:
            yield made


def _take(session: _Session, row: JSON) -> str | None:
    """Put a line in its place; returns why it says nothing, where it does not."""
    kind, uuid, message = row.get("type"), row.get("uuid"), row.get("message")
    if isinstance(uuid, str):
        if uuid in session.before:
            return "line that stands there twice"
        # a session that was compacted begins anew; what it goes on from is named elsewhere
        before = row.get("parentUuid") or row.get("logicalParentUuid")
        session.before[uuid] = before if isinstance(before, str) else None
    if kind not in ("user", "assistant") or not isinstance(uuid, str) or not isinstance(message, dict):
        return f"line of type {str(kind)[:40]}"
    if row.get("isApiErrorMessage") or message.get("model") == "<synthetic>":
        return "error of the API"
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    blocks = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return _take_reply(session, row, uuid, blocks) if kind == "assistant" else _take_words(session, row, uuid, blocks)


def _take_reply(session: _Session, row: JSON, uuid: str, blocks: list[JSON]) -> str | None:
    name = row["message"].get("id")
    turn = session.turns.setdefault(name if isinstance(name, str) else uuid, _Turn(row))
    session.said[uuid] = turn
    words = [block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str)]
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    turn.texts += [text for text in words if text not in turn.texts]
    for block in calls:
        called, arguments = block.get("name"), block.get("input")
        identity = str(block.get("id") or f"call_{len(turn.calls)}")
        if not isinstance(called, str) or not called or not isinstance(arguments, dict) or not _can_be_written(block):
            return "call that cannot be read"
        if all(call.id != identity for call in turn.calls):
            turn.calls.append(ToolCall(identity, called, arguments))
    return None if words or calls else "reply without words or calls"


def _can_be_written(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:  # nested more deeply than it can be written
        return False
    return True


def _take_words(session: _Session, row: JSON, uuid: str, blocks: list[JSON]) -> str | None:
    answered = False
    for block in blocks:
        if block.get("type") == "tool_result" and isinstance(block.get("tool_use_id"), str):
            session.results[block["tool_use_id"]] = _text(block.get("content")), block.get("is_error") is True
            answered = True
    if row.get("isCompactSummary"):
        return "summary of a compacted session"
    if row.get("isMeta"):
        return None if answered else "meta line"
    text = _REMINDER.sub("", _text([block for block in blocks if block.get("type") != "tool_result"])).strip()
    if text and not _NOT_SAID.match(text):
        session.said[uuid] = text
        return None
    return None if answered else "command, interruption or reminder" if text else "message without words"


def _text(content: Any) -> str:
    """Return the words of a content; what is no text, e.g. an image, is named by its type."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    kinds = [(part.get("type"), part.get("text")) for part in parts if isinstance(part, dict)]
    return "\n".join(text if isinstance(text, str) else f"[{str(kind)[:40]}]" for kind, text in kinds)


def _interaction(session: _Session, turn: _Turn, tools: tuple[Tool, ...], tally: Tally) -> Interaction | None:
    fates = {call.id: _fate(session, call) for call in turn.calls}
    tally.calls.update((call.name, fates[call.id]) for call in turn.calls)
    answer = _message(turn, turn.calls)
    if not answer.content and not answer.tool_calls:
        return None
    before = context(_units(session, turn))
    if not any(message.role == "user" for message in before):
        tally.passed_over["reply without a request"] += 1
        return None
    failed = [session.results[call.id][0] for call in turn.calls if fates[call.id] in ("failed", "refused")]
    row, model = turn.first, turn.first["message"].get("model")
    return Interaction(
        "claude_code", before, answer, tools, _results(session, turn),
        outcome_of(fates.values()), first_line(failed[0]) if failed else "",
        client=f"claude-code {row.get('version') or ''}".strip(), session=str(row.get("sessionId") or ""),
        time=_time(row), version=f"upstream:{model}" if isinstance(model, str) else None,
        request_id=str(row.get("requestId") or ""),
    )  # fmt: skip


def _fate(session: _Session, call: ToolCall) -> str:
    if call.id not in session.results:
        return "unanswered"
    text, error = session.results[call.id]
    return "done" if not error else "refused" if text.startswith(_REFUSED) else "failed"


def _units(session: _Session, turn: _Turn) -> Iterator[Unit]:
    """Yield what stands before a turn, the newest first: up the lines that each name the one before."""
    seen = {id(turn)}
    place = session.before[turn.first["uuid"]]
    passed: set[str] = set()
    while place is not None and place not in passed:
        passed.add(place)
        said = session.said.get(place)
        if isinstance(said, str):
            yield (Message("user", said),)
        elif said is not None and id(said) not in seen:
            seen.add(id(said))
            # a call that was never answered would leave the conversation waiting
            message = _message(said, [call for call in said.calls if call.id in session.results])
            if message.content or message.tool_calls:
                yield (message, *_results(session, said))
            place = said.first["uuid"]
        place = session.before.get(place)


def _message(turn: _Turn, calls: list[ToolCall]) -> Message:
    return Message("assistant", "\n\n".join(turn.texts).strip(), tuple(calls))


def _results(session: _Session, turn: _Turn) -> tuple[Message, ...]:
    answered = [call for call in turn.calls if call.id in session.results]
    return tuple(
        Message("tool", _REMINDER.sub("", session.results[call.id][0]).strip(), (), call.id, call.name)
        for call in answered
    )


def _time(row: JSON) -> str:
    try:
        return utc(row.get("timestamp")) or ""
    except ValueError:
        return ""

"""Review by hand: one interaction at a time, one key each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from hive_mind.conversation import MalformedConversation, Message, ToolCall
from hive_mind.errors import DataRefused
from hive_mind.usage.record import Record
from hive_mind.usage.rules import dangers
from hive_mind.usage.store import Store

KEYS = "a approve · r reject · c correct · s skip · q quit"
_LONGEST_TEXT = 2_000
_SHOWN_BEFORE = 4
"""Messages before the request that are shown; the rest is counted."""


@dataclass
class Reviewed:
    """What was decided, and how many interactions were left when the person went."""

    decided: Counter[str] = field(default_factory=Counter)
    left: int = 0


def review(
    store: Store,
    records: Iterable[Record],
    key: Callable[[], str],
    edit: Callable[[Record], str],
    show: Callable[[str], None],
) -> Reviewed:
    """Show each record, and do what the key says.

    `key` returns one character, "" at the end of input; `edit` returns the corrected answer as text: JSON of calls or
    of a message, else words. Every decision is stored at once.
    """
    records = list(records)
    outcome = Reviewed()
    for number, record in enumerate(records, 1):
        show(layout(record, f"{number}/{len(records)}"))
        decision = _decide(store, record, key, edit, show)
        if decision == "quit":
            outcome.left = len(records) - number + 1
            break
        outcome.decided[decision] += 1
    return outcome


def read_correction(text: str, record: Record) -> Message:
    """Read a corrected answer: one call, a list of calls, an assistant message (all JSON), or else words.

    Raises DataRefused for JSON that is none of these.
    """
    text = text.strip()
    if not text:
        raise DataRefused("the correction is empty; give a call as JSON, or the words of the answer")
    if text[0] not in "[{":
        return Message("assistant", text)
    try:
        value = json.loads(text)
        if isinstance(value, dict) and "role" in value:
            return replace(Message.from_dict({**value, "role": "assistant"}), learn=True)
        calls = value if isinstance(value, list) else [value]
        made = tuple(ToolCall.from_dict(call, position) for position, call in enumerate(calls))
        return Message("assistant", "", made)
    except (ValueError, AttributeError, TypeError, MalformedConversation) as error:
        raise DataRefused(
            f'the correction of {record.id} is neither words nor calls ({error}); write {{"name": ..., "arguments": '
            "{...}}, or a list of them"
        ) from None


def editable(record: Record) -> str:
    """Return the answer as a person edits it: its calls as JSON, or its words."""
    answer = record.correction or record.interaction.answer
    if not answer.tool_calls:
        return answer.content
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return json.dumps(calls if len(calls) > 1 else calls[0], indent=2, ensure_ascii=False)


def layout(record: Record, place: str = "") -> str:
    """Return an interaction for a person to read: where it is from, the request, the answer, what came of it."""
    seen = record.interaction
    sources = ", ".join(sorted({sighting.source for sighting in record.sightings})) or seen.source
    head = [
        f"── {place} {record.id[:12]} · {seen.time} · {sources}" + (f" · {seen.client}" if seen.client else ""),
        f"   state {record.state} ({record.decided_by}): {record.reason}",
    ]
    if seen.session or seen.version:
        head.append(f"   session {seen.session or 'unknown'} · answered by {seen.version or 'unknown'}")
    if seen.tools:
        names = [tool.name for tool in seen.tools]
        head.append(f"   tools: {', '.join(names[:12])}" + (f" and {len(names) - 12} more" if len(names) > 12 else ""))
    hidden = max(0, len(seen.messages) - _SHOWN_BEFORE - 1)
    lines = [*head, *([f"   … {hidden} earlier message(s)"] if hidden else [])]
    for message in seen.messages[hidden:]:
        lines += _message(message)
    lines += _message(seen.answer, "answer")
    for result in seen.results:
        lines += _message(result, "result")
    lines.append(f"outcome    {seen.outcome}{': ' + _short(seen.error) if seen.error else ''}")
    if seen.thumb or seen.comment:
        lines.append(f"feedback   thumb {seen.thumb or 'none'} {_short(seen.comment)}".rstrip())
    if record.correction is not None:
        lines += _message(record.correction, "corrected")
    lines += [f"DANGEROUS  it {found}" for found in dangers(record.correction or seen.answer)]
    return "\n".join(lines)


def _decide(
    store: Store, record: Record, key: Callable[[], str], edit: Callable[[Record], str], show: Callable[[str], None]
) -> str:
    while True:
        pressed = key()
        if pressed in ("", "q"):
            return "quit"
        if pressed == "s":
            return "skipped"
        if pressed == "a":
            store.set_state([record.id], "approved")
            return "approved"
        if pressed == "r":
            store.set_state([record.id], "rejected")
            return "rejected"
        if pressed == "c":
            try:
                store.correct(record.id, read_correction(edit(record), record))
                return "corrected"
            except DataRefused as error:
                show(f"not taken: {error}")
        show(KEYS)


def _message(message: Message, label: str | None = None) -> list[str]:
    name = label or message.role
    lines = [f"{name:<10} {_short(message.content)}"] if message.content or not message.tool_calls else []
    for call in message.tool_calls:
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        lines.append(f"{name:<10} → {call.name} {_short(arguments)}")
    return lines


def _short(text: str) -> str:
    text = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} … ({len(text):,} characters)"
    return text.replace("\n", "\n           ")

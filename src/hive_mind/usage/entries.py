"""What is told to the store, as it waits in a journal and in the spool: a line of JSON an entry.

In a journal it is as it was said; `redacted` makes of it what may be written to a disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hive_mind.conversation import JSON
from hive_mind.progress import utc_now
from hive_mind.sources.timestamps import utc
from hive_mind.usage.identity import call_key, identity
from hive_mind.usage.interaction import Interaction, Outcome, Thumb
from hive_mind.usage.wire import decode, encode, from_wire, plain, to_wire

INTERACTION, RESULT, FEEDBACK = "interaction", "result", "feedback"


def interaction_entry(interaction: Interaction, key: bytes) -> JSON:
    """Return the entry of an interaction. A time that cannot be read, or none, becomes the present one."""
    try:
        time = utc(interaction.time) or utc_now()
    except ValueError:
        time = utc_now()
    return {
        "kind": INTERACTION,
        "identity": identity(interaction, key),
        "call_key": call_key(interaction.answer, key),
        "interaction": to_wire(replace(interaction, time=time)),
    }


def result_entry(call_id: str, content: str, outcome: Outcome) -> JSON:
    """Return the entry of a result that is told after its call."""
    return {"kind": RESULT, "call_id": call_id, "content": content, "outcome": outcome}


def feedback_entry(interaction_id: str, thumb: Thumb | None, comment: str) -> JSON:
    """Return the entry of what a person said of an interaction."""
    return {"kind": FEEDBACK, "id": interaction_id, "thumb": thumb, "comment": comment}


def redacted(entry: JSON) -> JSON:
    """Return the entry with placeholders for all secrets; redacting it again changes nothing."""
    from hive_mind.usage.redacting import redact_interaction, redact_text

    if entry["kind"] == INTERACTION:
        clean = decode(encode(entry["interaction"]))  # half surrogate pairs, which no database takes, are gone
        seen = redact_interaction(from_wire({name: _plain(value) for name, value in clean.items()}))
        return {**entry, "interaction": to_wire(seen)}
    clean = {name: _plain(value) for name, value in decode(encode(entry)).items()}
    name = "content" if entry["kind"] == RESULT else "comment"
    return {**clean, name: redact_text(clean[name])}


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value

"""An interaction as something to learn from: the answer, or its correction, is the one turn that is learnt.

Earlier answers of the same session are interactions of their own, each judged by itself; here they are context.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from hive_mind.conversation import JSON, Conversation, Message, Reject
from hive_mind.curation.accept import accept
from hive_mind.sources import usage
from hive_mind.usage.interaction import Interaction

NAME = usage.NAME


def training_row(identity: str, interaction: Interaction, correction: Message | None = None) -> JSON:
    """Return the JSONL row that an export writes: our own schema, with session and client to split by."""
    target = correction or replace(interaction.answer, learn=interaction.outcome != "failed")
    context = [replace(message, learn=False) if message.role == "assistant" else message
               for message in _one_system(interaction.messages)]  # fmt: skip
    made = Conversation(row_id(identity), (*context, target), interaction.tools, NAME, interaction.time or None)
    labels = {"session_id": interaction.session, "client": interaction.client}
    row = made.to_dict()
    row["metadata"] |= {name: label for name, label in labels.items() if label}
    return row


def problem(row: JSON) -> Reject | None:
    """Return why the data stage would not take a row, None if it would."""
    taken = accepted(row)
    return taken if isinstance(taken, Reject) else None


def accepted(row: JSON) -> Conversation | Reject:
    """Return a row as the data stage takes it, or why it does not; it is asked itself."""
    converted = usage.convert(row)
    return accept(converted) if isinstance(converted, Conversation) else converted


def row_id(identity: str) -> str:
    """Return the id of an interaction's row in exported files; a dataset's index names it as the record."""
    return f"{NAME}-{identity}"


def _one_system(messages: tuple[Message, ...]) -> list[Message]:
    """Put the system texts at the beginning into one: chat templates know one."""
    system = list(takewhile(lambda message: message.role == "system", messages))
    if len(system) < 2:
        return list(messages)
    return [Message("system", "\n\n".join(message.content for message in system)), *messages[len(system) :]]

"""Redaction of an interaction before anything of it reaches a disk."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hive_mind.conversation import Conversation, Message
from hive_mind.curation.redactions import redact_label
from hive_mind.redaction import Memory, redact, redact_conversation
from hive_mind.redaction.values import PLACEHOLDER
from hive_mind.usage.interaction import Interaction


def redact_interaction(interaction: Interaction) -> Interaction:
    """Return the interaction with placeholders for its secrets, the same value with the same one wherever it stands.

    Labels (client, session, request) that give something away become digests, which keep them apart.
    """
    notes = (Message("user", interaction.error), Message("user", interaction.comment))
    messages = (*interaction.messages, interaction.answer, *interaction.results, *notes)
    redacted, _ = redact_conversation(Conversation("", messages, interaction.tools, interaction.source))
    asked = len(interaction.messages)
    return replace(
        interaction,
        messages=redacted.messages[:asked],
        answer=redacted.messages[asked],
        results=redacted.messages[asked + 1 : -2],
        tools=redacted.tools,
        error=redacted.messages[-2].content,
        comment=redacted.messages[-1].content,
        client=redact_label(interaction.client),
        session=redact_label(interaction.session),
        request_id=redact_label(interaction.request_id),
    )


def redact_text(text: str) -> str:
    """Redact a text that is told of an interaction later: a result, a comment."""
    return redact(text, Memory())


def kept_apart(text: str, known: str) -> str:
    """Return a text whose placeholders have numbers that `known` has not: redacted apart, they mean other values."""
    if "<SECRET:" not in text or "<SECRET:" not in known:
        return text
    last: Counter[str] = Counter()
    for kind, number in PLACEHOLDER.findall(known):
        last[kind] = max(last[kind], int(number))
    return PLACEHOLDER.sub(lambda match: f"<SECRET:{match[1]}:{int(match[2]) + last[match[1]]}>", text)

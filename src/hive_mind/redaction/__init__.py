"""Redaction: secrets and personal data out of text, stable placeholders in their place."""

from __future__ import annotations

from hive_mind.redaction.conversation import find_in_conversation, redact_conversation
from hive_mind.redaction.redact import Memory, redact
from hive_mind.redaction.text import find

__all__ = ["Memory", "find", "find_in_conversation", "redact", "redact_conversation"]

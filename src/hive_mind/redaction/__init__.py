"""Redaction: secrets and personal data out of text, stable placeholders in their place."""

from __future__ import annotations

from hive_mind.redaction.conversation import find_in_conversation, redact_conversation
from hive_mind.redaction.prefilter import may_hold_secrets
from hive_mind.redaction.redact import Memory, redact
from hive_mind.redaction.text import find

__all__ = ["Memory", "find", "find_in_conversation", "may_hold_secrets", "redact", "redact_conversation"]

"""Redaction of rows and rejects before anything of them is kept, and how much was redacted in each source."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from hive_mind.conversation import JSON, Conversation, Reject
from hive_mind.redaction import Memory, find, redact, redact_conversation

OWN_ID = re.compile(r"[a-z_]+-[0-9a-f]{16}(?:-turn\d+)?")
"""The id of a row that had none: its source and a digest, and for a window the turn that it teaches."""


@dataclass
class Redactions:
    """How many rows of a source had something redacted, and for each kind in how many rows and how many values."""

    rows: int = 0
    rows_of_kind: Counter[str] = field(default_factory=Counter)
    values_of_kind: Counter[str] = field(default_factory=Counter)

    def add(self, values: Counter[str]) -> None:
        """Count one row, given how many different values of each kind were redacted in it."""
        if values:
            self.rows += 1
            self.rows_of_kind.update(values.keys())
            self.values_of_kind.update(values)

    def join(self, others: Redactions) -> None:
        """Count the rows that were counted elsewhere."""
        self.rows += others.rows
        self.rows_of_kind.update(others.rows_of_kind)
        self.values_of_kind.update(others.values_of_kind)

    def copy(self) -> Redactions:
        return Redactions(self.rows, Counter(self.rows_of_kind), Counter(self.values_of_kind))

    def kinds(self) -> list[str]:
        """Return the kinds, that in most rows first."""
        return sorted(self.rows_of_kind, key=lambda kind: (-self.rows_of_kind[kind], kind))

    def to_dict(self) -> JSON:
        return {
            "rows": self.rows,
            "kinds": {
                kind: {"rows": self.rows_of_kind[kind], "values": self.values_of_kind[kind]} for kind in self.kinds()
            },
        }

    @classmethod
    def from_dict(cls, row: JSON) -> Redactions:
        kinds = row["kinds"].items()
        rows = Counter({kind: figures["rows"] for kind, figures in kinds})
        return cls(row["rows"], rows, Counter({kind: figures["values"] for kind, figures in kinds}))


def redact_row(conversation: Conversation, counts: Redactions) -> Conversation:
    """Return a conversation redacted, and count what went."""
    redacted, values = redact_conversation(conversation)
    counts.add(values)
    if OWN_ID.fullmatch(redacted.id):
        return redacted
    return replace(redacted, id=redact_label(redacted.id))


def redact_reject(reject: Reject, counts: Redactions) -> Reject:
    """Return a reject with its raw text and its detail redacted, and count what went."""
    memory = Memory()
    redacted = replace(reject, raw=redact(reject.raw, memory), detail=redact(reject.detail, memory))
    counts.add(memory.counts)
    return redacted


def redact_label(label: str) -> str:
    """Return a label (a record's id, a session, a client), or a digest in its place if it gives something away.

    Digests keep labels apart, as placeholders, which begin anew in every row, would not.
    """
    return f"redacted-{blake2b(label.encode(), digest_size=8).hexdigest()}" if find(label) else label

"""Held-out conversations as questions: at every turn that answers a person, what should a model say or call?

Each tier is scored by itself. The test split of a dataset gives one tier a source; files of tasks (own tools, unseen
tools, no tool fits) are tiers of their own name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hive_mind.conversation import Conversation, Message, Reject, Tool, content_digest
from hive_mind.errors import DataRefused, UsageError
from hive_mind.files import sha256_file
from hive_mind.sources import messages as rows
from hive_mind.sources.raw import read_raw
from hive_mind.suites.clusters import tool_set
from hive_mind.suites.sampling import rank, sample_groups

Kind = Literal["call", "no_tool", "plain"]
KINDS: tuple[Kind, ...] = ("call", "no_tool", "plain")


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `call`: tools must be called as in `expected`; `no_tool`: tools are offered, none is to be called;
    `plain`: no tools are offered at all."""

    id: str
    tier: str
    source: str
    kind: Kind
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    expected: Message

    @property
    def cluster(self) -> str:
        """Items that offer the same tools have one cluster; without tools an item stands for itself."""
        return tool_set((tool.name for tool in self.tools), alone=self.id)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A conversation of a tier: its loss is measured as a whole, its `items` are asked."""

    tier: str
    conversation: Conversation
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Suite:
    """Everything that a set of models is asked. `digest` names it: equal digests are equal questions in equal order."""

    rows: tuple[HeldOut, ...]
    files: tuple[dict[str, str], ...]
    digest: str

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for row in self.rows for item in row.items)


def load_suite(test: Path | None, tiers: Mapping[str, Path], limit: int | None, seed: int) -> Suite:
    """Read the test split (one tier a source) and the tier files; at most `limit` conversations a tier.

    Raises UsageError if there is no file at all or a tier is named twice, DataRefused for an unusable line.
    """
    if test is None and not tiers:
        raise UsageError("there is nothing to evaluate on; give --data FILE or evaluation.held_out.NAME=FILE")
    read: dict[str, list[Conversation]] = {}
    files = []
    if test is not None:
        for conversation in read_conversations(test):
            read.setdefault(conversation.source, []).append(conversation)
        files.append({"tier": "", "path": str(test), "sha256": sha256_file(test)})
    for tier, file in tiers.items():
        if tier in read:
            raise UsageError(f"evaluation.held_out.{tier} has the name of a source in {test}; choose another name")
        read[tier] = read_conversations(file)
        files.append({"tier": tier, "path": str(file), "sha256": sha256_file(file)})
    chosen = [
        HeldOut(tier, conversation, tuple(ask(conversation, tier, seed)))
        for tier, conversations in read.items()
        for conversation in sample(conversations, limit, seed)
    ]
    return Suite(tuple(chosen), tuple(files), _digest(chosen))


def items(file: Path, tier: str, limit: int | None = None, seed: int = 42) -> list[Item]:
    """Return the questions of one file as one tier. Raises as load_suite does."""
    return [item for row in sample(read_conversations(file), limit, seed) for item in ask(row, tier, seed)]


def read_conversations(file: Path) -> list[Conversation]:
    """Read a JSONL file in our schema or OpenAI's; a conversation that stands in it twice is read once.

    Raises UsageError if the file is missing, DataRefused naming the line that cannot be used: a test is not thinned
    out unnoticed.
    """
    read: dict[str, Conversation] = {}
    for raw in read_raw(file):
        made = raw if isinstance(raw, Reject) else rows.convert(raw.row)
        if isinstance(made, Reject):
            raise DataRefused(f"{file}, line {raw.line}: {made.detail}; repair or remove that line")
        read.setdefault(content_digest(made), made)
    return list(read.values())


def sample(conversations: Sequence[Conversation], limit: int | None, seed: int) -> list[Conversation]:
    """Choose at most `limit` conversations, each source with its share (at least one), in the order of the file.

    The choice hangs on seed and id alone, so a row that is added elsewhere moves no other.
    """
    return sample_groups(conversations, limit, seed, lambda row: row.id, lambda row: row.source)


def ask(conversation: Conversation, tier: str, seed: int = 42) -> list[Item]:
    """Return the questions of a conversation: at most one where a call is right and one where none is.

    More would be answers of one conversation to much the same question, and a paired test counts independent ones.
    Turns after a tool's result are not asked, nor those that only stand in the context.
    """
    found: dict[bool, list[Item]] = {True: [], False: []}
    for turn, message in enumerate(conversation.messages):
        answers_person = turn > 0 and conversation.messages[turn - 1].role == "user"
        if message.role != "assistant" or not answers_person or not (message.content.strip() or message.tool_calls):
            continue
        if not message.learn:
            continue
        kind: Kind = "call" if message.tool_calls else "no_tool" if conversation.tools else "plain"
        identity = f"{tier}/{conversation.id}#{turn}"
        before = conversation.messages[:turn]
        item = Item(identity, tier, conversation.source, kind, before, conversation.tools, message)
        found[kind == "call"].append(item)
    return [min(group, key=lambda item: rank(seed, item.id)) for group in found.values() if group]


def _digest(chosen: Sequence[HeldOut]) -> str:
    digest = hashlib.sha256()
    for row in chosen:
        asked = ",".join(item.id for item in row.items)
        digest.update(f"{row.tier}\n{row.conversation.id}\n{content_digest(row.conversation)}\n{asked}\n".encode())
    return digest.hexdigest()

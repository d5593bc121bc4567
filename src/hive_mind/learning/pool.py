"""Approved interactions, and which side each stands on: learnt from, or held out for good.

A session is on one side by a digest of its name, so that nothing that was ever asked in the suite is ever trained on,
whatever day it is. An interaction without a session goes with its first request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from hive_mind.conversation import JSON, Conversation, Message
from hive_mind.curation.ingest import normalise_request
from hive_mind.curation.split import unit
from hive_mind.errors import UsageError
from hive_mind.files import read_json, write_json
from hive_mind.learning.settings import HeldOutSettings
from hive_mind.progress import stamp
from hive_mind.suites.usage import NO_TOOL
from hive_mind.usage import teach
from hive_mind.usage.query import Filters
from hive_mind.usage.record import Record
from hive_mind.usage.rules import dangers
from hive_mind.usage.store import Store

SPLIT_FILE = "held_out.json"


@dataclass(frozen=True)
class Pooled:
    """An approved interaction as something to learn from or to ask."""

    record: Record
    group: str
    held_out: bool

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def time(self) -> str:
        return self.record.interaction.time

    @property
    def client_day(self) -> str:
        return f"{self.record.interaction.client} on {self.time[:10]}"

    @property
    def target(self) -> Message:
        """The one turn that is learnt: the answer, or what a person put in its place."""
        return self.record.correction or self.record.interaction.answer

    @property
    def tool(self) -> str:
        """The tool that is called first, or NO_TOOL."""
        calls = self.target.tool_calls
        return calls[0].name if calls else NO_TOOL

    @cached_property
    def row(self) -> JSON:
        """The JSONL row, with session and client."""
        return teach.training_row(self.id, self.record.interaction, self.record.correction)

    @property
    def conversation(self) -> Conversation:
        return Conversation.from_dict(self.row)

    @property
    def last_request(self) -> int:
        """The place of the last request among the messages."""
        messages = self.record.interaction.messages
        return max((place for place, message in enumerate(messages) if message.role == "user"), default=0)

    @property
    def asked(self) -> str:
        """What the target answers, without case, spacing and punctuation: the last request and what came after it."""
        since = self.record.interaction.messages[self.last_request :]
        return "\n".join(normalise_request(message.content) for message in since)


@dataclass(frozen=True)
class Pool:
    """All that is approved and may be a target; `left_out` counts what may not, by reason."""

    rows: tuple[Pooled, ...]
    left_out: Counter[str]

    @property
    def to_learn(self) -> list[Pooled]:
        return [row for row in self.rows if not row.held_out]

    @property
    def held_out(self) -> list[Pooled]:
        return [row for row in self.rows if row.held_out]


def collect(store: Store, settings: HeldOutSettings, now: datetime) -> Pool:
    """Read what is approved in the store, seen up to `now`.

    No dangerous command is ever a target, whoever approved it.
    """
    rows: list[Pooled] = []
    left_out: Counter[str] = Counter()
    before = stamp(now + timedelta(seconds=1))
    for page in store.pages(Filters(state="approved", before=before)):
        for record in page:
            made = pooled(record, settings)
            reason = _unfit(made)
            if reason:
                left_out[reason] += 1
            else:
                rows.append(made)
    return Pool(tuple(rows), left_out)


def again(store: Store, ids: Iterable[str], settings: HeldOutSettings, now: datetime) -> list[Pooled]:
    """Return those of the interactions that are approved still, as they are now: none that was forgotten."""
    wanted = set(ids)
    return [row for row in collect(store, settings, now).rows if row.id in wanted]


def pooled(record: Record, settings: HeldOutSettings) -> Pooled:
    """Put an interaction on its side."""
    group = group_of(record)
    return Pooled(record, group, unit(settings.seed, f"held out\0{group}") < settings.share)


def group_of(record: Record) -> str:
    """Return what keeps interactions on one side: their session, else their first request."""
    interaction = record.interaction
    if interaction.session:
        return f"session:{interaction.session}"
    first = next((message.content for message in interaction.messages if message.role == "user"), record.id)
    return f"request:{normalise_request(first)}"


def keep_the_split(folder: Path, settings: HeldOutSettings) -> None:
    """Note how sessions are held out, at the first time; raises UsageError if it is to be done in another way since.

    Another share or seed would put sessions that were learnt from into the suite.
    """
    file, wanted = folder / SPLIT_FILE, {"share": settings.share, "seed": settings.seed}
    if not file.is_file():
        write_json(file, wanted)
        return
    known = read_json(file)
    if known != wanted:
        raise UsageError(
            f"sessions are held out for good, with learning.held_out share={known['share']:g} and seed={known['seed']} "
            f"(noted in {file}); set these again, for with others the suite would ask what was learnt"
        )


def tool_sessions(rows: Sequence[Pooled]) -> dict[str, set[str]]:
    """Return the sessions in which each tool is called."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for call in row.target.tool_calls:
            found.setdefault(call.name, set()).add(row.group)
    return found


def _unfit(row: Pooled) -> str:
    if dangers(row.target):
        return "dangerous command"
    problem = teach.problem(row.row)
    return f"cannot be learnt from ({problem.code})" if problem is not None else ""

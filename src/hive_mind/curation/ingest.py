"""Raw rows of one source to accepted, distinct conversations in a spool file, with every row accounted for."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from hive_mind.conversation import JSON, Conversation, Reject, content_digest
from hive_mind.curation.accept import accept
from hive_mind.curation.inputs import Input
from hive_mind.curation.redactions import Redactions, redact_label, redact_reject, redact_row
from hive_mind.errors import HiveMindError
from hive_mind.files import json_line
from hive_mind.progress import Progress
from hive_mind.sources import EXPECTED_CODES, Source
from hive_mind.sources.raw import RawRow, read_raw

LOOK_AT_ROWS = 20


@dataclass(slots=True)
class Entry:
    """What is kept in memory of an accepted row: where its line is spooled, and what decides its split."""

    id: str
    offset: int
    size: int
    tools: str
    request: str
    record: str
    session: str | None
    client: str | None
    time: str | None
    group: str = ""
    split: str = ""


@dataclass
class SourceCounts:
    """Where each row of a source went. Every row that was read is in exactly one of the other figures."""

    licence: str
    read: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    over_cap: int = 0
    redacted: Redactions = field(default_factory=Redactions)
    train: int = 0
    validation: int = 0
    test: int = 0

    @property
    def kept(self) -> int:
        return self.train + self.validation + self.test

    @property
    def rejected(self) -> int:
        return sum(self.rejects.values())

    @property
    def unexpected(self) -> int:
        """Rejects that speak against the input, leaving out those by design (interactions that failed)."""
        return sum(count for code, count in self.rejects.items() if code not in EXPECTED_CODES)

    def check(self, source: str) -> None:
        """Raise HiveMindError unless the figures add up: a row that vanished is a bug of this program."""
        out = self.kept + self.rejected + self.duplicates + self.over_cap
        if out != self.read:
            raise HiveMindError(
                f"{source}: {self.read} rows were read, but {out} are accounted for; please report this"
            )

    def to_dict(self) -> JSON:
        return {
            "licence": self.licence, "read": self.read, "kept": self.kept, "train": self.train,
            "validation": self.validation, "test": self.test, "rejects": dict(self.rejects.most_common()),
            "duplicates": self.duplicates, "over_cap": self.over_cap, "redacted": self.redacted.to_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, row: JSON) -> SourceCounts:
        figures = {key: row[key] for key in ("read", "duplicates", "over_cap", "train", "validation", "test")}
        redacted = Redactions.from_dict(row["redacted"])
        return cls(row["licence"], rejects=Counter(row["rejects"]), redacted=redacted, **figures)


@dataclass
class Pool:
    """The accepted rows of one source, before any is chosen. `spool` is an unnamed file that ends with the process."""

    source: Source
    counts: SourceCounts
    spool: IO[bytes]
    entries: list[Entry] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def lines(self) -> Iterator[tuple[Entry, bytes]]:
        """Yield the entries that have a split, with their JSONL lines, in the order in which they were read."""
        for entry in self.entries:
            if entry.split:
                self.spool.seek(entry.offset)
                yield entry, self.spool.read(entry.size)


def ingest(
    source: Source,
    files: Iterable[Input],
    folder: Path,
    seen: set[bytes],
    not_read: list[str],
    progress: Progress,
    licence: str | None = None,
) -> Pool:
    """Read a source's files into a pool. `licence` is the files' own, where it is not the public data set's.

    `seen` holds the digests of all conversations so far, of any source: the first of equals stays. A file none of
    whose first rows is in the source's layout is not read, and named in `not_read`.
    """
    pool = Pool(source, SourceCounts(licence or source.LICENCE), tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
    for file in files:
        items = read_raw(file.path)
        first = list(islice(items, LOOK_AT_ROWS))
        if not first:
            not_read.append(f"{file.name} (no rows)")
        elif not any(isinstance(item, RawRow) and source.understands(item.row) for item in first):
            not_read.append(f"{file.name} (its rows are not in the layout of {source.NAME})")
        else:
            for item in chain(first, items):
                _take(pool, item, file, seen)
                progress.advance()
    return pool


def _take(pool: Pool, item: RawRow | Reject, file: Input, seen: set[bytes]) -> None:
    pool.counts.read += 1
    result = item if isinstance(item, Reject) else _convert(pool.source, item.row)
    if isinstance(result, Reject):
        raw = item.raw if isinstance(item, Reject) else item.text()
        result = replace(result, source=pool.source.NAME, file=file.name, line=item.line, raw=raw)
        pool.rejects.append(redact_reject(result, pool.counts.redacted))
        pool.counts.rejects[result.code] += 1
        return
    result = redact_row(result, pool.counts.redacted)
    digest = bytes.fromhex(content_digest(result)[:32])
    if digest in seen:
        pool.counts.duplicates += 1
        return
    seen.add(digest)
    assert isinstance(item, RawRow)
    line = json_line(result.to_dict())
    pool.entries.append(_entry(result, item.row, f"{file.name}:{item.line}", pool.spool.tell(), len(line)))
    pool.spool.write(line)


def _convert(source: Source, row: JSON) -> Conversation | Reject:
    if not source.understands(row):
        fields = ", ".join(list(row)[:6])
        return Reject(
            source.NAME, "unknown_layout", f"a row with the fields {fields} is not in the source's layout", ""
        )
    result = source.convert(row)
    if isinstance(result, Conversation):
        # rows of a mixed file may name another source; here they are counted where they were found
        result = accept(replace(result, source=source.NAME))
    return result


def _entry(conversation: Conversation, row: JSON, place: str, offset: int, size: int) -> Entry:
    metadata = row.get("metadata")
    said: JSON = metadata if isinstance(metadata, dict) else {}
    request = next((message.content for message in conversation.messages if message.role == "user"), "")
    names = sorted(tool.name for tool in conversation.tools)
    return Entry(
        conversation.id, offset, size,
        tools=f"tools:{_short_digest(chr(0).join(names))}" if names else "",
        request=f"request:{_short_digest(normalise_request(request))}",
        record=_label(row.get("id")) or place,
        session=_label(said.get("session_id") or row.get("session_id")),
        client=_label(said.get("client") or row.get("client")),
        time=conversation.timestamp,
    )  # fmt: skip


def normalise_request(text: str) -> str:
    """Return a request's words in lower case, so that case, spacing and punctuation do not tell requests apart."""
    return " ".join(_WORD.findall(text.casefold())) or text.strip()


_WORD = re.compile(r"\w+")


def _short_digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _label(value: Any) -> str | None:
    return redact_label(str(value)) if isinstance(value, (str, int)) and str(value) else None

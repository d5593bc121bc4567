"""Raw rows of one source to accepted, distinct conversations in a spool file, with every row accounted for."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import orjson

from hive_mind.conversation import JSON, Conversation, Reject, content_digest
from hive_mind.curation.accept import accept
from hive_mind.curation.inputs import Input
from hive_mind.curation.redactions import Redactions, redact_label, redact_reject, redact_row
from hive_mind.curation.windows import WINDOWED, Cut, Window, Windows, offered
from hive_mind.errors import HiveMindError
from hive_mind.files import json_line
from hive_mind.parallel import batched, in_order
from hive_mind.progress import Progress
from hive_mind.sources import EXPECTED_CODES, Source, transcripts
from hive_mind.sources.raw import RawRow, read_raw

LOOK_AT_ROWS = 20
BATCH_ROWS = 200
NO_WINDOW = "no_window_fits"


@dataclass(slots=True)
class Entry:
    """What is kept in memory of an accepted row: where its line is spooled, and what decides its split.

    `calls` tells whether a call stands in it, learnt or not. `window` is the number of the turn that a window of a long
    row teaches. `cluster` names the near-duplicates it belongs to, if they are kept; `made` says how a row came about
    that no input holds (a missing-tool negative, a repetition).
    """

    id: str
    offset: int
    size: int
    tools: str
    request: str
    record: str
    session: str | None
    client: str | None
    time: str | None
    calls: bool
    window: int | None = None
    group: str = ""
    split: str = ""
    cluster: str = ""
    made: str = ""


@dataclass
class SourceCounts:
    """Where each row of a source went. Every row that was read or made is in exactly one of the other figures.

    `cut` rows became `windows` rows, which are counted in place of them; `turns_left_out` are turns of these rows that
    fit into no window.
    """

    licence: str
    read: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    near_duplicates: int = 0
    contaminated: int = 0
    negatives: int = 0
    repeats: int = 0
    over_cap: int = 0
    redacted: Redactions = field(default_factory=Redactions)
    train: int = 0
    validation: int = 0
    test: int = 0
    cut: int = 0
    windows: int = 0
    turns_left_out: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        return self.train + self.validation + self.test

    @property
    def rejected(self) -> int:
        return sum(self.rejects.values())

    @property
    def usable(self) -> int:
        """Rows that were read and can be used, with windows in the place of those that were cut."""
        return self.read - self.rejected - self.cut + self.windows

    @property
    def made(self) -> int:
        """Training rows that no input holds."""
        return self.negatives + self.repeats

    @property
    def unexpected(self) -> int:
        """Rejects that speak against the input, leaving out those by design: what failed, and what is too long to cut.

        Single turns of an agent, as the usage store exports them, often stand right after a page-long result.
        """
        return sum(count for code, count in self.rejects.items() if code not in EXPECTED_CODES | {NO_WINDOW})

    def join(self, others: SourceCounts) -> None:
        """Count what was read of the same source elsewhere."""
        self.read += others.read
        self.rejects.update(others.rejects)
        self.redacted.join(others.redacted)
        self.cut += others.cut
        self.windows += others.windows
        self.turns_left_out.update(others.turns_left_out)

    def check(self, source: str) -> None:
        """Raise HiveMindError unless the figures add up: a row that vanished is a bug of this program."""
        last = self.stages()[-1]["out"]
        if last != self.kept:
            raise HiveMindError(
                f"{source}: of {self.read} rows that were read, {last} should be in the dataset, but {self.kept} are; "
                "please report this"
            )

    def stages(self) -> list[JSON]:
        """Return what each stage took in, left out by reason, made, and gave on to the next."""
        left_out: list[tuple[str, JSON, JSON]] = [
            ("convert", {code: count for code, count in self.rejects.most_common() if code != NO_WINDOW}, {}),
            ("cut", {NO_WINDOW: self.rejects[NO_WINDOW], "cut": self.cut}, {"windows": self.windows}),
            ("deduplicate", {"duplicates": self.duplicates, "near_duplicates": self.near_duplicates}, {}),
            ("decontaminate", {"contaminated": self.contaminated}, {}),
            ("mix", {"over_cap": self.over_cap}, {"negatives": self.negatives, "repeats": self.repeats}),
        ]
        stages, rows = [], self.read
        for name, reasons, made in left_out:
            out = rows - sum(reasons.values()) + sum(made.values())
            stages.append({"stage": name, "in": rows, "left_out": reasons, "made": made, "out": out})
            rows = out
        return stages

    def to_dict(self) -> JSON:
        return {
            "licence": self.licence, "read": self.read, "kept": self.kept,
            "rejects": dict(self.rejects.most_common()), **{name: getattr(self, name) for name in _FIGURES},
            **{name: getattr(self, name) for name in _WINDOW_FIGURES},
            "turns_left_out": dict(self.turns_left_out.most_common()), "redacted": self.redacted.to_dict(),
            "stages": self.stages(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, row: JSON) -> SourceCounts:
        figures = {name: row[name] for name in _FIGURES}
        figures |= {name: row.get(name, 0) for name in _WINDOW_FIGURES}  # datasets of before had none
        return cls(
            row["licence"], row["read"], Counter(row["rejects"]), **figures,
            turns_left_out=Counter(row.get("turns_left_out")),
            redacted=Redactions.from_dict(row["redacted"]) if "redacted" in row else Redactions(),
        )  # fmt: skip


_FIGURES = (
    "duplicates", "near_duplicates", "contaminated", "negatives", "repeats", "over_cap", "train", "validation", "test",
)  # fmt: skip
_WINDOW_FIGURES = ("cut", "windows")


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
                yield entry, read_line(self, entry)


def read_line(pool: Pool, entry: Entry) -> bytes:
    """Return an accepted row's line from the pool's spool."""
    pool.spool.seek(entry.offset)
    return pool.spool.read(entry.size)


def read_entry(pool: Pool, entry: Entry) -> JSON:
    """Return an accepted row from the pool's spool."""
    row: JSON = orjson.loads(read_line(pool, entry))
    return row


def line_batches(rows: Iterable[tuple[Pool, Entry]], size: int) -> Iterator[list[bytes]]:
    """Return the lines of accepted rows, `size` at a time."""
    return batched((read_line(*row) for row in rows), size)


@dataclass
class Part:
    """What rows became before it is known whether others say the same: what a process that converts them gives back."""

    counts: SourceCounts
    rejects: list[Reject] = field(default_factory=list)
    rows: list[tuple[bytes, bytes, Entry]] = field(default_factory=list)
    """Of every row or window: a digest of what it says, its line, and its entry, which is not in a spool yet."""


def ingest(
    source: Source,
    files: Iterable[Input],
    folder: Path,
    seen: set[bytes],
    not_read: list[str],
    progress: Progress,
    licence: str | None = None,
    cut: Cut | None = None,
) -> Pool:
    """Read a source's files into a pool. `licence` is the files' own, where it is not the public data set's.

    `cut` makes windows of long interactions, None leaves them whole.
    `seen` holds the digests of all rows and windows so far, of any source: the first of equals stays. A file none of
    whose first rows is in the source's layout is not read, and named in `not_read`.
    """
    pool = Pool(source, SourceCounts(licence or source.LICENCE), tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
    batches = _batches(source, files, not_read)
    for part in in_order(lambda batch: convert_rows(source, batch[1], batch[0], cut), batches):
        add(pool, part, seen)
        progress.advance(part.counts.read)
    return pool


def _batches(
    source: Source, files: Iterable[Input], not_read: list[str]
) -> Iterator[tuple[str, list[RawRow | Reject]]]:
    """Yield the rows of all files, some at a time, with the name of their file."""
    for file in files:
        if source.NAME == transcripts.NAME and transcripts.is_tools_file(file.path):
            continue  # read together with the runs that lie beside it
        items = read_raw(file.path)
        first = list(islice(items, LOOK_AT_ROWS))
        if not first:
            not_read.append(f"{file.name} (no rows)")
        elif not any(isinstance(item, RawRow) and source.understands(item.row) for item in first):
            not_read.append(f"{file.name} (its rows are not in the layout of {source.NAME})")
        else:
            for batch in batched(chain(first, items), BATCH_ROWS):
                yield file.name, batch


def convert_rows(source: Source, items: Sequence[RawRow | Reject], file: str, cut: Cut | None) -> Part:
    """Convert rows of a file, redact them, and cut those that are long; what cannot be used is rejected."""
    part = Part(SourceCounts(source.LICENCE, read=len(items)))
    for item in items:
        _take(part, source, item, file, cut)
    return part


def _take(part: Part, source: Source, item: RawRow | Reject, file: str, cut: Cut | None) -> None:
    """Convert a row, redact it, cut it if it is long, and put what becomes of it into the part.

    It is redacted as a whole, so that a value has the same placeholder in all its windows, and rows that differ in such
    values alone are duplicates.
    """
    result = item if isinstance(item, Reject) else _convert(source, item)
    redacted = part.counts.redacted
    if isinstance(result, Conversation):
        result = redact_row(result, redacted)
        redacted = Redactions()  # it is counted, even if it turns out to be a reject
    made = result if isinstance(result, Reject) else _cut(result, cut)
    if isinstance(made, Reject):
        raw, record = (item.raw, "") if isinstance(item, Reject) else (item.text(), _label(item.row.get("id")) or "")
        reject = replace(made, source=source.NAME, file=file, line=item.line, record=record, raw=raw)
        part.rejects.append(redact_reject(reject, redacted))
        part.counts.rejects[reject.code] += 1
        return
    assert isinstance(item, RawRow) and isinstance(result, Conversation)
    part.counts.turns_left_out += made.left_out
    if made.windows[0].turn is not None:
        part.counts.cut += 1
        part.counts.windows += len(made.windows)
    for window in made.windows:
        digest = bytes.fromhex(content_digest(window.conversation)[:32])
        line = json_line(window.conversation.to_dict())
        part.rows.append((digest, line, _entry(result, window, item.row, f"{file}:{item.line}")))


def add(pool: Pool, part: Part, seen: set[bytes]) -> None:
    """Put what is new of a part into the pool, and count all of it."""
    pool.counts.join(part.counts)
    pool.rejects += part.rejects
    for digest, line, entry in part.rows:
        if digest in seen:
            pool.counts.duplicates += 1
        else:
            seen.add(digest)
            entry.offset, entry.size = pool.spool.tell(), len(line)
            pool.entries.append(entry)
            pool.spool.write(line)


def _cut(conversation: Conversation, cut: Cut | None) -> Windows | Reject:
    """Return the conversation's windows: itself where it is not cut. One that none of its turns has is a Reject."""
    made = cut(conversation) if cut is not None else Windows([Window(conversation, None)], Counter())
    if made.windows:
        return made
    reasons = ", ".join(f"{count} {reason}" for reason, count in made.left_out.items())
    return Reject(conversation.source, NO_WINDOW, f"no turn fits into a window: {reasons}", "")


def _convert(source: Source, item: RawRow) -> Conversation | Reject:
    row = transcripts.with_servers(item.row, item.file) if source.NAME == transcripts.NAME else item.row
    if not source.understands(row):
        fields = ", ".join(list(row)[:6])
        return Reject(
            source.NAME, "unknown_layout", f"a row with the fields {fields} is not in the source's layout", ""
        )
    result = source.convert(row)
    if isinstance(result, Conversation) and source.NAME in WINDOWED:
        result = offered(result)
    if isinstance(result, Conversation):
        # rows of a mixed file may name another source; here they are counted where they were found
        result = accept(replace(result, source=source.NAME))
    return result


def _entry(whole: Conversation, window: Window, row: JSON, place: str) -> Entry:
    """Return the entry of one window of a row, or of the whole row. Its group is that of the whole."""
    metadata = row.get("metadata")
    said: JSON = metadata if isinstance(metadata, dict) else {}
    tools, request = group_labels(whole)
    session = _label(said.get("session_id") or row.get("session_id"))
    if window.turn is not None:
        session = session or whole.id  # what keeps the windows of one interaction together
    return Entry(
        window.conversation.id, 0, 0, tools, request,
        record=_label(row.get("id")) or place,
        session=session,
        client=_label(said.get("client") or row.get("client")),
        time=whole.timestamp,
        calls=bool(window.conversation.calls),
        window=window.turn,
    )  # fmt: skip


def group_labels(conversation: Conversation) -> tuple[str, str]:
    """Return the names of the groups that a conversation's tools ("" for none) and its first request put it in."""
    request = next((message.content for message in conversation.messages if message.role == "user"), "")
    names = sorted(tool.name for tool in conversation.tools)
    tools = f"tools:{_short_digest(chr(0).join(names))}" if names else ""
    return tools, f"request:{_short_digest(normalise_request(request))}"


def normalise_request(text: str) -> str:
    """Return a request's words in lower case, so that case, spacing and punctuation do not tell requests apart."""
    return " ".join(_WORD.findall(text.casefold())) or text.strip()


_WORD = re.compile(r"\w+")


def _short_digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _label(value: Any) -> str | None:
    return redact_label(str(value)) if isinstance(value, (str, int)) and str(value) else None

"""The gate behind the redaction: the finished files are read once more, and refused if a secret is found in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import orjson

from hive_mind.conversation import JSON, Conversation, Reject
from hive_mind.curation.manifest import DESCRIPTIONS
from hive_mind.curation.redactions import OWN_ID
from hive_mind.errors import DataRefused
from hive_mind.files import index_name, raw_lines
from hive_mind.parallel import batched, in_order
from hive_mind.progress import Progress
from hive_mind.redaction import find, find_in_conversation, may_hold_secrets

BATCH_ROWS = 500

_PLACE = re.compile(r".*:\d+")
_QUOTED = frozenset({"request", "asked"})
"""Where a removed row says what it and the question that it met ask."""
_ADVICE = "take it out of the raw row and build again, and please report what the redaction missed"


def refuse_secrets(folder: Path, names: Iterable[str], progress: Progress) -> None:
    """Read the finished files of a dataset with their indexes; a line that several have in common is read once.

    Raises DataRefused naming the first row that holds something to redact, and removes the files with all that
    describes them, so that nothing is trained on them.
    """
    names = list(names)
    for batch, kinds in in_order(_scan, batched(_rows(folder, names), BATCH_ROWS)):
        progress.advance(batch)
        for row, found in kinds:
            for written in (*names, *map(index_name, names), *DESCRIPTIONS):
                (folder / written).unlink(missing_ok=True)
            about = orjson.loads(row.about)
            raise DataRefused(
                f"{folder / row.file}, line {row.number} (id {about['id']}, read from {', '.join(about['records'])}) "
                f"held {_listed(found)} in spite of the redaction, and was removed with the rest of the dataset; "
                f"{_ADVICE}"
            )


def without_secrets(rejects: Iterable[Reject]) -> Iterator[Reject]:
    """Yield rejects on their way to the disk. Raises DataRefused at the first that holds something to redact."""
    for reject in rejects:
        kinds = {found.kind for text in (reject.record, reject.raw, reject.detail) for found in find(text)}
        if kinds:
            raise DataRefused(
                f"the rejected row in {reject.file}, line {reject.line} holds {_listed(kinds)} in spite of the "
                f"redaction, so nothing was written; {_ADVICE}"
            )
        yield reject


def removed_without_secrets(removed: Iterable[JSON]) -> Iterator[JSON]:
    """Yield what is said of removed rows on its way to the disk. Raises DataRefused as `without_secrets` does."""
    for row in removed:
        texts = [row["record"]] * (not _PLACE.fullmatch(row["record"])) + [row[name] for name in _QUOTED & row.keys()]
        kinds = {found.kind for text in texts for found in find(text)}
        if kinds:
            raise DataRefused(
                f"the removed row {row['id']} of {row['source']} holds {_listed(kinds)} in spite of the redaction, so "
                f"nothing was written of the dataset; {_ADVICE}"
            )
        yield row


@dataclass(frozen=True, slots=True)
class _Row:
    """A written row: where it stands, its line, and its line in the index."""

    file: str
    number: int
    line: bytes
    about: bytes


def _rows(folder: Path, names: Iterable[str]) -> Iterator[_Row]:
    """Yield the rows of all files; those that several have in common once."""
    read: set[bytes] = set()
    for name in names:
        lines, entries = raw_lines(folder / name), raw_lines(folder / index_name(name))
        for (number, line), (_, about) in zip(lines, entries, strict=True):
            digest = blake2b(line + about, digest_size=16).digest()
            if digest not in read:
                read.add(digest)
                yield _Row(name, number, line, about)


def _scan(rows: Sequence[_Row]) -> tuple[int, list[tuple[_Row, set[str]]]]:
    """Return how many rows there are, and those that hold something, with its kinds."""
    kinds = [(row, _kinds_in_row(row.line) | _kinds_in_index(orjson.loads(row.about))) for row in rows]
    return len(rows), [(row, found) for row, found in kinds if found]


def _kinds_in_row(line: bytes) -> set[str]:
    """Return what a row gives away; its id, which stands first, and what stands behind its tools are no content."""
    row = orjson.loads(line)
    kinds = set() if OWN_ID.fullmatch(row["id"]) else set(_kinds(row["id"]))
    if may_hold_secrets(line[line.index(b'"messages":') : line.rindex(b'"metadata":')].decode()):
        kinds.update(find_in_conversation(Conversation.from_dict(row)))
    return kinds


def _kinds_in_index(entry: JSON) -> set[str]:
    """Return what the labels of a row give away; FILE:LINE is a name that the user gave."""
    labels = (label for label in (*entry["records"], entry["session"], entry["client"]) if label)
    return {kind for label in labels if not _PLACE.fullmatch(label) for kind in _kinds(label)}


@lru_cache(maxsize=10_000)
def _kinds(label: str) -> frozenset[str]:
    return frozenset(found.kind for found in find(label))


def _listed(kinds: Iterable[str]) -> str:
    return ", ".join(f"a value of the kind {kind}" for kind in sorted(kinds))

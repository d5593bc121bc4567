"""Read a training file, whatever mix of layouts was concatenated into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from hive_mind.conversation import Conversation, Reject
from hive_mind.curation.accept import accept
from hive_mind.errors import DataRefused
from hive_mind.sources import source_of
from hive_mind.sources.raw import RawRow, read_raw
from hive_mind.sources.transcripts import with_servers


def read_dataset(path: Path) -> Iterator[Conversation | Reject]:
    """Yield the usable rows of a JSONL training file as Conversations, the others as Rejects with file and line.

    Our own schema, OpenAI and ShareGPT rows, usage rows of the report's log and the raw rows of every source may stand
    in one file. Raises UsageError if the file is missing, DataRefused naming the line that is not a JSON object.
    """
    return map(read_item, read_items(path))


def read_items(path: Path) -> Iterator[RawRow]:
    """Yield the rows of a training file as they stand. Raises as read_dataset does."""
    path = Path(path)
    for item in read_raw(path):
        if isinstance(item, Reject):
            raise DataRefused(f"{path}, line {item.line}: {item.detail}; {_advice(item)}")
        yield item


def read_row(path: Path, number: int) -> Conversation | Reject | None:
    """Return row `number` (from 1) of a training file; None if the file has fewer. Raises as read_dataset does."""
    return next(islice(read_dataset(path), number - 1, None), None)


def read_item(item: RawRow) -> Conversation | Reject:
    """Return a row of a training file as a usable Conversation, or as a Reject with file and line."""
    source = source_of(item.row)
    if source is None:
        keys = ", ".join(list(item.row)[:6])
        result: Conversation | Reject = Reject("", "unknown_layout", f"no source has rows with the fields {keys}", "")
    else:
        result = source.convert(with_servers(item.row, item.file))
        if isinstance(result, Conversation):
            result = accept(result)
    if isinstance(result, Reject):
        return replace(result, file=str(item.file), line=item.line, raw=item.text())
    return result


def _advice(broken: Reject) -> str:
    if "}{" in broken.raw.replace(" ", ""):
        return "it looks like two rows joined by `cat` from a file without a last line break: put one between them"
    return "repair or remove that line"

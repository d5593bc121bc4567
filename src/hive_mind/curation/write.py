"""Write the chosen rows to the dataset's files, each with its index beside it; all appear, or none."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hive_mind.curation.ingest import Entry, Pool
from hive_mind.curation.lengths import characters_of
from hive_mind.curation.manifest import MERGED_NAME, SPLIT_FILES, WrittenFile
from hive_mind.files import atomic_write, index_name, json_line
from hive_mind.sources import SOURCES


class _Writer:
    """A JSONL file and its index, still under other names."""

    def __init__(self, folder: Path, name: str, stack: ExitStack) -> None:
        self.rows: IO[bytes] = stack.enter_context(atomic_write(folder / name))
        self.index: IO[bytes] = stack.enter_context(atomic_write(folder / index_name(name)))
        self.digest = hashlib.sha256()
        self.count = self.size = 0

    def add(self, entry: Entry, line: bytes, licence: str) -> None:
        self.rows.write(line)
        self.index.write(json_line(_index_row(entry, licence)))
        self.digest.update(line)
        self.count += 1
        self.size += len(line)

    def settle(self) -> None:
        """Bring all bytes to the disk while both files still bear other names: a full disk shows here."""
        for file in (self.rows, self.index):
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> WrittenFile:
        return WrittenFile(self.count, self.size, self.digest.hexdigest())


@dataclass(frozen=True)
class Written:
    """The finished files by name, and of each source's training rows the bytes in all and the characters a row."""

    files: dict[str, WrittenFile]
    train_bytes: Counter[str]
    characters: dict[str, list[int]]


def write_dataset(folder: Path, pools: Sequence[Pool]) -> Written:
    """Write the splits and the external files.

    External files hold training rows alone, so that training on a concatenation of them sees nothing held out. Files
    of sources that gave no rows this time are removed.
    """
    external = [pool.source.NAME for pool in pools if pool.source.NAME != "usage" and pool.counts.train]
    train_bytes: Counter[str] = Counter()
    characters: dict[str, list[int]] = {}
    with ExitStack() as stack:
        names = [*SPLIT_FILES.values(), *map(external_name, external), MERGED_NAME]
        writers = {name: _Writer(folder, name, stack) for name in names}
        for pool in pools:
            source = pool.source.NAME
            for entry, line in pool.lines():
                writers[SPLIT_FILES[entry.split]].add(entry, line, pool.counts.licence)
                if entry.split == "train":
                    train_bytes[source] += len(line)
                    characters.setdefault(source, []).append(characters_of(line))
                    if source in external:
                        writers[external_name(source)].add(entry, line, pool.counts.licence)
                        writers[MERGED_NAME].add(entry, line, pool.counts.licence)
        for writer in writers.values():
            writer.settle()
    for source in SOURCES.keys() - set(external):
        for stale in (external_name(source), index_name(external_name(source))):
            (folder / stale).unlink(missing_ok=True)
    return Written({name: writer.finish() for name, writer in writers.items()}, train_bytes, characters)


def external_name(source: str) -> str:
    """Return the name of a source's own file inside the dataset's folder."""
    return f"external/{source}.jsonl"


def _index_row(entry: Entry, licence: str) -> dict[str, object]:
    marks = {"made": entry.made, "cluster": entry.cluster}
    return {
        "id": entry.id, "records": [entry.record], "group": entry.group, "session": entry.session,
        "client": entry.client, "time": entry.time, "window": entry.window, "licence": licence,
        **{name: value for name, value in marks.items() if value},
    }  # fmt: skip

"""Approved interactions to training files, `training_data_YYYY-MM-DD.jsonl`, which `data build` reads.

An interaction stands in one file. What is approved and stands in none goes into today's; what is no longer approved, or
was corrected since, leaves the file that it stood in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from sqlalchemy import delete, insert

from hive_mind.conversation import JSON
from hive_mind.files import atomic_write, index_name, json_line, raw_lines, read_jsonl
from hive_mind.progress import utc_now
from hive_mind.usage import teach
from hive_mind.usage.database import writing
from hive_mind.usage.query import Filters
from hive_mind.usage.record import Record
from hive_mind.usage.schema import exports
from hive_mind.usage.store import Store

PATTERN = "training_data_*.jsonl"

Line = tuple[bytes, JSON]
"""A row as it is written, and its line in the index beside the file."""


@dataclass
class Exported:
    """What an export wrote. `left_out` counts approved interactions that the data stage would not take, by reason."""

    file: Path
    rows: int = 0
    unchanged: int = 0
    taken_out: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    why: dict[str, str] = field(default_factory=dict)


def export(store: Store, now: str | None = None) -> Exported:
    """Write all approved interactions that no file holds as they are now into the file of the day, `now` in UTC."""
    folder = store.settings.exports
    now = now or utc_now()
    today = folder / f"training_data_{now[:10]}.jsonl"
    outcome = Exported(today)
    wanted = {record.id: _line(record) for record in _usable(store, outcome)}
    held: dict[str, Path] = {}
    for file in exported_files(folder):
        outcome.taken_out += rewrite(file, lambda line: _is_wanted(line, wanted))
        held.update({record: file for _, entry in _lines(file) for record in _records(entry)})
    missing = [line for record, line in wanted.items() if record not in held]
    if missing:
        write(today, [*_lines(today), *missing])
        held.update({record: today for _, entry in missing for record in _records(entry)})
    outcome.rows, outcome.unchanged = len(missing), len(wanted) - len(missing)
    _note(store, held, now)
    return outcome


def exported_files(folder: Path) -> list[Path]:
    """Return the training files that exports wrote; files of others, which have no index of ours, are none."""
    files = (file for file in sorted(folder.glob(PATTERN)) if not file.name.endswith(".index.jsonl"))
    return [file for file in files if file.with_name(index_name(file.name)).is_file()]


def rewrite(file: Path, keep: Callable[[Line], bool]) -> int:
    """Take lines out of a file and its index, and the files away when none is left; returns how many lines went."""
    lines = list(_lines(file))
    kept = [line for line in lines if keep(line)]
    if len(kept) < max(len(lines), sum(1 for _ in raw_lines(file))):
        write(file, kept)
    return len(lines) - len(kept)


def write(file: Path, lines: list[Line]) -> None:
    """Write rows and index, each whole or not at all; without rows, remove both."""
    index = file.with_name(index_name(file.name))
    if not lines:
        file.unlink(missing_ok=True)
        index.unlink(missing_ok=True)
        return
    # The rows go first: one that no index names yet is written again, and one that was to go is gone.
    with atomic_write(file) as rows:
        rows.writelines(line for line, _ in lines)
    with atomic_write(index) as entries:
        for number, (_, entry) in enumerate(lines, 1):
            entries.write(json_line({**entry, "line": number}))


def records_of(file: Path) -> list[str]:
    """Return the ids of the interactions that an exported file holds, in the order of its lines."""
    return [record for _, entry in _lines(file) for record in _records(entry)]


def _usable(store: Store, outcome: Exported) -> Iterator[Record]:
    for page in store.pages(Filters(state="approved")):
        for record in page:
            refused = teach.problem(teach.training_row(record.id, record.interaction, record.correction))
            if refused is None:
                yield record
            else:
                outcome.left_out[refused.code] += 1
                outcome.why[record.id] = f"{refused.code}: {refused.detail}"


def _line(record: Record) -> Line:
    row = json_line(teach.training_row(record.id, record.interaction, record.correction))
    seen = record.interaction
    labels = {"session": seen.session or None, "client": seen.client or None, "time": seen.time}
    entry = {"line": 0, "id": teach.row_id(record.id), "records": [record.id], **labels, "sha256": _sha256(row)}
    return row, entry


def _is_wanted(line: Line, wanted: dict[str, Line]) -> bool:
    """Tell whether a line is still what would be written for its interaction, and whole."""
    row, entry = line
    mine = wanted.get(_records(entry)[0])
    return mine is not None and mine[0] == row


def _lines(file: Path) -> Iterator[Line]:
    """Read an exported file with its index: lines that the index does not describe are left out."""
    index = file.with_name(index_name(file.name))
    if not file.is_file() or not index.is_file():
        return
    rows = {_sha256(line + b"\n"): line + b"\n" for _, line in raw_lines(file)}
    for _, entry in read_jsonl(index):
        if (row := rows.get(entry["sha256"])) is not None:
            yield row, entry


def _records(entry: JSON) -> list[str]:
    return list(entry["records"])


def _sha256(line: bytes) -> str:
    return sha256(line).hexdigest()


def _note(store: Store, held: dict[str, Path], now: str) -> None:
    """Write into the store which file holds what; a file that held an interaction before stays noted."""
    with writing(store.engine) as connection:
        for record, file in held.items():
            here = (exports.c.interaction == record) & (exports.c.file == file.name)
            connection.execute(delete(exports).where(here))
            connection.execute(insert(exports).values(interaction=record, file=file.name, time=now))

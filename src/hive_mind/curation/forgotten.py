"""forgotten.json beside a dataset: interactions that a person wanted forgotten after the dataset was built.

The rows themselves are not touched, so that a dataset stays what its manifest says; but nothing is trained on it any
more until it is built again, which leaves the interactions out. Refusing is meant: a warning in a daily job would go
unread, and a model cannot unlearn a row. What a build left out is named by no index and sealed by no manifest, so it
goes at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from hive_mind.curation.manifest import MANIFEST_NAME, REJECTS_NAME, REMOVED_NAME
from hive_mind.errors import DataRefused
from hive_mind.files import index_name, read_json, read_jsonl, write_json, write_jsonl
from hive_mind.progress import utc_now

FORGOTTEN_NAME = "forgotten.json"


def datasets_under(folder: Path) -> Iterator[Path]:
    """Yield the folders of built datasets: the folder itself, and those at most three levels below it."""
    for file in _named(MANIFEST_NAME, folder):
        if "splits" in read_json(file):
            yield file.parent


def mark_forgotten(folder: Path, records: Collection[str]) -> int:
    """Note in a dataset's folder which of these records its files hold; returns how many do.

    `records` are named as in the indexes.
    """
    held = sorted({record for file in _indexes(folder) for record in _records_in(file)} & set(records))
    if held:
        file = folder / FORGOTTEN_NAME
        before = read_json(file)["records"] if file.is_file() else {}
        write_json(file, {"records": {**before, **dict.fromkeys(held, utc_now())}})
    return len(held)


def take_out_of_left_out(folder: Path, records: Collection[str]) -> dict[Path, int]:
    """Take the lines that hold one of these records out of all that builds under a folder rejected or removed.

    Builds that were refused left such files too. Returns how many lines went, by file.
    """
    taken = {}
    for name in (REJECTS_NAME, REMOVED_NAME):
        for file in _named(name, folder):
            rows = [row for _, row in read_jsonl(file)]
            kept = [row for row in rows if row.get("record") not in records]  # files of before this was noted have none
            if len(kept) < len(rows):
                write_jsonl(file, kept)
                taken[file] = len(rows) - len(kept)
    return taken


def forgotten_rows(dataset: Path) -> set[str]:
    """Return the ids of a dataset file's rows that hold something forgotten since; none after it was built again."""
    note, index = dataset.with_name(FORGOTTEN_NAME), dataset.with_name(index_name(dataset.name))
    if not note.is_file() or not index.is_file():
        return set()
    records = read_json(note)["records"]
    return {row["id"] for _, row in read_jsonl(index) if any(record in records for record in row["records"])}


def refuse_forgotten(dataset: Path) -> None:
    """Raise DataRefused if a dataset file holds what was forgotten."""
    rows = forgotten_rows(dataset)
    if rows:
        raise DataRefused(
            f"{dataset} holds {len(rows):,} row(s) that were to be forgotten ({dataset.with_name(FORGOTTEN_NAME)}); "
            "build the dataset again with `hive-mind data build`, which leaves them out"
        )


def _named(name: str, folder: Path) -> Iterator[Path]:
    """Yield files of a name as deep as daily learning has its datasets: learning/<day>/dataset."""
    for depth in range(4):
        yield from sorted(folder.glob(f"{depth * '*/'}{name}"))


def _indexes(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.index.jsonl"))


def _records_in(index: Path) -> Iterator[str]:
    for _, row in read_jsonl(index):
        yield from row.get("records", ())

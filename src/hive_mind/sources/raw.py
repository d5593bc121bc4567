"""Raw files as they come: .json arrays, JSON Lines, CSV and Parquet, row by row as plain Python values."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from hive_mind.conversation import JSON, Reject
from hive_mind.errors import DataRefused, HiveMindError
from hive_mind.files import raw_lines

SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
RAW_TEXT_LIMIT = 100_000
PARQUET_BATCH_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row with the place it was read from: a line for JSON Lines, else the row's number, both from 1."""

    file: Path
    line: int
    row: JSON
    raw: bytes | None = None

    def text(self) -> str:
        """Return the row's raw text, for a Reject."""
        return _shorten(self.raw if self.raw is not None else orjson.dumps(self.row, default=str))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a line's text alone: another process parses it faster than it reads a pickle of the row."""
        return (
            (RawRow, (self.file, self.line, self.row))
            if self.raw is None
            else (_of_line, (self.file, self.line, self.raw))
        )


def read_raw(path: Path) -> Iterator[RawRow | Reject]:
    """Yield the rows of a raw file; a line that is not a JSON object is yielded as a Reject without a source.

    Raises DataRefused for a file that is broken as a whole, HiveMindError for Parquet without pyarrow.
    """
    if path.suffix == ".csv":
        return _read_csv(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    if path.suffix == ".json" and _first_byte(path) == b"[":
        return _read_array(path)
    return _read_lines(path)


def _of_line(path: Path, number: int, line: bytes) -> RawRow:
    return RawRow(path, number, orjson.loads(line.removeprefix(BYTE_ORDER_MARK)), line)


def _read_lines(path: Path) -> Iterator[RawRow | Reject]:
    for number, line in raw_lines(path):
        try:
            row = orjson.loads(line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line)
        except orjson.JSONDecodeError as error:
            yield Reject("", "broken_json", f"not valid JSON: {error}", _shorten(line), str(path), number)
            continue
        if isinstance(row, dict):
            yield RawRow(path, number, row, line)
        else:
            yield Reject("", "not_an_object", "the line is not a JSON object", _shorten(line), str(path), number)


def _read_array(path: Path) -> Iterator[RawRow | Reject]:
    try:
        rows: list[Any] = orjson.loads(path.read_bytes().removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        raise DataRefused(f"{path} is not valid JSON ({error}); fetch or repair the file") from None
    for index in range(len(rows)):
        row, rows[index] = rows[index], None  # let each row go as soon as it is dealt with
        if isinstance(row, dict):
            yield RawRow(path, index + 1, row)
        else:
            raw = _shorten(orjson.dumps(row))
            yield Reject("", "not_an_object", "the element is not a JSON object", raw, str(path), index + 1)


def _read_csv(path: Path) -> Iterator[RawRow | Reject]:
    csv.field_size_limit(sys.maxsize)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for number, cells in enumerate(csv.DictReader(file), 1):
                if None in cells or None in cells.values():
                    raw = _shorten(orjson.dumps([str(cell) for cell in cells.values()]))
                    detail = "the row has more or fewer cells than the header"
                    yield Reject("", "wrong_number_of_cells", detail, raw, str(path), number)
                else:
                    yield RawRow(path, number, dict(cells))
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataRefused(f"{path} is not a readable CSV file in UTF-8 ({error}); convert or repair it") from None


def _read_parquet(path: Path) -> Iterator[RawRow | Reject]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise HiveMindError(
            f"{path} is a Parquet file, and reading it needs pyarrow; run `pip install 'hive-mind[parquet]'`, "
            "or convert the file to JSON Lines"
        ) from None
    try:
        number = 0
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(PARQUET_BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield RawRow(path, number, row)
    except pyarrow.ArrowException as error:
        raise DataRefused(f"{path} is not a readable Parquet file ({error}); fetch or repair the file") from None


def _first_byte(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(1024).removeprefix(BYTE_ORDER_MARK).lstrip()[:1]


def _shorten(raw: bytes) -> str:
    text = raw.decode("utf-8", errors="replace")
    return text if len(text) <= RAW_TEXT_LIMIT else f"{text[:RAW_TEXT_LIMIT]}… ({len(text):,} characters in all)"

"""trainer_log.jsonl: one row a step, flushed as it is written, so that `tail -f` and `hive-mind monitor` follow a run.

A validation point is a row with `validation_loss` in place of `loss`; a skipped step has the loss null.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from hive_mind.errors import HiveMindError
from hive_mind.files import json_line

LOG_FILE = "trainer_log.jsonl"


class TrainerLog:
    """Appends rows to a run's log. Opening it cuts off rows after `keep_until`: a resumed run does these steps again.

    `validated` is the last step with a validation row, -1 if there is none.
    """

    def __init__(self, folder: Path, keep_until: int = -1) -> None:
        self.path = folder / LOG_FILE
        try:
            self.path.touch()
            # Cut in place, not replaced: a `tail -f` on the file goes on following it.
            os.truncate(self.path, _size_until(self.path, keep_until))
            self.file: IO[bytes] = open(self.path, "ab", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error
        self.validated = max((row["step"] for row in read_log(self.path) if "validation_loss" in row), default=-1)

    def write(self, row: dict[str, Any]) -> None:
        """Append one row. Raises HiveMindError if it cannot be written."""
        line = json_line(row)
        try:
            written = self.file.write(line)
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error
        if written != len(line):
            raise self._failed("no space left on the device")

    def write_validation(self, row: dict[str, Any]) -> None:
        """Append a validation row and remember its step."""
        self.write(row)
        self.validated = row["step"]

    def __enter__(self) -> TrainerLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def _failed(self, why: str) -> HiveMindError:
        return HiveMindError(
            f"could not write {self.path}: {why}; free space and run the same command again to continue from the last "
            "checkpoint"
        )


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a log's rows; a last line that is still being written is left out."""
    if not path.is_file():
        return []
    return [orjson.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _size_until(path: Path, step: int) -> int:
    """Bytes of the whole rows up to and including `step`, and of restarts that were noted right after it."""
    size = 0
    for line in path.read_bytes().splitlines(keepends=True):
        row = orjson.loads(line) if line.endswith(b"\n") else None
        if row is None or (row["step"] > step and "restart" not in row):
            break
        size += len(line)
    return size

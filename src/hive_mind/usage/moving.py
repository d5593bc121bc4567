"""From journals and spool to the store: redact, apply in batches, and only then mark as dealt with.

A process that is killed anywhere in between leaves entries that are dealt with again, which changes nothing: an
interaction has one identity, a call one result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy.exc import SQLAlchemyError

from hive_mind.conversation import JSON, MalformedConversation
from hive_mind.errors import HiveMindError
from hive_mind.progress import say, utc_now
from hive_mind.usage.database import StoreAway
from hive_mind.usage.entries import redacted
from hive_mind.usage.journal import delete_if_done, journals, mark, memory_folder, read_new
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.spool import REFUSED, Spool
from hive_mind.usage.store import Store, database_file

BATCH_BYTES = 1_000_000
BATCH_ENTRIES = 200


@dataclass
class Moved:
    """What one pass did. `away` says why the store took nothing, if it did not."""

    stored: int = 0
    spooled: int = 0
    refused: int = 0
    away: str = ""


class Mover:
    """Moves entries to the store, which it keeps open between passes."""

    def __init__(self, settings: UsageSettings) -> None:
        self.settings, self.spool = settings, Spool(settings.spool)
        self.memory = memory_folder(settings.spool)
        self.store: Store | None = None
        self._inode: int | None = None

    def run(self) -> Moved:
        """Move all there is: the spool first, for it is older. Processes take turns. Raises OSError on a full disk."""
        moved = Moved()
        with self.spool.turn():
            self._move_spool(moved)
            for file in journals(self.memory) if self.memory else ():
                self._move_journal(file, moved)
        return moved

    def close(self) -> None:
        """Let go of the store."""
        if self.store is not None:
            self.store.close()
            self.store = None

    def _move_spool(self, moved: Moved) -> None:
        while not moved.away and (file := self.spool.take()) is not None:
            for entries in _batches(file):
                if not self._apply(entries, moved):
                    return
            file.unlink()

    def _move_journal(self, file: Path, moved: Moved) -> None:
        while True:
            lines, end = read_new(file, BATCH_BYTES)
            for begin in range(0, len(lines), BATCH_ENTRIES):
                entries = list(self._redacted(lines[begin : begin + BATCH_ENTRIES], moved))
                if not self._apply(entries, moved):
                    self.spool.append(entries)
                    moved.spooled += len(entries)
            if not lines:
                break
            mark(file, end)
        delete_if_done(file)

    def _redacted(self, lines: Sequence[bytes], moved: Moved) -> Iterator[JSON]:
        for line in lines:
            try:
                yield redacted(orjson.loads(line))
            except (MalformedConversation, ValueError, RecursionError, KeyError, TypeError) as error:
                # its text is not redacted, so not even the reason may quote it
                self._refuse({"kind": "unreadable"}, type(error).__name__, moved)

    def _apply(self, entries: Sequence[JSON], moved: Moved) -> bool:
        """Bring entries into the store; returns False if it is away."""
        if moved.away:
            return False
        try:
            self._opened().apply(entries)
        except StoreAway as error:
            self.close()
            moved.away = str(error)
            return False
        except SQLAlchemyError:
            return self._apply_one_by_one(entries, moved)
        moved.stored += len(entries)
        return True

    def _apply_one_by_one(self, entries: Sequence[JSON], moved: Moved) -> bool:
        """One entry that no database takes must not hold up all that follow it."""
        for entry in entries:
            try:
                self._opened().apply([entry])
                moved.stored += 1
            except StoreAway as error:
                moved.away = str(error)
                return False
            except SQLAlchemyError as error:
                self._refuse(entry, type(error).__name__, moved)
        return True

    def _refuse(self, entry: JSON, reason: str, moved: Moved) -> None:
        moved.refused += 1
        self.spool.append([{"time": utc_now(), "reason": reason, "entry": entry}], REFUSED)
        say(f"usage: an entry cannot be kept ({reason}); it lies in {self.spool.folder / REFUSED}")

    def _opened(self) -> Store:
        if self.store is not None and self._inode != _inode(self.settings):
            self.close()  # the file was restored or moved away meanwhile, and what is open has no name any more
        if self.store is None:
            self.store = Store.open(self.settings)
            self._inode = _inode(self.settings)
        return self.store


def catch_up(settings: UsageSettings) -> Moved:
    """Bring all that was recorded so far into the store, so that what is read next is all there is.

    Raises HiveMindError if the spool's folder cannot be read or written.
    """
    mover = Mover(settings)
    try:
        return mover.run()
    except OSError as error:
        raise HiveMindError(
            f"the spool {settings.spool} cannot be read or written: {error}; free space or check permissions"
        ) from error
    finally:
        mover.close()


def _inode(settings: UsageSettings) -> int | None:
    file = database_file(settings)
    return file.stat().st_ino if file is not None and file.exists() else None


def _batches(file: Path) -> Iterator[list[JSON]]:
    batch: list[JSON] = []
    with open(file, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                batch.append(orjson.loads(line))
            if len(batch) == BATCH_ENTRIES:
                yield batch
                batch = []
    if batch:
        yield batch

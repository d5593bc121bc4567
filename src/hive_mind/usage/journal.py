"""Journals: files in memory that hold what was recorded until it is redacted and written to the store.

Redacting an interaction can take a tenth of a second, more than its caller may be kept, and what is not redacted may
not reach a disk. So it is first appended to a file in memory (`/dev/shm`), in one system call; there it survives
whatever process is killed, and only the machine's end loses it. One process writes a journal and holds its lock;
another reads it, marks in its first line how far it came, overwrites what is dealt with, and deletes the file when the
writer has gone or begun another.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

MEMORY = Path("/dev/shm")
SUFFIX = ".journal"
WHOSE = "spool"
HEADER_BYTES = 21
"""Twenty digits, how many bytes are dealt with, and a line break."""
ROTATE_BYTES = 4_000_000


def memory_folder(spool: Path) -> Path | None:
    """Return a folder in memory that is ours alone, for journals of this spool; None where the system has none."""
    home = MEMORY / f"hive-mind-{os.getuid()}"
    folder = home / blake2b(os.fsencode(spool.absolute()), digest_size=8).hexdigest()
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        found = home.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            return None  # someone else was here first: nothing of ours is put into his folder
        folder.mkdir(mode=0o700, exist_ok=True)
        if not (folder / WHOSE).exists():
            (folder / WHOSE).write_text(str(spool.absolute()), encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    return folder


def folders_by_spool() -> dict[Path, Path]:
    """Return our folders in memory by the spool they belong to, which may be gone."""
    home = MEMORY / f"hive-mind-{os.getuid()}"
    named = home.glob(f"*/{WHOSE}")
    return {Path(file.read_text(encoding="utf-8", errors="surrogateescape")): file.parent for file in named}


class Journal:
    """A journal that this process writes."""

    def __init__(self, folder: Path) -> None:
        """Begin a journal. Raises OSError if the memory is full."""
        self.folder = folder
        self._open()

    def append(self, line: bytes) -> None:
        """Add a line, all of it or nothing. Raises OSError if the memory is full."""
        if self.size > ROTATE_BYTES:
            os.close(self.handle)
            self._open()
        # One system call: at each, a thread that computes may take the interpreter away for some milliseconds.
        if os.write(self.handle, line) < len(line):
            os.ftruncate(self.handle, self.size)
            raise OSError("the journal could not be written as a whole")
        self.size += len(line)

    def close(self) -> None:
        """End the journal; it is deleted when all of it has been read."""
        os.close(self.handle)

    def _open(self) -> None:
        name = f"{time.time_ns():020d}-{os.getpid()}"
        new = self.folder / f".{name}.new"
        self.handle = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX)
            os.write(self.handle, _header(HEADER_BYTES))
            new.rename(self.folder / f"{name}{SUFFIX}")  # only now is it to be seen, with its lock
        except OSError:
            os.close(self.handle)
            with suppress(FileNotFoundError):
                new.unlink()
            raise
        self.size = HEADER_BYTES


def journals(folder: Path) -> list[Path]:
    """Return all journals, the oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def read_new(file: Path, limit: int) -> tuple[list[bytes], int]:
    """Return at least one and at most about `limit` bytes of finished lines not dealt with yet, and where they end."""
    with open(file, "rb") as journal:
        begin = int(journal.read(HEADER_BYTES))
        journal.seek(begin)
        text = journal.read(limit)
        while text and b"\n" not in text and (more := journal.read(limit)):
            text += more
    whole = text[: text.rfind(b"\n") + 1]
    return whole.splitlines(), begin + len(whole)


def mark(file: Path, end: int) -> None:
    """Note that all lines up to `end` are dealt with, and overwrite them: they are not redacted."""
    handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        begin = int(os.pread(handle, HEADER_BYTES, 0))
        os.pwrite(handle, _header(end), 0)  # first: zeros that were not noted yet would be read as a line
        os.pwrite(handle, bytes(end - begin), begin)
    finally:
        os.close(handle)


def delete_if_done(file: Path) -> bool:
    """Delete a journal whose writer has gone and of which all is dealt with; half a line was never acknowledged."""
    handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if read_new(file, ROTATE_BYTES)[0]:
            return False
        file.unlink()
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(handle)


def _header(end: int) -> bytes:
    return f"{end:020d}\n".encode()

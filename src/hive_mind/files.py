"""Files that are either whole or absent: atomic writes, JSONL line by line, digests, the swapped symlink."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import orjson

from hive_mind.errors import DataRefused, HiveMindError, UsageError

CHUNK_BYTES = 1 << 20


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that appears under `path` only when the block ends without an error.

    Written beside the target, fsynced, renamed. Raises HiveMindError if the disk is full or read-only.
    """
    path = Path(path)
    with _explain(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with _explain(path):
            os.chmod(temporary, 0o666 & ~_umask())
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            sync_folder(path.parent)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any, *, indent: bool = True) -> None:
    """Write `value` as JSON in its own key order, atomically; on one line without `indent`."""
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    with atomic_write(path) as file:
        file.write(orjson.dumps(value, option=option))


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises UsageError if it is missing and DataRefused if it is not JSON."""
    try:
        return orjson.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist; check the path") from None
    except orjson.JSONDecodeError as error:
        raise DataRefused(f"{path} is not valid JSON ({error}); repair or delete it") from None


def json_line(value: Any) -> bytes:
    """Encode one JSONL line, newline included."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write rows one a line, atomically; returns how many."""
    count = 0
    with atomic_write(path) as file:
        for row in rows:
            file.write(json_line(row))
            count += 1
    return count


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, row) of a JSONL file of our own making; blank lines are passed over.

    Raises UsageError if the file is missing, DataRefused naming the line if one is not a JSON object.
    """
    for number, line in raw_lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DataRefused(
                f"{path}, line {number} is not valid JSON ({error}); repair or remove that line"
            ) from None
        if not isinstance(row, dict):
            raise DataRefused(f"{path}, line {number} is not a JSON object; repair or remove that line")
        yield number, row


def index_name(name: str) -> str:
    """Return the name of the index that lies beside a JSONL file: record, group, session, time and licence by id."""
    return f"{name.removesuffix('.jsonl')}.index.jsonl"


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, bytes) of every line that is not blank. Raises UsageError if the file is missing."""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip(b"\r\n")
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist; check the path") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder, not a file; name the file inside it") from None


def sha256_file(path: Path) -> str:
    """Return the hex sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def swap_symlink(link: Path, target: str) -> None:
    """Point `link` at the relative `target` in one atomic step, so that a reader never finds it missing."""
    link = Path(link)
    temporary = link.with_name(f".{link.name}.{os.getpid()}.part")
    with _explain(link):
        with suppress(FileNotFoundError):
            temporary.unlink()
        os.symlink(target, temporary)
        os.replace(temporary, link)
        sync_folder(link.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explain(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HiveMindError(
            f"could not write {path}: {error.strerror or error}; nothing was left under that name, "
            "free space or check permissions and run the command again"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""A backup archive: a tar, compressed, whose last member names every other with its size and sha256."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hive_mind.conversation import JSON
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import atomic_write, read_json, sha256_file, write_json

CONTENTS = "contents.json"
FORMAT = 1
ZSTD = "zstd"
SUFFIXES = (".tar.gz", ".tgz", ".tar.zst")


class Archive:
    """An archive that is being written. `facts` go into its contents."""

    def __init__(self, tar: tarfile.TarFile, scratch: Path) -> None:
        self._tar, self._scratch = tar, scratch
        self.files: dict[str, JSON] = {}
        self.facts: JSON = {}

    def add(self, file: Path, name: str) -> None:
        """Add a file that does not change meanwhile."""
        self.files[name] = {"bytes": file.stat().st_size, "sha256": sha256_file(file)}
        self._tar.add(file, name, recursive=False)

    def finish(self) -> None:
        """Add the contents."""
        contents = self._scratch / CONTENTS
        write_json(contents, {"format": FORMAT, **self.facts, "files": self.files})
        self._tar.add(contents, CONTENTS)


@contextmanager
def written(file: Path, scratch: Path) -> Iterator[Archive]:
    """Write an archive that appears under its name only when the block ends without an error.

    Raises UsageError for a name of no known compression, HiveMindError if the disk is full or zstd is missing.
    """
    _check_name(file)
    with (
        atomic_write(file) as raw,
        _compressed(file, raw) as stream,
        tarfile.open(fileobj=stream, mode="w|") as tar,
    ):
        archive = Archive(tar, scratch)
        yield archive
        archive.finish()


def unpacked(file: Path, folder: Path) -> JSON:
    """Unpack an archive into an empty folder; returns its contents, every file verified against them.

    Raises UsageError if there is no such file, DataRefused if it is no backup, damaged, or holds what it does not name.
    """
    _check_name(file)
    if not file.is_file():
        raise UsageError(f"{file} does not exist; name a file that `hive-mind backup` wrote")
    try:
        with (
            open(file, "rb") as raw,
            _decompressed(file, raw) as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            for member in tar:
                if not member.isfile():
                    raise DataRefused(f"{file} holds {member.name}, which is no plain file; it is no backup of ours")
                tar.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataRefused(f"{file} cannot be unpacked ({error}); it is damaged or no backup") from error
    if not (folder / CONTENTS).is_file():
        raise DataRefused(f"{file} holds no {CONTENTS}; it was cut off, or is no backup")
    contents: JSON = read_json(folder / CONTENTS)
    if contents.get("format") != FORMAT:
        raise DataRefused(f"{file} has the format {contents.get('format')!r}, this program reads {FORMAT}")
    _verify(file, folder, contents["files"])
    return contents


def _verify(file: Path, folder: Path, named: dict[str, JSON]) -> None:
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {CONTENTS}
    if there != set(named):
        strange = sorted(there ^ set(named))[0]
        raise DataRefused(f"{file}: {strange} is only in the archive or only in its contents; it is damaged")
    for name, facts in named.items():
        if sha256_file(folder / name) != facts["sha256"]:
            raise DataRefused(f"{file}: {name} is not what was backed up (its sha256 differs); use another backup")


def _check_name(file: Path) -> None:
    if not file.name.endswith(SUFFIXES):
        raise UsageError(f"{file} must end in .tar.gz or .tar.zst, which says how it is compressed")
    if file.name.endswith(".zst") and shutil.which(ZSTD) is None:
        raise UsageError(f"{file} needs the program zstd, which is not here; use .tar.gz, or: apt install zstd")


@contextmanager
def _compressed(file: Path, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    if not file.name.endswith(".zst"):
        import gzip

        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6) as stream:
            yield stream  # type: ignore[misc]
        return
    with _zstd(["-q", "-c", "-"], stdin=subprocess.PIPE, stdout=raw) as process:
        assert process.stdin is not None
        yield process.stdin
        process.stdin.close()


@contextmanager
def _decompressed(file: Path, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    if not file.name.endswith(".zst"):
        import gzip

        with gzip.GzipFile(fileobj=raw) as stream:
            yield stream  # type: ignore[misc]
        return
    with _zstd(["-q", "-d", "-c", "-"], stdin=raw, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout


@contextmanager
def _zstd(options: list[str], stdin: Any, stdout: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([ZSTD, *options], stdin=stdin, stdout=stdout)
    try:
        yield process
    except BaseException:
        process.kill()
        process.wait()
        raise
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            pipe.close()
    if process.wait() not in (0, -13):  # it may have had more to give than the tar's end
        raise HiveMindError(f"zstd failed with the code {process.returncode}; free space, or use .tar.gz")

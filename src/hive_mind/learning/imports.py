"""What other programs left in the folders of `learning.imports`, into the store; what was read whole is not read again.

imported.json remembers the size and time of every file that was read to its end, with a digest of the tools files
beside it. All of it is read anew when the catalogue, the program or the store is another one, or a backup was restored.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import orjson

from hive_mind.catalogue.file import client_names, read_catalogue
from hive_mind.conversation import JSON, Tool
from hive_mind.errors import DataRefused
from hive_mind.files import read_json, sha256_file, write_json
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import say
from hive_mind.sources.transcripts import tools_beside
from hive_mind.usage.identity import KEY_FILE
from hive_mind.usage.importing import import_files
from hive_mind.usage.store import Store

IMPORTED_FILE = "imported.json"


def take_in_imports(settings: LearningSettings, store: Store) -> JSON:
    """Import what is new; returns the import's report, how many files were `unchanged`, and which paths are `missing`.

    A path that is missing ends nothing: it may be a program that was removed, or a disk that is not mounted tonight.
    """
    tools = client_names(read_catalogue(settings.catalogue.file))
    there = {path: _located(path) for path in settings.imports}
    missing = [str(path) for path, found in there.items() if found is None]
    for path in missing:
        say(f"{path} does not exist, so nothing is imported from it; take it out of learning.imports or bring it back")
    memory = _Memory(settings.dir / IMPORTED_FILE, store, tools)
    report = import_files([path for path in there.values() if path is not None], store, tools, seen=memory.has)
    memory.keep(report.complete)
    return {**report.to_dict(), "unchanged": report.unchanged, "missing": missing}


def _located(path: Path) -> Path | None:
    """Return where a path leads from here, `~` written out; None if nothing can be found there."""
    try:
        found = path.expanduser()
        found.stat()
    except (OSError, RuntimeError):  # RuntimeError: a ~name of nobody on this machine
        return None
    return found


class _Memory:
    """Which files were read to their end, and what they were like when the reading began."""

    def __init__(self, file: Path, store: Store, tools: dict[str, Tool]) -> None:
        self.file = file
        declared = {name: tool.to_dict() for name, tool in tools.items()}
        key = store.settings.spool / KEY_FILE  # which `hive-mind restore` writes anew
        written = key.stat().st_mtime_ns if key.is_file() else None
        self.about = _digest([version("hive-mind"), store.where, written, declared])
        self._before = self._read() if store.stats()["interactions"] else {}  # an empty store has none of it
        self._marks: dict[str, list[object]] = {}
        self._beside: dict[Path, str] = {}

    def has(self, file: Path) -> bool:
        """Tell whether a file is as it was when it was read. Raises OSError if it cannot be looked at."""
        found = file.stat()
        mark = self._marks[str(file.absolute())] = [found.st_size, found.st_mtime_ns, self._tools_beside(file)]
        return self._before.get(str(file.absolute())) == mark

    def keep(self, complete: list[Path]) -> None:
        """Remember what was read whole now or before; what is not there any more is dropped."""
        known = self._before | {str(file.absolute()): self._marks[str(file.absolute())] for file in complete}
        files = {name: known[name] for name in self._marks if name in known and known[name] == self._marks[name]}
        write_json(self.file, {"about": self.about, "files": files})

    def _read(self) -> dict[str, list[object]]:
        if not self.file.is_file():
            return {}
        try:
            memory = read_json(self.file)
        except DataRefused as error:
            say(f"{error}; all imports are read again")
            return {}
        files: dict[str, list[object]] = memory["files"] if memory.get("about") == self.about else {}
        return files

    def _tools_beside(self, file: Path) -> str:
        """Return a digest of the files beside it that declare tools: what they say is part of what it gives."""
        if file.parent not in self._beside:
            self._beside[file.parent] = _digest([[path.name, sha256_file(path)] for path in tools_beside(file)])
        return self._beside[file.parent]


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()

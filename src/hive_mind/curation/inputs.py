"""Find each source's raw files: in a folder that the user names, among given files, or on the hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from hive_mind.curation.licences import not_commercial
from hive_mind.curation.settings import DataSettings
from hive_mind.errors import UsageError
from hive_mind.hub import GatedRepo, download
from hive_mind.sources import SOURCES, Source
from hive_mind.sources.raw import SUFFIXES

EVALUATION_FOLDERS = frozenset({"eval", "evaluation", "held_out"})
"""Folders of data that judges the models: their names are known, their content is never looked at."""

COMMERCIAL_USE = "data.commercial_use=true"

_COMPANIONS = ("*license*", "*licence*", "readme*", "notice*", ".*", "*.md")


@dataclass(frozen=True)
class Input:
    """A raw file and the name it goes by in records, which never holds a path of this machine."""

    path: Path
    name: str


@dataclass
class Inputs:
    """The raw files of every included source, where they came from, and what was left aside with the reason."""

    files: dict[str, list[Input]] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    not_read: list[str] = field(default_factory=list)

    def add(self, source: str, path: Path, name: str) -> None:
        self.files.setdefault(source, []).append(Input(path, name))


def gather(settings: DataSettings, say: Callable[[str], None]) -> Inputs:
    """Return the raw files to read, fetching from the hub what is neither given nor in `raw_dir`.

    Raises UsageError for a missing folder or file, HiveMindError if the hub cannot be reached.
    """
    inputs = _local(settings)
    for name, source in SOURCES.items():
        own = settings.of(name)
        fetched = own.include and not own.files and settings.raw_dir is None and source.HUB is not None
        if (name in inputs.files or fetched) and _refused(name, fetched, settings, inputs, say):
            inputs.files.pop(name, None)
        elif fetched:
            _fetch(source, settings, inputs, say)
    return inputs


def _refused(source: str, fetched: bool, settings: DataSettings, inputs: Inputs, say: Callable[[str], None]) -> bool:
    """Tell whether a source must not be used commercially where the dataset is to be; this is said and recorded."""
    why = not_commercial(settings.licence_of(source, fetched)) if settings.commercial_use else None
    if why is None:
        return False
    inputs.skipped[source] = f"{why} ({COMMERCIAL_USE})"
    say(f"{source} is left out: {inputs.skipped[source]}")
    return True


def local_files(settings: DataSettings) -> dict[str, list[Input]]:
    """Return the raw files by source that are given or lie in `raw_dir` or the folder of usage; nothing is fetched."""
    return _local(settings).files


def _local(settings: DataSettings) -> Inputs:
    inputs = Inputs()
    if settings.raw_dir is not None:
        _look_through(settings.raw_dir, inputs)
    for name in SOURCES:
        own = settings.of(name)
        if not own.include:
            inputs.files.pop(name, None)
        elif own.files:
            inputs.files[name] = [_given(name, path) for path in own.files]
    if settings.of("usage").include and settings.automated_pattern:
        pattern = Path(settings.automated_pattern)
        for path in sorted(pattern.parent.glob(pattern.name)):
            if not path.name.endswith(".index.jsonl"):
                inputs.add("usage", path, f"automated/{path.name}")
    return inputs


def fetch(settings: DataSettings, say: Callable[[str], None]) -> Inputs:
    """Bring every included source that lies on the hub into the hub cache, and look for no others."""
    inputs = Inputs()
    for name, source in SOURCES.items():
        wanted = settings.of(name).include and source.HUB is not None
        if wanted and not _refused(name, True, settings, inputs, say):
            _fetch(source, settings, inputs, say)
    return inputs


def _fetch(source: Source, settings: DataSettings, inputs: Inputs, say: Callable[[str], None]) -> None:
    hub = source.HUB
    assert hub is not None
    try:
        fetched = download(
            hub.repo_id, repo_type="dataset", patterns=hub.patterns, exclude=hub.exclude,
            revision=settings.of(source.NAME).revision, lock=settings.lock, first_match=True,
        )  # fmt: skip
    except GatedRepo as error:
        inputs.skipped[source.NAME] = str(error)
        say(f"{source.NAME} is left out: {error}")
        return
    inputs.commits[source.NAME] = fetched.revision
    for name in fetched.files:
        inputs.add(source.NAME, fetched.folder / name, f"{hub.repo_id}/{name}")


def _given(source: str, path: Path) -> Input:
    if not path.is_file():
        raise UsageError(f"data.sources.{source}.files names {path}, which is not a file; check the path")
    return Input(path, path.name)


def _look_through(folder: Path, inputs: Inputs) -> None:
    """Sort the files of a folder, and of its folders that bear a source's name, to the sources."""
    if not folder.is_dir():
        raise UsageError(f"data.raw_dir={folder} is not a folder; check the path")
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            source = _source_for(entry.name, lambda source: source.FOLDERS)
            if source is not None:
                for path in sorted(entry.iterdir()):
                    _sort_in(path, f"{entry.name}/{path.name}", source, inputs)
            elif not entry.name.startswith("."):
                kept_back = entry.name.lower() in EVALUATION_FOLDERS
                why = "kept for evaluation" if kept_back else "no source has a folder of that name"
                inputs.not_read.append(f"{entry.name}/ ({why})")
        else:
            _sort_in(entry, entry.name, _source_for(entry.name, lambda source: source.FILES), inputs)


def _sort_in(path: Path, name: str, source: Source | None, inputs: Inputs) -> None:
    lowered = path.name.lower()
    if any(fnmatchcase(lowered, pattern) for pattern in _COMPANIONS) or lowered.endswith(".index.jsonl"):
        return
    if path.is_dir():
        inputs.not_read.append(f"{name}/ (a folder inside a source's folder)")
    elif path.suffix.lower() not in SUFFIXES:
        inputs.not_read.append(f"{name} (not {', '.join(SUFFIXES)})")
    elif source is None:
        inputs.not_read.append(f"{name} (no source has a file of that name)")
    elif any(fnmatchcase(lowered, pattern) for pattern in source.NEVER):
        inputs.not_read.append(f"{name} (a test set, kept for evaluation)")
    else:
        inputs.add(source.NAME, path, name)


def _source_for(name: str, patterns: Callable[[Source], tuple[str, ...]]) -> Source | None:
    for source in SOURCES.values():
        if any(fnmatchcase(name.lower(), pattern) for pattern in patterns(source)):
            return source
    return None

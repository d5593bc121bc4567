"""Files from the hub: said beforehand, resumed where they stopped, verified, and pinned in a lock file.

The client is huggingface_hub, and files end up in its own cache, so that other programs share them. The client drops a
half-done file when its process ends; here the transfer goes to a `.part` beside the cache's blob and is taken up again.
Nothing but files is fetched: no loading scripts are ever run.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from hive_mind.errors import HiveMindError
from hive_mind.files import CHUNK_BYTES, read_json, sha256_file, write_json
from hive_mind.progress import Progress, say, track

RepoType = Literal["dataset", "model"]
LISTING_TIMEOUT_SECONDS = 15.0
LOCK_FILE = Path("data/hub.lock.json")


class GatedRepo(HiveMindError):
    """The repository's owner wants its terms accepted first; the message says how."""


@dataclass(frozen=True)
class Fetched:
    """Files of one repository at one commit, in the hub cache's `folder`. `files` maps relative names to sha256."""

    repo_id: str
    repo_type: str
    revision: str
    folder: Path
    files: dict[str, str]


@dataclass(frozen=True)
class _File:
    """A file as the hub's listing or the lock file describes it.

    `etag` names it in the cache: its sha256 if it is stored with LFS, else git's id of its content.
    """

    name: str
    size: int
    etag: str | None
    sha256: str | None

    def matches(self, path: Path) -> bool:
        """Tell whether the bytes at `path` are this file's."""
        if path.stat().st_size != self.size:
            return False
        if self.sha256 is not None:
            return sha256_file(path) == self.sha256
        return self.etag is None or _git_blob_id(path) == self.etag


def download(
    repo_id: str,
    *,
    repo_type: RepoType,
    patterns: Sequence[str],
    exclude: Sequence[str] = (),
    revision: str | None = None,
    lock: Path | None = None,
    first_match: bool = False,
) -> Fetched:
    """Bring the files of a repository that match `patterns` (and not `exclude`) into the hub cache.

    A revision that `lock` holds is used again, without asking the hub if its files are all here. With `first_match`
    the patterns are alternatives: the first one that matches any file is taken alone.

    Raises GatedRepo, or HiveMindError if the hub cannot be reached, lacks the files, or sends others than promised.
    """
    entry = _locked(lock, repo_type, repo_id, revision)
    request = {"patterns": list(patterns), "exclude": list(exclude)}
    with _explained(repo_id, repo_type):
        if entry is not None and request in entry["requests"]:
            commit = str(entry["revision"])
            listing = [_File(name, **known) for name, known in entry["files"].items()]
        else:
            commit, listing = _listing(repo_id, repo_type, str(entry["revision"]) if entry else revision)
        files = _select(listing, patterns, exclude, first_match)
        if not files:
            raise HiveMindError(
                f"the {repo_type} {repo_id} holds no file like {', '.join(patterns)} at commit {commit[:12]}; "
                "name another revision, or put the files into a folder and name that folder instead"
            )
        paths = _bring(repo_id, repo_type, commit, files)
    digests = {name: sha256_file(path) for name, path in paths.items()}
    for file in files:
        if file.sha256 not in (None, digests[file.name]):
            raise HiveMindError(
                f"{paths[file.name]} is not the file that {lock or 'the hub'} promises for {repo_id} "
                f"(sha256 {digests[file.name][:12]}, not {str(file.sha256)[:12]}); delete it and run the command again"
            )
    if lock is not None:
        _write_lock(lock, repo_type, repo_id, revision, commit, request, files, digests)
    first = paths[files[0].name]
    return Fetched(repo_id, repo_type, commit, first.parents[files[0].name.count("/")], digests)


def is_here(repo_id: str, *, repo_type: RepoType, patterns: Sequence[str], revision: str | None, lock: Path) -> bool:
    """Tell whether `download` would find all of it in the cache, without asking the hub."""
    entry = _locked(lock, repo_type, repo_id, revision)
    if entry is None or {"patterns": list(patterns), "exclude": []} not in entry["requests"]:
        return False
    files = _select([_File(name, **known) for name, known in entry["files"].items()], patterns, (), False)
    return len(_cached(repo_id, repo_type, str(entry["revision"]), files)) == len(files)


def _cached(repo_id: str, repo_type: RepoType, commit: str, files: Sequence[_File]) -> dict[str, Path]:
    """Return where those of the files lie that are in the cache."""
    from huggingface_hub import try_to_load_from_cache

    cache = cache_folder()
    paths: dict[str, Path] = {}
    for file in files:
        cached = try_to_load_from_cache(repo_id, file.name, cache_dir=cache, revision=commit, repo_type=repo_type)
        if isinstance(cached, str):
            paths[file.name] = Path(cached)
    return paths


def _bring(repo_id: str, repo_type: RepoType, commit: str, files: Sequence[_File]) -> dict[str, Path]:
    """Return where each file lies in the cache, after fetching those that are not there yet."""
    paths = _cached(repo_id, repo_type, commit, files)
    cache = cache_folder()
    missing = [file for file in files if file.name not in paths]
    if missing:
        size = sum(file.size for file in missing)
        count = f"{len(missing)} file{'s' if len(missing) > 1 else ''}, {megabytes(size)} to fetch"
        here = f" ({len(paths)} more already here)" if paths else ""
        say(f"{repo_type} {repo_id}, commit {commit[:12]}: {count}{here}")
        with track(f"fetching {repo_id}", total=size, unit="bytes") as progress:
            for file in missing:
                paths[file.name] = _fetch(repo_id, repo_type, commit, file, cache, progress)
    return paths


def _fetch(repo_id: str, repo_type: RepoType, commit: str, file: _File, cache: Path, progress: Progress) -> Path:
    """Transfer one file into the cache's blobs, then let the client link it into the snapshot."""
    from huggingface_hub import hf_hub_download, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name

    endpoint = _endpoint()
    if file.etag is not None:
        blob = cache / repo_folder_name(repo_id=repo_id, repo_type=repo_type) / "blobs" / file.etag
        url = hf_hub_url(repo_id, file.name, repo_type=repo_type, revision=commit, endpoint=endpoint)
        _transfer(url, file, blob, progress)
    return Path(
        hf_hub_download(repo_id, file.name, repo_type=repo_type, revision=commit, endpoint=endpoint, cache_dir=cache)
    )


def _transfer(url: str, file: _File, blob: Path, progress: Progress) -> None:
    """Write the file at `url` to `blob`, going on from what an earlier, interrupted transfer left in `blob`.part."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(blob.name + ".part")
    with _Counted(io.FileIO(part, "ab"), progress) as target:
        fcntl.flock(target, fcntl.LOCK_EX)  # another process may be fetching the same file
        if blob.exists():
            progress.advance(file.size)
            part.unlink(missing_ok=True)
            return
        have = target.seek(0, io.SEEK_END)
        if have:
            say(f"{file.name}: going on at {megabytes(have)} of {megabytes(file.size)}")
            progress.advance(have)
        with _quiet_client():
            http_get(url, target, resume_size=have, headers=build_hf_headers(), expected_size=file.size)
        target.flush()
        if not file.matches(part):
            part.unlink()
            raise HiveMindError(f"{file.name} arrived damaged from {url}; run the command again to fetch it anew")
        os.replace(part, blob)


class _Counted(io.BufferedWriter):
    """A file that reports what is written to it."""

    def __init__(self, raw: io.FileIO, progress: Progress) -> None:
        super().__init__(raw)
        self._progress = progress

    def write(self, chunk: Any) -> int:
        self._progress.advance(len(chunk))
        return super().write(chunk)


def _listing(repo_id: str, repo_type: RepoType, revision: str | None) -> tuple[str, list[_File]]:
    """Ask the hub what the repository holds at a revision; returns the resolved commit and the files."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=_endpoint())
    ask = api.dataset_info if repo_type == "dataset" else api.model_info
    info = ask(repo_id, revision=revision, files_metadata=True, timeout=LISTING_TIMEOUT_SECONDS)
    files = []
    for entry in info.siblings or ():
        sha256 = entry.lfs.sha256 if entry.lfs else None
        files.append(_File(entry.rfilename, entry.size or 0, sha256 or entry.blob_id, sha256))
    return str(info.sha), files


def _select(
    listing: Sequence[_File], patterns: Sequence[str], exclude: Sequence[str], first_match: bool
) -> list[_File]:
    chosen: dict[str, _File] = {}
    for pattern in patterns:
        for file in listing:
            name = file.name.lower()
            if fnmatchcase(name, pattern.lower()) and not any(fnmatchcase(name, no.lower()) for no in exclude):
                chosen[file.name] = file
        if chosen and first_match:
            break
    return [chosen[name] for name in sorted(chosen)]


def _locked(lock: Path | None, repo_type: str, repo_id: str, revision: str | None) -> dict[str, Any] | None:
    """Return the lock file's entry if it answers for the revision asked for."""
    if lock is None or not lock.is_file():
        return None
    entry = read_json(lock).get(_lock_key(repo_type, repo_id))
    if entry is None or revision not in (None, entry["revision"], entry["requested"]):
        return None
    return dict(entry)


def _write_lock(
    lock: Path, repo_type: str, repo_id: str, requested: str | None, commit: str, request: dict[str, list[str]],
    files: Sequence[_File], digests: dict[str, str],
) -> None:  # fmt: skip
    entries = read_json(lock) if lock.is_file() else {}
    key = _lock_key(repo_type, repo_id)
    before = entries.get(key)
    known: dict[str, Any] = {"requested": requested, "requests": [], "files": {}}
    if before is not None and before["revision"] == commit:
        known = before
    new = {file.name: {"size": file.size, "etag": file.etag, "sha256": digests[file.name]} for file in files}
    entry = {
        "revision": commit,
        "requested": known["requested"] if requested is None else requested,
        "requests": known["requests"] if request in known["requests"] else [*known["requests"], request],
        "files": dict(sorted((known["files"] | new).items())),
    }
    if entry != before:
        entries[key] = entry
        write_json(lock, dict(sorted(entries.items())))


def _lock_key(repo_type: str, repo_id: str) -> str:
    return f"{repo_type}s/{repo_id}"


@contextmanager
def _explained(repo_id: str, repo_type: str) -> Iterator[None]:
    """Turn the client's errors into one sentence that says what to do."""
    from huggingface_hub import errors

    page = f"{_endpoint() or 'https://huggingface.co'}/{'datasets/' if repo_type == 'dataset' else ''}{repo_id}"
    try:
        yield
    except errors.GatedRepoError:
        raise GatedRepo(
            f"{repo_id} is gated: accept its terms at {page}, then set HF_TOKEN to a token of that account "
            "and run the command again"
        ) from None
    except errors.RevisionNotFoundError:
        raise HiveMindError(f"{page} has no such revision; check it, or leave it out to take the newest") from None
    except errors.RepositoryNotFoundError:
        raise HiveMindError(f"{page} does not exist or is private; check the name, or set HF_TOKEN") from None
    except (errors.HTTPError, errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:  # type: ignore[attr-defined]
        reason = str(error).strip().splitlines()
        raise HiveMindError(
            f"could not fetch {repo_id} from {_endpoint() or 'https://huggingface.co'} "
            f"({reason[0] if reason else type(error).__name__}); check the network or HF_ENDPOINT and run the command "
            "again (it goes on where it stopped), or put the files into a folder and name that folder instead"
        ) from None
    except OSError as error:
        raise HiveMindError(
            f"could not store {repo_id} in {cache_folder()}: {error.strerror or error}; "
            "free space or set HF_HUB_CACHE to another folder, then run the command again"
        ) from None


@contextmanager
def _quiet_client() -> Iterator[None]:
    """Silence the client's own bars: ours is showing."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _endpoint() -> str | None:
    """HF_ENDPOINT as it is now: the client reads it only once, when it is first imported."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def cache_folder() -> Path:
    """Return the hub cache, from the environment as it is now."""
    from huggingface_hub.constants import HF_HUB_CACHE

    if folder := os.environ.get("HF_HUB_CACHE"):
        return Path(folder).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(HF_HUB_CACHE)


def _git_blob_id(path: Path) -> str:
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def megabytes(size: int) -> str:
    """Format bytes as kB, MB or GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"

"""Which version is served: the symlink `latest`, swapped in one step, and registry.json with every promotion so far.

The link is the truth; registry.json is its history. A promotion first notes in registry.json what it is about to do,
then swaps the link, then adds a line to the audit log and closes the note, so that after a crash at any point the next
one can tell what happened. Writers take turns through a lock file, which the system releases when its holder dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import swap_symlink
from hive_mind.progress import say, utc_now
from hive_mind.registry import audit
from hive_mind.registry.history import REGISTRY_FILE, Decider, Log, Promotion, read_log, way_back, write_log
from hive_mind.registry.manifest import NAME, is_sealed, manifest_digest, verify

LATEST = "latest"
LOCK_FILE = ".registry.lock"
PROMOTION = "promotion"


def latest(models_dir: Path) -> str | None:
    """Return the version that `latest` points at, None if there is no such link.

    A link that was made by hand (`ln -sfn foundation_v1 models/latest`) is adopted: verified, made relative and logged.
    Raises UsageError if the link leads nowhere or out of the models folder, HiveMindError if its version is damaged.
    """
    current = _linked(models_dir)
    if current is None or _settled(models_dir, read_log(models_dir), current):
        return current
    with turn(models_dir):
        current = _linked(models_dir)
        _close_pending(models_dir, current)
        problem = _adopt(models_dir, current)
    if problem is not None:
        raise problem
    return current


def promote(
    models_dir: Path,
    version: str,
    verdict: Mapping[str, Any] | None = None,
    note: str = "",
    *,
    force: bool = False,
    by: Decider = "gate",
) -> Promotion | None:
    """Point `latest` at a version that verifies; returns what was logged, None if `latest` pointed there already.

    Raises UsageError unless the verdict's decision is "promote" and it was reached against the version that is served
    now; `force` passes over both and then needs a note, which is recorded. Raises HiveMindError if a file was changed.
    """
    with turn(models_dir):
        current = present(models_dir)
        if current == version:
            return None
        if force:
            _need_note(version, note)
        else:
            _check_verdict(version, verdict, current)
        if (problem := _unsound(models_dir, version)) is not None:
            raise problem
        reason = note or "; ".join(map(str, (verdict or {}).get("reasons", ())))
        if force:
            passed = verdict["decision"] if verdict else None
            audit.append(models_dir, "override", {"version": version, "verdict": passed, "reason": note, "by": by})
        return _point(models_dir, version, current, by, reason, verdict)


def rollback(models_dir: Path) -> Promotion:
    """Point `latest` back at the version served before the present one, the newest such that still verifies.

    Versions that are passed over are named in the reason. Raises UsageError if there is none to go back to.
    """
    with turn(models_dir):
        current = present(models_dir)
        passed_over: list[str] = []
        for entry in way_back(read_log(models_dir).history, current):
            problem = _change_since(models_dir, entry)
            if problem is None:
                left = f"back from {current}" if current else "nothing was served"
                reason = "; ".join([left, *passed_over])
                return _point(models_dir, entry.version, current, "rollback", reason, None)
            passed_over.append(f"{entry.version} was passed over: {problem}")
            say(passed_over[-1])
    why = f" ({'; '.join(passed_over)})" if passed_over else ""
    raise UsageError(
        f"there is no earlier version to go back to{why}; choose one with `hive-mind models promote VERSION`"
    )


def _point(
    models_dir: Path, version: str, current: str | None, by: Decider, reason: str, verdict: Mapping[str, Any] | None
) -> Promotion:
    promotion = Promotion(
        time=utc_now(), version=version, previous=current, by=by, reason=reason,
        manifest=manifest_digest(models_dir / version), verdict=_digest(verdict),
    )  # fmt: skip
    log = read_log(models_dir)
    write_log(models_dir, replace(log, pending=promotion))
    swap_symlink(models_dir / LATEST, version)
    _close(models_dir, log, promotion)
    return promotion


def _close(models_dir: Path, log: Log, promotion: Promotion) -> None:
    audit.append(models_dir, PROMOTION, asdict(promotion))
    write_log(models_dir, log.closed(promotion))


def present(models_dir: Path) -> str | None:
    """Return what is served as a writer, who holds the turn, finds it, with the log brought up to it.

    A link that leads nowhere or to a damaged version is said and may be replaced.
    """
    current = linked(models_dir)
    _close_pending(models_dir, current)
    if (problem := _adopt(models_dir, current)) is not None:
        say(str(problem))
    return current


def _close_pending(models_dir: Path, current: str | None) -> None:
    """Finish what a crashed promotion left behind; the link tells whether it came to pass. Needs the lock."""
    for left in (*models_dir.glob(f".{LATEST}.*.part"), *models_dir.glob(f".{REGISTRY_FILE}.*.part")):
        left.unlink()
    log = read_log(models_dir)
    if log.pending is not None:
        if log.pending.version != current:
            write_log(models_dir, replace(log, pending=None))
        elif _audited(models_dir) == asdict(log.pending):
            write_log(models_dir, log.closed(log.pending))
        else:
            _close(models_dir, log, log.pending)


def _audited(models_dir: Path) -> dict[str, Any] | None:
    """Return the last promotion that the audit log has."""
    entries = [entry for entry in audit.read(models_dir) if entry["event"] == PROMOTION]
    known = [field.name for field in fields(Promotion)]
    return {name: entries[-1][name] for name in known} if entries else None


def _adopt(models_dir: Path, current: str | None) -> HiveMindError | None:
    """Log a link made by hand and write it relative; returns the error if its version cannot be served."""
    log = read_log(models_dir)
    if current is None or _settled(models_dir, log, current):
        return None
    previous = log.history[-1].version if log.history else None
    if previous != current:
        if (problem := _unsound(models_dir, current)) is not None:
            return type(problem)(f"{models_dir / LATEST} was pointed at {current} by hand, but {problem}")
        say(f"{models_dir / LATEST} was pointed at {current} by hand: adopted and logged in {REGISTRY_FILE}")
        adopted = Promotion(
            time=utc_now(), version=current, previous=previous, by="adopted", reason="the link was made by hand",
            manifest=manifest_digest(models_dir / current), verdict=None,
        )  # fmt: skip
        _close(models_dir, log, adopted)
    if str((models_dir / LATEST).readlink()) != current:
        swap_symlink(models_dir / LATEST, current)
    return None


def _settled(models_dir: Path, log: Log, current: str) -> bool:
    """Tell whether the log's last word is the link's, and the link as this program writes it."""
    logged = log.pending is None and bool(log.history) and log.history[-1].version == current
    return logged and str((models_dir / LATEST).readlink()) == current


def linked(models_dir: Path) -> str | None:
    """Return the version that the link names, whoever made it and however it is written; None if it leads nowhere.

    Raises UsageError if `latest` is not a link, or one out of the models folder.
    """
    link = models_dir / LATEST
    try:
        link.readlink()
    except FileNotFoundError:
        return None
    except OSError:
        raise UsageError(
            f"{link} is not a symlink; move it away and point a link at a version: ln -sfn VERSION {link}"
        ) from None
    target = Path(os.path.realpath(link))
    if target.parent != models_dir.resolve():
        raise UsageError(
            f"{link} leads out of {models_dir} (to {link.readlink()}); move that version into {models_dir} and point "
            f"the link at it: ln -sfn VERSION {link}"
        )
    return target.name if target.is_dir() else None


def _linked(models_dir: Path) -> str | None:
    current, link = linked(models_dir), models_dir / LATEST
    if current is None and link.is_symlink():
        raise UsageError(
            f"{link} points at {link.readlink()}, which does not exist; go back with `hive-mind models rollback` or "
            f"point it at another version: ln -sfn VERSION {link}"
        )
    return current


def _check_verdict(version: str, verdict: Mapping[str, Any] | None, current: str | None) -> None:
    otherwise = 'or add --force --note "why" to promote it all the same'
    if verdict is None:
        raise UsageError(f"{version} was not judged by the gate; run `hive-mind evaluate {version}` first {otherwise}")
    if verdict["decision"] != "promote":
        reasons = "; ".join(map(str, verdict.get("reasons", ()))) or "no reason recorded"
        raise UsageError(
            f"the gate's verdict on {version} is {verdict['decision']!r}, not 'promote' ({reasons}); "
            f"train a better one {otherwise}"
        )
    if verdict.get("candidate", version) != version:
        raise UsageError(f"this verdict is about {verdict['candidate']}, not about {version}; judge {version} first")
    if "champion" in verdict and verdict["champion"] != current:
        raise UsageError(
            f"{version} was compared with {verdict['champion'] or 'the base model'}, but {current or 'nothing'} is "
            f"served now; compare them with `hive-mind evaluate {version}` {otherwise}"
        )


def _need_note(version: str, note: str) -> None:
    if not note.strip():
        raise UsageError(f"promoting {version} past the gate needs a reason, which is recorded; add --note 'why'")


def _unsound(models_dir: Path, version: str) -> HiveMindError | None:
    """Return why a version cannot be served: it must be sealed, and every file as it was sealed."""
    folder = models_dir / version
    if not NAME.fullmatch(version) or folder.is_symlink() or not folder.is_dir():
        return UsageError(f"there is no version {version!r} in {models_dir}; `hive-mind models list` shows them")
    if not is_sealed(folder):
        return UsageError(f"{folder} is not sealed: its training has not finished; continue it, or choose another")
    if problems := verify(folder):
        return HiveMindError(
            f"{version} is not as it was sealed: {problems[0]}; restore the folder from a backup or train it again"
        )
    return None


def _change_since(models_dir: Path, entry: Promotion) -> str | None:
    """Return what is wrong with a version that was served before, None if it is what it was then."""
    if (problem := _unsound(models_dir, entry.version)) is not None:
        return str(problem)
    if manifest_digest(models_dir / entry.version) != entry.manifest:
        return f"{entry.version} is another version than the one promoted at {entry.time} under that name"
    return None


@contextmanager
def turn(models_dir: Path) -> Iterator[None]:
    """Hold the registry's lock, waiting for another process that changes it."""
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(models_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise HiveMindError(f"could not lock {models_dir}: {error.strerror}; check its permissions") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is changing {models_dir / LATEST}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _digest(verdict: Mapping[str, Any] | None) -> str | None:
    if verdict is None:
        return None
    return hashlib.sha256(json.dumps(verdict, sort_keys=True, default=str).encode()).hexdigest()

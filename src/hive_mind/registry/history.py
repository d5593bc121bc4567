"""registry.json: every promotion so far, one that was begun and not yet closed, and the candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from hive_mind.errors import DataRefused, HiveMindError
from hive_mind.files import read_json, write_json

REGISTRY_FILE = "registry.json"
FORMAT = 1

Decider = Literal["gate", "hand", "adopted", "rollback", "learning"]


@dataclass(frozen=True)
class Promotion:
    """One change of what is served. `manifest` and `verdict` are sha256 digests, `verdict` None without one."""

    time: str
    version: str
    previous: str | None
    by: Decider
    reason: str
    manifest: str
    verdict: str | None


@dataclass(frozen=True)
class Log:
    """registry.json: finished promotions, oldest first, and one that was begun and not yet closed.

    `candidate` is the version that was judged last and neither rejected nor promoted since.
    """

    history: tuple[Promotion, ...] = ()
    pending: Promotion | None = None
    candidate: str | None = None

    def closed(self, promotion: Promotion) -> Log:
        """Return the log with a promotion finished."""
        candidate = None if self.candidate == promotion.version else self.candidate
        return Log((*self.history, promotion), None, candidate)


def history(models_dir: Path) -> list[Promotion]:
    """Return every promotion so far, oldest first."""
    return list(read_log(models_dir).history)


def read_log(models_dir: Path) -> Log:
    """Read registry.json, empty if there is none. Raises HiveMindError if it is damaged."""
    file = models_dir / REGISTRY_FILE
    if not file.is_file():
        return Log()
    try:
        row = read_json(file)
        if row["format"] != FORMAT:
            raise ValueError(f"its format is {row['format']!r}, this program writes {FORMAT}")
        pending = Promotion(**row["pending"]) if row["pending"] else None
        history = tuple(Promotion(**entry) for entry in row["history"])
        return Log(history, pending, row.get("candidate"))  # registries of before had none
    except (KeyError, TypeError, ValueError, DataRefused) as error:
        raise HiveMindError(
            f"{file} is not the registry's history ({error}); move it away and the link `latest` is adopted afresh"
        ) from None


def write_log(models_dir: Path, log: Log) -> None:
    """Write registry.json, atomically."""
    pending = asdict(log.pending) if log.pending else None
    row = {"format": FORMAT, "candidate": log.candidate, "pending": pending}
    write_json(models_dir / REGISTRY_FILE, row | {"history": [asdict(entry) for entry in log.history]})


def way_back(entries: Sequence[Promotion], current: str | None) -> list[Promotion]:
    """Return what was served before `current`, newest first; what was rolled back from is not on the way."""
    served: list[Promotion] = []
    for entry in entries:
        if entry.by == "rollback":
            while served and served[-1].version != entry.version:
                served.pop()
        else:
            served.append(entry)
    return [entry for entry in reversed(served) if entry.version != current]

"""verdict.json: what was decided, why, and every check with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from hive_mind.errors import UsageError
from hive_mind.files import read_json, write_json

VERDICT_FILE = "verdict.json"
FORMAT = 1

Decision = Literal["promote", "hold", "reject"]
Outcome = Literal["pass", "hold", "reject", "shown"]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule applied. `outcome`: pass, hold or reject is what it demands; `shown` decides nothing."""

    name: str
    outcome: Outcome
    reason: str
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's decision on a candidate. `champion` is the version it was compared with, None for the plain base.

    `new_base`: the candidate stands on another base model than the champion.
    """

    decision: Decision
    candidate: str
    champion: str | None
    new_base: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    suite: str
    settings: dict[str, Any]
    created: str

    @property
    def promoted(self) -> bool:
        return self.decision == "promote"

    def to_dict(self) -> dict[str, Any]:
        row = {"format": FORMAT, **{f.name: getattr(self, f.name) for f in fields(self)}}
        return row | {"reasons": list(self.reasons), "checks": [asdict(check) for check in self.checks]}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Verdict:
        """Read a verdict's JSON. Raises KeyError, TypeError or ValueError if it is not one."""
        if row["format"] != FORMAT:
            raise ValueError(f"its format is {row['format']!r}, this program writes {FORMAT}")
        values = {f.name: row[f.name] for f in fields(cls)}
        values |= {"reasons": tuple(row["reasons"]), "checks": tuple(Check(**check) for check in row["checks"])}
        return cls(**values)

    def write(self, file: Path) -> None:
        """Write the verdict atomically."""
        write_json(file, self.to_dict())

    @classmethod
    def load(cls, file: Path) -> Verdict:
        """Read verdict.json. Raises UsageError if it is missing or not one, DataRefused if it is not JSON."""
        try:
            return cls.from_dict(read_json(file))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{file} is not a verdict ({error}); delete it and judge the version again") from None

"""verdict.json: what was decided, why, and every check with its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from hive_mind.errors import UsageError
from hive_mind.files import read_json, write_json

VERDICT_FILE = "verdict.json"
FORMAT = 2

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

    `new_base`: the candidate stands on another base model than the champion. `suites`: the digest of the questions of
    each suite that both answered.
    """

    decision: Decision
    candidate: str
    champion: str | None
    new_base: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    suites: dict[str, str]
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
        if row["format"] == 1:  # which knew one suite
            row = {**row, "format": FORMAT, "suites": {"held_out": row["suite"]}}
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


def settle(checks: Sequence[Check]) -> tuple[Decision, tuple[str, ...]]:
    """Return what the checks come to together, and the reasons of those that made it so."""
    demanded = {check.outcome for check in checks}
    decision: Decision = "reject" if "reject" in demanded else "hold" if "hold" in demanded else "promote"
    deciding = "pass" if decision == "promote" else decision
    return decision, tuple(check.reason for check in checks if check.outcome == deciding)


def points(share: float) -> str:
    """Return a difference of shares in percentage points, signed."""
    return f"{100 * share:+.1f}"


def p_value(value: float) -> str:
    """Return a p-value as people read it."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"

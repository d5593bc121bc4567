"""How one start of a run differs from an undisturbed one, after what befell those before it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Measure = Literal["other_blas", "math_attention", "no_caching", "cpu"]


@dataclass(frozen=True)
class Suspect:
    """An example (its index) that a search found to kill the process at a step."""

    step: int
    index: int


@dataclass(frozen=True)
class Attempt:
    """Nothing in it changes what is computed but the suspects, which are left out and reported.

    `number` counts the restarts of the run; `why` says what ended the start before this one. `too_large` is a footprint
    that ran out of memory, `validation_at_most` how many examples the validation loss may hold at once. `one_by_one` is
    a step to compute example by example, to find the one that kills it; at the `acquitted` steps none was to blame.
    `issues` is what is to stand in the records.
    """

    number: int = 0
    why: str = ""
    measures: tuple[Measure, ...] = ()
    too_large: dict[str, Any] | None = None
    validation_at_most: int | None = None
    one_by_one: int | None = None
    suspects: tuple[Suspect, ...] = ()
    acquitted: tuple[int, ...] = ()
    issues: tuple[str, ...] = ()

    @property
    def quarantined(self) -> tuple[int, ...]:
        """The examples that are left out."""
        return tuple(suspect.index for suspect in self.suspects)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Attempt:
        sequences = {key: tuple(values[key]) for key in ("measures", "acquitted", "issues")}
        suspects = tuple(Suspect(**suspect) for suspect in values["suspects"])
        return cls(**{**values, **sequences, "suspects": suspects})


UNDISTURBED = Attempt()

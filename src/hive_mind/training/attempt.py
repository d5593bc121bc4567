"""How one start of a run differs from an undisturbed one, after what befell those before it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Measure = Literal["other_blas", "math_attention", "no_caching", "cpu"]


@dataclass(frozen=True)
class Attempt:
    """`number` counts restarts. Nothing in it changes what is computed but `quarantined`, which is reported.

    `too_large` is a footprint that ran out of memory; `one_by_one` a step to compute example by example, to find the
    one that kills it, and `searched` the steps that were; `quarantined` are examples found so (indices); `issues` what
    is to stand in the records.
    """

    number: int = 0
    why: str = ""
    measures: tuple[Measure, ...] = ()
    too_large: dict[str, Any] | None = None
    one_by_one: int | None = None
    searched: tuple[int, ...] = ()
    quarantined: tuple[int, ...] = ()
    issues: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Attempt:
        sequences = {key: tuple(values[key]) for key in ("measures", "searched", "quarantined", "issues")}
        return cls(**{**values, **sequences})


UNDISTURBED = Attempt()

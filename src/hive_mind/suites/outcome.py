"""What a suite says of one reply."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Right or wrong; `why` is one short machine-readable reason such as `wrong_count`, empty when right."""

    correct: bool
    why: str = ""

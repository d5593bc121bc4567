"""A finding of the doctor, and how findings are written: text that is fit to paste into a bug report."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "note", "fail"]
"""`note`: something optional is missing or slow; `fail`: training here would fail or compute wrongly."""

WIDTH = 100


@dataclass(frozen=True)
class Check:
    """One line of the table. `advice` says what to do, where there is something to do."""

    name: str
    state: State
    found: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def failed(checks: Sequence[Check]) -> list[Check]:
    """Return the findings that must be mended."""
    return [check for check in checks if check.state == "fail"]


def text_of(checks: Sequence[Check]) -> str:
    """Return the findings as a table, each piece of advice under its line."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        indent = " " * (width + 8)
        lines.append(
            textwrap.fill(f"{check.state:<4}  {check.name:<{width}}  {check.found}", WIDTH, subsequent_indent=indent)
        )
        if check.advice:
            lines.append(textwrap.fill(f"-> {check.advice}", WIDTH, initial_indent=indent, subsequent_indent=indent))
    return "\n".join(lines)

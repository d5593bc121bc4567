"""Whether and which tools a reply must call; without torch, for those who only ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Named:
    """The choice of one tool that must be called."""

    name: str


ToolChoice = Literal["none", "auto", "required"] | Named

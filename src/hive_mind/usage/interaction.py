"""Who takes interactions in; the interaction itself stands in `hive_mind.interaction`."""

from __future__ import annotations

from typing import Protocol

from hive_mind.interaction import SOURCES, Interaction, Outcome, Thumb

__all__ = ["SOURCES", "Interaction", "Outcome", "Recorder", "Thumb"]


class Recorder(Protocol):
    """Takes interactions in. None of these ever raises or waits: what the store cannot take now lies in its spool."""

    def record(self, interaction: Interaction) -> str:
        """Keep an interaction; returns its id, the same one for the same interaction."""
        ...

    def result(self, call_id: str, content: str, outcome: Outcome) -> None:
        """Tell what came of a call that was recorded earlier, by the call's id."""
        ...

    def feedback(self, interaction_id: str, thumb: Thumb | None, comment: str = "") -> None:
        """Add what a person said of an interaction."""
        ...

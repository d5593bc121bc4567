"""What a training process tells its supervisor: signs of life, where it is, and how it ended. One JSON line each.

A pulse without a listener says nothing: training in one's own process is the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from hive_mind.files import json_line


class Pulse:
    """Writes to the supervisor's pipe; a supervisor that has gone is noticed elsewhere (worker.py)."""

    def __init__(self, pipe: IO[bytes] | None = None) -> None:
        self.pipe = pipe

    def at(self, place: str) -> None:
        """Name the stage that begins now; the next sign may take a while."""
        self._tell({"at": place})

    def computing(self, step: int, indices: Sequence[int]) -> None:
        """A micro-batch of a step is about to be computed: `indices` are its examples."""
        self._tell({"at": f"step {step}", "step": step, "indices": list(indices)})

    def validating(self, examples: int) -> None:
        """So many examples of the validation loss are about to be computed at once."""
        self._tell({"at": "validation", "validating": examples})

    def footprint(self, footprint: dict[str, Any]) -> None:
        """Tell how the steps are split from now on."""
        self._tell({"footprint": footprint})

    def ended(self, how: str, **facts: Any) -> None:
        """Say how it ended: `done`, `error` (a HiveMindError), `memory` or `crash` (any other exception)."""
        self._tell({"end": how, **facts})

    def _tell(self, message: dict[str, Any]) -> None:
        if self.pipe is None:
            return
        try:
            self.pipe.write(json_line(message))
        except BrokenPipeError:
            self.pipe = None


SILENT = Pulse()

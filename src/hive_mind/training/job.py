"""What the training loop is given, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_mind.device import Device
from hive_mind.model.kernels import EAGER, Kernels
from hive_mind.progress import utc_now
from hive_mind.training.attempt import UNDISTURBED, Attempt
from hive_mind.training.batches import Plan
from hive_mind.training.faults import NO_FAULTS, Faults
from hive_mind.training.processes import ALONE, Processes
from hive_mind.training.pulse import SILENT, Pulse
from hive_mind.training.settings import TrainingSettings
from hive_mind.training.tokens import Examples


@dataclass(frozen=True)
class Job:
    """What is trained on what, and where its checkpoints go. `identity` says which run a checkpoint belongs to."""

    plan: Plan
    validation: Examples | None
    settings: TrainingSettings
    device: Device
    checkpoints: Path
    identity: dict[str, Any]
    kernels: Kernels = EAGER
    processes: Processes = ALONE
    attempt: Attempt = UNDISTURBED
    pulse: Pulse = SILENT
    faults: Faults = NO_FAULTS


@dataclass
class Progress:
    """How far a run is; every checkpoint holds it. `seconds` and token counts add up over interrupted parts."""

    started: str = field(default_factory=utc_now)
    step: int = 0
    consumed: int = 0
    seconds: float = 0.0
    tokens: int = 0
    labelled_tokens: int = 0
    skipped: int = 0
    peak_memory: int = 0
    issues: list[str] = field(default_factory=list)
    resumed_from: list[int] = field(default_factory=list)
    quarantined: list[int] = field(default_factory=list)
    shrunk: bool = False

    def note(self, *issues: str) -> None:
        """Add to the issues what does not stand there yet."""
        self.issues = list(dict.fromkeys((*self.issues, *issues)))

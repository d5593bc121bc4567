"""What training is asked for and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind.config import dump
from hive_mind.training.settings import TrainingSettings

if TYPE_CHECKING:
    from hive_mind.model.base import Base


@dataclass(frozen=True)
class TrainRequest:
    """What to train: a dataset file on a resolved base, into `output`, which becomes a version.

    `command` is what the user typed, for the record; `parent` names the version that this one continues, if any.
    `initial` is the folder of a sealed version whose adapter is the starting point, in place of a fresh one.
    """

    dataset: Path
    base: Base
    settings: TrainingSettings
    output: Path
    validation: Path | None = None
    command: str = ""
    parent: str | None = None
    initial: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for another process on this machine."""
        return {
            "dataset": str(self.dataset), "base": {**self.base.identity(), "folder": str(self.base.folder)},
            "settings": dump(self.settings), "output": str(self.output),
            "validation": self.validation and str(self.validation), "command": self.command, "parent": self.parent,
            "initial": self.initial and str(self.initial),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainRequest:
        from hive_mind.model.base import Base

        base = Base(**{**values["base"], "folder": Path(values["base"]["folder"])})
        validation = Path(values["validation"]) if values["validation"] else None
        return cls(
            Path(values["dataset"]), base, TrainingSettings.model_validate(values["settings"]),
            Path(values["output"]), validation, values["command"], values["parent"],
            Path(values["initial"]) if values["initial"] else None,
        )  # fmt: skip


@dataclass(frozen=True)
class TrainResult:
    """A finished run: its folder, training_metrics.json and run.json."""

    folder: Path
    metrics: dict[str, Any]
    run: dict[str, Any]

    @property
    def version(self) -> str:
        return self.folder.name

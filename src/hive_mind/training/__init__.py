"""LoRA training: a dataset file and a base model to a sealed adapter version."""

from __future__ import annotations

from hive_mind.training.request import TrainRequest, TrainResult
from hive_mind.training.settings import TrainingSettings

__all__ = ["TrainRequest", "TrainResult", "TrainingSettings", "train"]


def train(request: TrainRequest) -> TrainResult:
    """Train an adapter, go on with an interrupted run, or find the run done already; see `training.run.train`."""
    from hive_mind.training import run  # torch is loaded only when something is trained

    return run.train(request)

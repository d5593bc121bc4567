"""LoRA training: a dataset file and a base model to a sealed adapter version."""

from __future__ import annotations

import os

from hive_mind.training.request import TrainRequest, TrainResult
from hive_mind.training.settings import TrainingSettings

__all__ = ["TrainRequest", "TrainResult", "TrainingSettings", "train"]


def train(request: TrainRequest) -> TrainResult:
    """Train an adapter, go on with an interrupted run, or find the run done already.

    In a process of its own that is started again if it dies (training.supervise), else in this one; under torchrun,
    which watches its own processes, in this one. Raises what `training.run.train` and `training.supervisor.supervise`
    raise, and UsageError if another run that is alive trains into the same folder.
    """
    from hive_mind.training import run, supervisor  # torch is loaded only when something is trained
    from hive_mind.training.lock import locked

    identity = run.run_identity(request)
    done = run.already_done(request, identity)
    if done is not None:
        return done
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if together and os.environ["RANK"] != "0":  # the lock is the first process's
        return run.train(request, run.first_attempt(request, identity))
    with locked(request.output, request.command) as lock:
        if request.settings.supervise and not together:
            return supervisor.supervise(request, run.first_attempt(request, identity), lock)
        return run.train(request, run.first_attempt(request, identity))

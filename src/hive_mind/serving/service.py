"""The service that answers requests: a bounded queue in front of one thread that owns torch and the models."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hive_mind.conversation import Message, Tool
from hive_mind.errors import HiveMindError
from hive_mind.serving.ask import Answer, Ask, Busy
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.names import check_name
from hive_mind.serving.pending import Waiting
from hive_mind.serving.stats import Counts
from hive_mind.serving.validate import validate

if TYPE_CHECKING:  # torch is imported in the model's thread, and not before the first request
    from hive_mind.serving.scheduler import Scheduler

LOOK_AGAIN_SECONDS = 0.02
"""How often is looked whether a base has been loaded, where nothing else happens."""


class ModelService:
    """A Service over the versions of a models folder. Made by `start`; models are loaded when first asked for."""

    def __init__(self, models_dir: Path, settings: EngineSettings) -> None:
        self.models_dir, self.settings = models_dir, settings
        self._counts = Counts()
        self._scheduler: Scheduler | None = None
        self._arrived: list[Waiting] = []
        self._changed = threading.Condition()
        self._closing = False
        self._give_up_at: float | None = None
        self._failure: HiveMindError | None = None
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def submit(self, ask: Ask) -> Waiting:
        """Take a request in; never waits for a model.

        Raises UsageError for a request that no model could answer, UnknownModel for a name that means none, Busy if the
        queue is full or the service is closing, HiveMindError if it has broken down. What only the model can tell (a
        prompt that is too long, a damaged version) is raised where the reply is read, before its first event.
        """
        validate(ask)
        check_name(self.models_dir, ask.model)
        with self._changed:
            if self._failure is not None:
                raise self._failure
            if self._closing:
                raise Busy("the service is shutting down and takes no more requests; ask again in a while", 10.0)
            waiting = self._queue_length()
            if waiting >= self.settings.queue:
                seconds = max(1.0, round(self._counts.usual_seconds * waiting / self.settings.rows, 1))
                raise Busy(f"{waiting} requests wait already; ask again in {seconds:g} seconds", seconds)
            pending = Waiting(ask)
            self._arrived.append(pending)
            self._changed.notify()
        return pending

    def warm(self, model: str = "latest") -> Answer:
        """Load a model and have it answer once, so that the first request does not wait for that.

        Raises what submit and reading its reply raise.
        """
        tool = Tool("ready", "Tell that you are ready.", {"type": "object", "properties": {}})
        return self.submit(Ask((Message("user", "Are you ready?"),), (tool,), model, max_tokens=1)).answer()

    def stats(self) -> dict[str, float]:
        """Return the figures of the moment (queue, rows, bases, adapters) and those counted since the start."""
        scheduler = self._scheduler
        rows = bases = adapters = 0
        if scheduler is not None:
            hosts = list(scheduler.models.hosts.values())
            rows, bases = len(scheduler.active), len(hosts)
            adapters = sum(len(host.loaded.adapters.columns) for host in hosts)
        return {"queue": self._queue_length(), "rows": rows, "bases": bases, "adapters": adapters,
                **asdict(self._counts)}  # fmt: skip

    @property
    def problem(self) -> str:
        """Why not what `latest` means is served but the version before, or why nothing is; empty if all is well."""
        if self._failure is not None:
            return str(self._failure)
        return "" if self._scheduler is None else self._scheduler.models.problem

    def close(self, wait: float = 30.0) -> None:
        """Take nothing more in, finish what was taken in within `wait` seconds, give the rest up, let the models go."""
        with self._changed:
            self._closing = True
            self._give_up_at = time.monotonic() + wait
            self._changed.notify()
        self._thread.join()

    def _queue_length(self) -> int:
        return len(self._arrived) + (0 if self._scheduler is None else len(self._scheduler.waiting))

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            traceback.print_exc()
            self._failure = HiveMindError(
                f"the serving engine broke down ({type(error).__name__}: {error}); start it again"
            )
        finally:
            reason = self._failure or HiveMindError("the service was shut down before this was answered; ask again")
            with self._changed:
                self._closing = True
                scheduler, arrived, self._arrived = self._scheduler, self._arrived, []
            for pending in arrived:
                pending.put([reason])
            if scheduler is not None:
                scheduler.fail_all(reason)
                scheduler.models.close()

    def _serve(self) -> None:
        while self._wait():
            if self._scheduler is None:
                from hive_mind.serving.scheduler import Scheduler

                self._scheduler = Scheduler(self.models_dir, self.settings, self._counts)
            with self._changed:
                arrived, self._arrived = self._arrived, []
                self._scheduler.waiting += arrived
            self._scheduler.turn()

    def _wait(self) -> bool:
        """Wait until there is something to do; False when the service is closed and everything answered or late."""
        with self._changed:
            while True:
                late = self._give_up_at is not None and time.monotonic() >= self._give_up_at
                scheduler = self._scheduler
                left = self._arrived or (scheduler is not None and (scheduler.active or scheduler.waiting))
                if self._closing and (late or not left):
                    return False
                if self._arrived or (scheduler is not None and not scheduler.idle):
                    return True
                if left:
                    self._changed.wait(LOOK_AGAIN_SECONDS)
                    return True
                self._changed.wait()


def start(models_dir: Path, settings: EngineSettings | None = None, *, now: bool = False) -> ModelService:
    """Start a service, which loads a model when it is first asked for one; `now` loads `latest` and waits for it.

    Raises what `warm` raises.
    """
    service = ModelService(models_dir, settings or EngineSettings())
    if now:
        try:
            service.warm()
        except BaseException:
            service.close(0)
            raise
    return service

"""Trains in a process of its own, and starts that again from the last checkpoint when it dies or stands still.

The worker is worker.py. Errors that a person must act on end the run as they would without a supervisor; everything
else is diagnosed (diagnosis.py), answered (recovery.py), recorded, and tried again.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import orjson
import torch

from hive_mind.errors import HiveMindError, Interrupted, of_exit_code
from hive_mind.files import read_json, write_json
from hive_mind.progress import say
from hive_mind.training.attempt import Attempt
from hive_mind.training.diagnosis import Ending, LastWords, diagnose, free_share, oom_kills
from hive_mind.training.interrupt import SAME_WISH, SIGNALS
from hive_mind.training.lessons import remember_measures, remembered_measures
from hive_mind.training.records import METRICS_FILE, RUN_FILE
from hive_mind.training.recovery import ENVIRONMENT, Backend, GivenUp, Limits, acquit, next_attempt
from hive_mind.training.request import TrainRequest, TrainResult

KEPT_ERRORS = 16_384
LONGEST_PAUSE = 60.0
SECONDS_TO_END = 30.0
MEMORY_SECONDS = 10
START_PATIENCE = 6
"""Reading the data, loading a model and compiling may take so many times as long as a micro-batch."""


def supervise(request: TrainRequest, attempt: Attempt, lock: int) -> TrainResult:
    """Train in a child process until it is done, beginning with `attempt`.

    `lock` is the output folder's, handed down to every worker.

    Raises what training raises (UsageError, DataRefused, Interrupted, HiveMindError), and GivenUp where the process
    died again whatever was tried.
    """
    settings = request.settings
    limits = Limits(settings.max_restarts, settings.allow_cpu, settings.max_quarantined)
    backend = _backend(request)
    endings: list[Ending] = []
    if backend != "cpu":
        attempt = replace(attempt, measures=tuple(dict.fromkeys((*remembered_measures(), *attempt.measures))))
    if attempt.measures:
        say(f"with measures that were needed here before: {', '.join(attempt.measures)}")
    with _Signals() as signals:
        while True:
            words, ending = _run_worker(request, attempt, backend, lock, signals)
            if words.end.get("end") == "done":
                break
            _raise_if_final(words, signals)
            endings.append(ending)
            attempt = _recover(request, attempt, endings, backend, limits)
            signals.pause(min(LONGEST_PAUSE, settings.restart_pause * 2 ** (len(endings) - 1)))
    if endings and attempt.measures and backend != "cpu":
        remember_measures([measure for measure in attempt.measures if measure != "cpu"])
    return TrainResult(request.output, read_json(request.output / METRICS_FILE), read_json(request.output / RUN_FILE))


def _backend(request: TrainRequest) -> Backend:
    if request.settings.device == "cpu" or not torch.cuda.is_available():
        return "cpu"
    return "hip" if torch.version.hip else "cuda"


def _recover(
    request: TrainRequest, attempt: Attempt, endings: list[Ending], backend: Backend, limits: Limits
) -> Attempt:
    """Decide on the next start and say so. A run that is given up has its troubles in run.json."""
    try:
        after = next_attempt(attempt, endings, backend, limits)
    except GivenUp as error:
        file = request.output / RUN_FILE
        if file.is_file():
            record = read_json(file)
            issues = dict.fromkeys((*record.get("issues", ()), *attempt.issues, str(error)))
            kept = acquit(attempt, endings[-1])
            write_json(file, {**record, "issues": list(issues), "attempt": kept.to_dict()})
        raise
    say(f"{after.issues[-1]} (restart {after.number} of at most {limits.restarts})")
    return after


def _raise_if_final(words: LastWords, signals: _Signals) -> None:
    """Raise what the worker reported, or what the user asked for."""
    if words.end.get("end") == "error":
        raise of_exit_code(words.end["exit_code"], words.end["message"])
    if signals.received:
        raise Interrupted(
            "stopped at once; what the last checkpoint holds is kept, run the same command again to continue from it"
        )


def _run_worker(
    request: TrainRequest, attempt: Attempt, backend: Backend, lock: int, signals: _Signals
) -> tuple[LastWords, Ending]:
    """Run one worker to its end; returns its last words, and what they come to if they are not that it is done."""
    kills = oom_kills()
    reader, writer = os.pipe()
    terminal = os.dup(2)
    try:
        process = _start(request, attempt, backend, writer, terminal, lock)
    finally:
        os.close(writer)
        os.close(terminal)
    signals.pass_on_to(process)
    watch = _Watch(process, reader, request.settings.hang_minutes * 60)
    try:
        hung = watch.until_end()
    except BaseException:
        process.kill()  # something failed here: a worker that nobody watches must not go on
        _status_of(process)
        raise
    finally:
        os.close(reader)
    status = _status_of(process)
    ending = diagnose(
        watch.words, status, hung=hung, oom_kills=oom_kills() - kills, free_share=min(watch.shares, default=1.0)
    )
    return watch.words, ending


def _status_of(process: subprocess.Popen[bytes]) -> int:
    """Wait for a worker that has closed its pipes to be gone."""
    for _ in range(2):
        try:
            return process.wait(timeout=SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
    raise HiveMindError(
        f"the training process {process.pid} cannot be ended, so a driver holds it; its checkpoints are kept: restart "
        "the machine and run the same command again"
    )


def _start(
    request: TrainRequest, attempt: Attempt, backend: Backend, pulse: int, terminal: int, lock: int
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for measure in attempt.measures:
        environment |= ENVIRONMENT[backend].get(measure, {})
    if attempt.one_by_one is not None:
        environment |= {"CUDA_LAUNCH_BLOCKING": "1", "AMD_SERIALIZE_KERNEL": "3"}
    # In a session of its own, so that Ctrl-C reaches it through the supervisor alone, and once.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hive_mind.training.worker"], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        pass_fds=(pulse, terminal, lock), env=environment, start_new_session=True,
    )  # fmt: skip
    order = {"request": request.to_dict(), "attempt": attempt.to_dict(), "pulse": pulse, "terminal": terminal}
    assert process.stdin is not None
    try:
        process.stdin.write(orjson.dumps(order, option=orjson.OPT_APPEND_NEWLINE))
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it died before it could listen, which its exit status will tell
    return process


@dataclass
class _Watch:
    """Listens to a worker until it ends, and ends it if it stands still."""

    process: subprocess.Popen[bytes]
    pulse: int
    patience: float
    words: LastWords = field(default_factory=LastWords)
    heard: float = field(default_factory=time.monotonic)
    looked: float = 0.0
    shares: deque[float] = field(default_factory=lambda: deque(maxlen=MEMORY_SECONDS))
    partial: bytes = b""

    def until_end(self) -> bool:
        """Return once the worker has ended: whether it had to be ended for standing still."""
        errors = self.process.stderr
        assert errors is not None
        hung: float | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(self.pulse, selectors.EVENT_READ, self._hear_pulse)
            selector.register(errors, selectors.EVENT_READ, self._hear_errors)
            while selector.get_map():
                for key, _ in selector.select(timeout=1.0):
                    if not key.data():
                        selector.unregister(key.fileobj)
                self._look_at_memory()
                if self.process.poll() is not None and not selector.select(timeout=0):
                    break  # a child of the worker may hold the pipes open for longer
                if hung is not None and time.monotonic() - hung > SECONDS_TO_END:
                    break  # not even a kill ends it
                if hung is None and time.monotonic() - self.heard > self._allowed():
                    hung = time.monotonic()
                    threading.Thread(target=_end, args=(self.process,), daemon=True).start()
        if self.process.stdin is not None:
            self.process.stdin.close()
        errors.close()
        return hung is not None

    def _look_at_memory(self) -> None:
        if time.monotonic() - self.looked >= 1.0:
            self.looked = time.monotonic()
            self.shares.append(free_share())

    def _allowed(self) -> float:
        return self.patience if self.words.started else self.patience * START_PATIENCE

    def _hear_pulse(self) -> bool:
        data = os.read(self.pulse, 65_536)
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.words.hear(orjson.loads(line))
        if lines:
            self.heard = time.monotonic()
        return bool(data)

    def _hear_errors(self) -> bool:
        errors = self.process.stderr
        assert errors is not None
        data = os.read(errors.fileno(), 65_536)
        os.write(2, data)
        self.words.errors = (self.words.errors + data.decode(errors="replace"))[-KEPT_ERRORS:]
        return bool(data)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have a worker that stands still write where it stands, then end it."""
    process.send_signal(signal.SIGUSR1)
    time.sleep(1.0)
    process.kill()


class _Signals:
    """Passes Ctrl-C and SIGTERM on to the worker, which saves and ends; the second ends it at once.

    By a kill, for a worker that stands in a driver's call would not hear a signal.
    """

    def __init__(self) -> None:
        self.received = 0
        self.asked = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def pass_on_to(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        if self.received:  # while it was being started
            process.send_signal(signal.SIGTERM)

    def pause(self, seconds: float) -> None:
        """Wait; raises Interrupted as soon as a stop is asked for."""
        until = time.monotonic() + seconds
        while not self.received and time.monotonic() < until:
            time.sleep(0.05)
        if self.received:
            raise Interrupted("stopped before the next restart; run the same command again to continue")

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received and time.monotonic() - self.asked < SAME_WISH:
            return
        self.received, self.asked = self.received + 1, time.monotonic()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number if self.received == 1 else signal.SIGKILL)

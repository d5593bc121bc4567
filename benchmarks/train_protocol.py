"""How the training benchmark's driver and its workers speak: lines both ways, standard library only.

A worker loads, sends {"ready": true, ...}, then does one optimizer step of the next sixteen examples for every line
"step" and sends its figures as one line of JSON, until the line "end" or the end of its input. A worker that knows more
answers other words as well ("matrix_rate"). Every peer's environment can import this file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

STEP, END = "step", "end"
FIGURES = ("seconds", "loss", "tokens", "labelled_tokens", "peak_memory_bytes")
LOG_TAIL = 1500
WATCH_SECONDS = 0.2


class Channel:
    """The worker's end. What the libraries print goes to standard error, so that it never mixes with the answers."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def ready(self, **about: Any) -> None:
        """Say that everything is loaded, and what with."""
        self._send({"ready": True, **about})

    def wait(self) -> str:
        """Return the next word of the driver; its end is "end"."""
        return sys.stdin.readline().strip() or END

    def answer(self, **figures: Any) -> None:
        """Send the figures of what was asked for."""
        self._send(figures)

    def _send(self, value: dict[str, Any]) -> None:
        self._out.write(json.dumps(value) + "\n")
        self._out.flush()


def peak_memory() -> int:
    """Return the most memory that this process held at once, in bytes (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM: the peak of the memory cannot be read on this system")


class WorkerFailed(Exception):
    """A worker ended before it should; the text says how, with the end of its log."""


class Worker:
    """The driver's end: a worker process. `peak` is what it said last, `ready` its first message."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: dict[str, str], least_free: int = 0
    ) -> None:
        self.name, self.log = name, log
        self.too_little_memory = False
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                env={**os.environ, **environment}, process_group=0,
            )  # fmt: skip
        # Should memory end, the kernel ends this process and no other on the machine.
        with suppress(OSError):
            Path(f"/proc/{self.process.pid}/oom_score_adj").write_text("1000")
        self._ended = threading.Event()
        if least_free:
            threading.Thread(target=self._watch, args=(least_free,), daemon=True).start()
        try:
            self.ready = self._read()
        except WorkerFailed:
            self.end()
            raise

    def ask(self, word: str = STEP) -> dict[str, Any]:
        """Send a word and return the answer. Raises WorkerFailed if there is none."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._failed() from None
        return self._read()

    def step(self) -> dict[str, Any]:
        """Do one step. Raises WorkerFailed, also if a figure is missing."""
        figures = self.ask(STEP)
        missing = [name for name in FIGURES if name not in figures]
        if missing:
            raise WorkerFailed(f"{self.name} answered a step without {', '.join(missing)}")
        return figures

    def end(self, patience: float = 20.0) -> None:
        """Ask the worker to end, and end it if it does not."""
        self._ended.set()
        with suppress(OSError):
            assert self.process.stdin is not None
            self.process.stdin.write(END + "\n")
            self.process.stdin.close()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self._kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._failed()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failed(self) -> WorkerFailed:
        code = self.process.wait()
        if self.too_little_memory or code == -signal.SIGKILL:
            self.too_little_memory = True
            return OutOfMemory(f"{self.name} needs more memory than the machine has free")
        tail = self.log.read_text(errors="replace").strip()[-LOG_TAIL:]
        return WorkerFailed(f"{self.name} ended with exit code {code}: {tail}")

    def _watch(self, least_free: int) -> None:
        while not self._ended.wait(WATCH_SECONDS) and self.process.poll() is None:
            if available_memory() < least_free:
                self.too_little_memory = True
                self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class OutOfMemory(WorkerFailed):
    """A worker was ended because the machine's memory would not have been enough."""


def available_memory() -> int:
    """Return the memory that is free on the machine or can be freed without swapping, in bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo has no MemAvailable")


class Clock:
    """Seconds of the steps of a trainer that calls back: started when a step is asked for, read when it is done."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    def start(self) -> None:
        self.began = time.perf_counter()

    def read(self) -> float:
        return time.perf_counter() - self.began

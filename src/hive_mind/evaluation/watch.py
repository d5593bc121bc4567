"""A started sandbox under watch: its output is read up to a bound, and it is ended when it uses too much."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hive_mind.errors import HiveMindError

Ended = Literal["exit", "time", "memory", "disk", "output"]
POLL_SECONDS = 0.05
CHUNK_BYTES = 1 << 16
GRACE_SECONDS = 2.0
"""The inner `timeout` ends a command at its limit; only if the guest has stopped that is it ended from outside."""
TEARDOWN_SECONDS = 30.0
KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command in the sandbox came to. `ended` is `exit`, or the limit that it was killed at."""

    ended: Ended
    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a process and all below it may use together. `files` counts those of the root that they see."""

    seconds: float
    memory_bytes: int
    files: int
    output_bytes: int


class Watch:
    """Watches one process, started with pipes for all three streams; `finish` waits until nothing of it is left."""

    def __init__(self, process: subprocess.Popen[bytes], bounds: Bounds) -> None:
        self.process, self.bounds = process, bounds
        self.started = time.monotonic()
        self.read: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}

    def finish(self, stdin: bytes) -> Finished:
        """Feed the process, watch it to its end and return what it came to. Raises HiveMindError if it will not die."""
        ended: Ended = "exit"
        try:
            with selectors.DefaultSelector() as selector:
                ended = self._attend(selector, stdin)
        finally:
            self._end()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                if stream is not None:
                    with suppress(BrokenPipeError):
                        stream.close()
        elapsed = time.monotonic() - self.started
        if ended == "exit" and elapsed >= self.bounds.seconds and self.process.returncode == KILLED:
            ended = "time"
        code = self.process.returncode
        return Finished(ended, code, bytes(self.read["stdout"]), bytes(self.read["stderr"]), elapsed)

    def _attend(self, selector: selectors.BaseSelector, stdin: bytes) -> Ended:
        """Move bytes until the process ends by itself or a limit is reached; returns which."""
        assert self.process.stdin and self.process.stdout and self.process.stderr
        os.set_blocking(self.process.stdin.fileno(), False)
        selector.register(self.process.stdin, selectors.EVENT_WRITE)
        selector.register(self.process.stdout, selectors.EVENT_READ, "stdout")
        selector.register(self.process.stderr, selectors.EVENT_READ, "stderr")
        left, next_look = memoryview(stdin), self.started + POLL_SECONDS
        while self.process.poll() is None or any(key.data for key in selector.get_map().values()):
            for key, _ in selector.select(POLL_SECONDS):
                if key.data:
                    self._read(selector, key)
                else:
                    left = self._write(selector, left)
            if sum(map(len, self.read.values())) > self.bounds.output_bytes:
                return "output"
            now = time.monotonic()
            if now > self.started + self.bounds.seconds + GRACE_SECONDS:
                return "time"
            if now > next_look:
                if memory_of(self.process.pid) > self.bounds.memory_bytes:
                    return "memory"
                if files_of(self.process.pid) > self.bounds.files:
                    return "disk"
                next_look = now + POLL_SECONDS
        return "exit"

    def _write(self, selector: selectors.BaseSelector, left: memoryview) -> memoryview:
        assert self.process.stdin
        try:
            left = left[os.write(self.process.stdin.fileno(), left[:CHUNK_BYTES]) :] if left else left
        except BrokenPipeError:
            left = left[:0]
        if not left:
            selector.unregister(self.process.stdin)
            self.process.stdin.close()
        return left

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        chunk = os.read(key.fd, CHUNK_BYTES)
        if chunk:
            self.read[key.data] += chunk
        else:
            selector.unregister(key.fileobj)

    def _end(self) -> None:
        """Leave nothing running: the process is stopped first, so that it starts nothing between listing and end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            family = list(descendants(self.process.pid))
            for pid in family:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            wait_for_end(family)


def wait_for_end(pids: Sequence[int]) -> None:
    """Wait until none of the processes, which were killed, is left. Raises HiveMindError if they will not die."""
    limit = time.monotonic() + TEARDOWN_SECONDS
    while any(map(_alive, pids)):
        if time.monotonic() > limit:
            raise HiveMindError(
                f"processes {list(pids)} of the sandbox have not died {TEARDOWN_SECONDS:.0f} s after they were killed; "
                "look at them with ps before running more"
            )
        time.sleep(POLL_SECONDS / 50)


def descendants(pid: int) -> Iterator[int]:
    """Yield the ids of all processes below one, parents first."""
    with suppress(OSError):
        for tasks in Path(f"/proc/{pid}/task").iterdir():
            for child in (tasks / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def memory_of(pid: int) -> int:
    """Return the bytes of memory, files aside, that the processes below one hold. What two share counts twice."""
    return sum(map(_held, descendants(pid)))


def files_of(pid: int) -> int:
    """Return how many files there are on the file system that the processes below one see as their root."""
    mine, most = Path("/").stat().st_dev, 0
    for child in descendants(pid):
        with suppress(OSError):
            root = Path("/proc", str(child), "root")
            if root.stat().st_dev != mine:
                counts = os.statvfs(root)
                most = max(most, counts.f_files - counts.f_ffree)
    return most


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

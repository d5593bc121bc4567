"""How a worker ended, told from its last words, its exit status, and the kernel's own counts."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hive_mind.device import OUT_OF_MEMORY_SIGNS

Cause = Literal["memory", "gpu_fault", "hang", "killed", "crash"]

GPU_FAULT_SIGNS = (
    "illegal memory access", "Memory access fault by GPU", "hipErrorIllegalAddress", "HIP error", "CUDA error",
    "HSA_STATUS_ERROR", "unspecified launch failure", "device-side assert", "GPU hang", "EXECUTION_FAILED",
    "misaligned address", "uncorrectable ECC", "Xid",
)  # fmt: skip
SHORT = 0.1
"""Below this share of free memory programs such as earlyoom and systemd-oomd kill, which the kernel does not count."""
CAUSES: dict[Cause, str] = {
    "memory": "ran out of memory", "gpu_fault": "met a fault of the GPU", "hang": "stood still",
    "killed": "was killed from outside", "crash": "crashed",
}  # fmt: skip


@dataclass
class LastWords:
    """What a worker told before it ended: the latest of each kind of message, and what was on its standard error."""

    place: str = "the start"
    step: int | None = None
    indices: tuple[int, ...] = ()
    validating: int | None = None
    started: bool = False
    footprint: dict[str, Any] | None = None
    end: dict[str, Any] = field(default_factory=dict)
    errors: str = ""

    def hear(self, message: dict[str, Any]) -> None:
        """Take in one message of the pulse."""
        if "at" in message:
            self.place, self.step = message["at"], message.get("step")
            self.indices, self.validating = tuple(message.get("indices", ())), message.get("validating")
            self.started = self.started or self.step is not None
        self.footprint = message.get("footprint", self.footprint)
        if "end" in message:
            self.end = message


@dataclass(frozen=True)
class Ending:
    """A worker that did not finish: why, where, and in which words."""

    cause: Cause
    words: LastWords
    detail: str

    @property
    def place(self) -> str:
        """Where it ended, for telling whether two ended at the same place."""
        return self.words.place

    def __str__(self) -> str:
        return f"the training process {CAUSES[self.cause]} at {self.place} ({self.detail})"


def diagnose(words: LastWords, status: int, *, hung: bool, oom_kills: int, free_share: float = 1.0) -> Ending:
    """Say why a worker ended that neither finished nor reported an error of the user's.

    `status` is as subprocess gives it (negative: a signal); `oom_kills` are the kernel's kills for memory meanwhile,
    `free_share` is the least share of the machine's memory that was free in the seconds before.
    """
    reported = str(words.end.get("message", ""))
    text = f"{reported}\n{words.errors}"
    detail = _first_line(reported) or _telling_line(words.errors) or _status(status)
    if hung:
        return Ending("hang", words, _telling_line(words.errors) or "nothing was computed within the time allowed")
    if words.end.get("end") == "memory" or any(sign in text for sign in OUT_OF_MEMORY_SIGNS):
        return Ending("memory", words, detail)
    if status == -signal.SIGKILL:
        if oom_kills:
            return Ending("memory", words, "the kernel killed it, for memory was short")
        if free_share < SHORT:
            return Ending("memory", words, f"it was killed while only {free_share:.0%} of the memory was free")
        return Ending("killed", words, _status(status))
    if any(sign in text for sign in GPU_FAULT_SIGNS):
        return Ending("gpu_fault", words, detail)
    return Ending("crash", words, detail)


def oom_kills() -> int:
    """Return how many processes the kernel has killed for memory: on the whole machine, and in our control group."""
    counts = [_count(Path("/proc/vmstat"), "oom_kill")]
    for line in _lines(Path("/proc/self/cgroup")):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            counts.append(_count(Path("/sys/fs/cgroup") / path.strip("/") / "memory.events", "oom_kill"))
        elif controllers == "memory":
            counts.append(_count(Path("/sys/fs/cgroup/memory") / path.strip("/") / "memory.oom_control", "oom_kill"))
    return sum(counts)


def free_share() -> float:
    """Return the share of the machine's memory that is available, 1.0 where the system does not say."""
    values = {line.split(":")[0]: int(line.split()[1]) for line in _lines(Path("/proc/meminfo"))[:3]}
    return values["MemAvailable"] / values["MemTotal"] if "MemAvailable" in values else 1.0


def _count(file: Path, key: str) -> int:
    return sum(int(line.split()[1]) for line in _lines(file) if line.split()[:1] == [key])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:  # another kernel, or a control group that is not ours to read
        return []


def _telling_line(errors: str) -> str:
    """The line of a standard error that says most: one with a known sign, else the first that is no traceback."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    signs = (*GPU_FAULT_SIGNS, *OUT_OF_MEMORY_SIGNS)
    known = [line for line in lines if any(sign in line for sign in signs)]
    return (known or [line for line in lines if "Error" in line] or [""])[0][:300]


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:300]


def _status(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    return f"signal {signal.Signals(-status).name}"

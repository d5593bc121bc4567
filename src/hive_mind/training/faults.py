"""Faults on purpose, for the tests of what recovers from them; without HIVE_MIND_FAULTS there are none.

HIVE_MIND_FAULTS=gpu_fault:step=5,out_of_memory:above=2 plants two. A fault strikes in the first start of a run only;
`always` has it strike in every one, `until=MEASURE` until that measure is taken. The kinds:

    out_of_memory   a micro-batch of more than `above` examples, or `at=optimizer`, `at=validation`, `at=loading`
    gpu_fault       the driver's own words, then an abort, as an illegal access on a GPU ends
    abort           the process ends itself while it computes `row` (1 is the dataset's first) or `step`
    hang            nothing goes on any more
    kill            SIGKILL, as by somebody
    memory_kill     SIGKILL after the words of a library that found no memory
    error           an exception that nobody expects
    nan             the loss of `step`, or of whatever holds `row`, is not a number
    address_space   the process may have `bytes` of it: a real limit

HIVE_MIND_TRACE=FILE has every place that is reached written there, with the process's id: a line before an optimizer
step and one after it, and so on, so that a test knows where a process was when it ended.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hive_mind.errors import UsageError
from hive_mind.training.attempt import UNDISTURBED, Attempt

VARIABLE = "HIVE_MIND_FAULTS"
TRACE = "HIVE_MIND_TRACE"
KINDS = ("out_of_memory", "gpu_fault", "abort", "hang", "kill", "memory_kill", "error", "nan", "address_space")
DRIVERS_WORDS = (
    "Memory access fault by GPU node-1 (Agent handle: 0x55d0c1d0a2b0) on address 0x7f2d4a600000. Reason: Page not "
    "present or supervisor privilege.\n"
)
ALLOCATORS_WORDS = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "1099511627776 bytes. Error code 12 (Cannot allocate memory)"
)


@dataclass(frozen=True)
class Fault:
    """One planted fault; `at` says where it strikes, the other fields which of the occasions there."""

    kind: str
    at: str = "micro_batch"
    step: int | None = None
    row: int | None = None
    above: int | None = None
    bytes: int = 0


class Faults:
    """The faults that strike in one start of a run."""

    def __init__(self, faults: Sequence[Fault] = (), trace: str | None = None) -> None:
        self.faults = tuple(faults)
        self.trace = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if trace else None
        for fault in self.faults:
            if fault.kind == "address_space":
                resource.setrlimit(resource.RLIMIT_AS, (fault.bytes, fault.bytes))

    def reach(self, at: str, step: int | None = None, rows: Sequence[int] = ()) -> None:
        """Strike with whatever was planted for this place."""
        if self.trace is not None:
            os.write(self.trace, f"{os.getpid()} {at} {step}\n".encode())
        for fault in self.faults:
            if fault.at == at and fault.kind != "nan" and _meets(fault, step, rows):
                _strike(fault)

    def loss(self, value: float, step: int, rows: Sequence[int]) -> float:
        """Return a micro-batch's scale, or nan where that was planted."""
        broken = any(fault.kind == "nan" and _meets(fault, step, rows) for fault in self.faults)
        return float("nan") if broken else value


NO_FAULTS = Faults()


def planted(attempt: Attempt = UNDISTURBED) -> Faults:
    """Read the environment. Raises UsageError for a fault that nobody knows."""
    text = os.environ.get(VARIABLE, "")
    trace = os.environ.get(TRACE)
    if not text and not trace:
        return NO_FAULTS
    found = [_parse(part) for part in text.split(",") if part]
    return Faults([fault for fault, lasting in found if _strikes(lasting, attempt)], trace)


def _parse(text: str) -> tuple[Fault, str]:
    kind, *rest = text.split(":")
    values: dict[str, str] = dict(part.partition("=")[::2] for part in rest)
    lasting = "always" if values.pop("always", None) is not None else values.pop("until", "once")
    numbers = {key: int(values.pop(key)) for key in ("step", "row", "above", "bytes") if key in values}
    if kind not in KINDS or values.keys() - {"at"}:
        raise UsageError(f"{VARIABLE}={text} plants no known fault; the kinds are {', '.join(KINDS)}")
    return Fault(kind, **values, **numbers), lasting  # type: ignore[arg-type]


def _strikes(lasting: str, attempt: Attempt) -> bool:
    if lasting == "always":
        return True
    return not attempt.number if lasting == "once" else lasting not in attempt.measures


def _meets(fault: Fault, step: int | None, rows: Sequence[int]) -> bool:
    return (
        (fault.step is None or fault.step == step)
        and (fault.row is None or fault.row in rows)
        and (fault.above is None or len(rows) > fault.above)
    )


def _strike(fault: Fault) -> None:
    if fault.kind == "out_of_memory":
        raise RuntimeError(ALLOCATORS_WORDS)
    if fault.kind == "gpu_fault":
        os.write(2, DRIVERS_WORDS.encode())
        os.abort()
    if fault.kind == "abort":
        os.abort()
    if fault.kind == "memory_kill":
        os.write(2, ALLOCATORS_WORDS.encode() + b"\n")
    if fault.kind in ("kill", "memory_kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.kind == "error":
        raise RuntimeError("an error that was planted")
    while fault.kind == "hang":
        time.sleep(60)

"""What to try next when a training process has died: a smaller footprint, a fresh process, then the ladder of measures.

A death at a new place gets a fresh process and nothing else. One that repeats at its place climbs a rung each time:
another BLAS, plain attention, no caching allocator, then the search for an example that kills it, at last the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hive_mind.errors import HiveMindError
from hive_mind.training.attempt import Attempt, Measure, Suspect
from hive_mind.training.diagnosis import Ending

Backend = Literal["cpu", "cuda", "hip"]

LATE = 2
"""A GPU, which is given steps ahead, may meet the fault of a step so many steps later."""
MEASURES: dict[Measure, str] = {
    "other_blas": "another library for matrix products",
    "math_attention": "attention without fused kernels",
    "no_caching": "without torch's caching allocator",
    "cpu": "on the CPU",
}
ENVIRONMENT: dict[Backend, dict[Measure, dict[str, str]]] = {
    "hip": {
        "other_blas": {"TORCH_BLAS_PREFER_HIPBLASLT": "0", "ROCBLAS_USE_HIPBLASLT": "0"},
        "no_caching": {"PYTORCH_NO_HIP_MEMORY_CACHING": "1", "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"},
    },
    "cuda": {
        "other_blas": {"TORCH_BLAS_PREFER_CUBLASLT": "1"},
        "no_caching": {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"},
    },
    "cpu": {},
}
"""What a measure sets in the worker's environment. On gfx1200/1201 hipBLASLt reads beyond its operands at LoRA's shapes
(rocm-libraries 7992, 8902, 11714): a fault at the same step after every resume, which the first of these avoids.
rocBLAS may hand a product on to hipBLASLt by itself, hence its own variable beside torch's."""


class GivenUp(HiveMindError):
    """Nothing is left to try; the checkpoints stay."""


@dataclass(frozen=True)
class Limits:
    """What the user allows: restarts in all, the CPU in place of a GPU, and examples to leave out."""

    restarts: int
    allow_cpu: bool
    quarantine: int


def next_attempt(attempt: Attempt, endings: Sequence[Ending], backend: Backend, limits: Limits) -> Attempt:
    """Decide how to start again. `endings` are all deaths so far, the last one included, at least one.

    Raises GivenUp, with advice, where nothing is left to try or there were too many restarts.
    """
    last = endings[-1]
    if len(endings) > limits.restarts:
        raise GivenUp(_advice(f"it was started again {limits.restarts} times (training.max_restarts)", last))
    issues = (*attempt.issues, f"{last}; it was started again")
    after = replace(attempt, number=attempt.number + 1, why=str(last), issues=issues)
    if last.cause == "killed":  # what kills from outside has nothing to do with the place
        return after
    if last.cause == "memory" and (smaller := _smaller(after, last)) is not None:
        return smaller
    if _was_found(attempt, last):
        suspect = Suspect(attempt.one_by_one or 0, last.words.indices[0])
        return replace(after, one_by_one=None, suspects=(*attempt.suspects, suspect))
    if not _repeats(endings, backend):
        return after
    if last.cause == "memory":
        raise GivenUp(_advice("memory is short before anything is computed: free some, or train a smaller base", last))
    return _climb(attempt, after, last, backend, limits)


def _climb(before: Attempt, after: Attempt, last: Ending, backend: Backend, limits: Limits) -> Attempt:
    again = f"{last}, at the same place again"
    for measure in ladder(backend):
        if measure not in before.measures:
            tried = f"{again}; going on with {MEASURES[measure]}"
            return replace(after, measures=(*before.measures, measure), issues=(*before.issues, tried))
    step = last.words.step
    if step is not None and not _acquitted(before, step) and len(before.suspects) < limits.quarantine:
        tried = f"{again}; its examples are computed one by one"
        return replace(after, one_by_one=step, issues=(*before.issues, tried))
    after = acquit(after, last)
    if backend != "cpu" and "cpu" not in before.measures:
        if limits.allow_cpu:
            tried = f"{last}, whatever was tried; going on with the CPU"
            return replace(after, measures=(*before.measures, "cpu"), issues=(*before.issues, tried))
        raise GivenUp(_advice("every measure was tried on the GPU; training.allow_cpu=true goes on without it", last))
    raise GivenUp(_advice("every measure was tried", last))


def acquit(attempt: Attempt, last: Ending) -> Attempt:
    """Take the examples back that were left out for a step which dies without them as well."""
    step = last.words.step
    if step is None:
        return attempt
    kept = tuple(suspect for suspect in attempt.suspects if abs(suspect.step - step) > LATE)
    if kept == attempt.suspects:
        return attempt
    return replace(attempt, suspects=kept, acquitted=(*attempt.acquitted, step))


def ladder(backend: Backend) -> tuple[Measure, ...]:
    """Return the measures that make a difference on this device, in the order in which they are tried."""
    if backend == "cpu":
        return ("math_attention",)
    return ("other_blas", "math_attention", "no_caching")


def _smaller(after: Attempt, last: Ending) -> Attempt | None:
    """Return the start with less memory: of training, or of the validation loss where that one was at work."""
    part = last.words.validating
    if part is not None:
        return replace(after, validation_at_most=part // 2) if part > 1 else None
    return replace(after, too_large=last.words.footprint) if last.words.footprint is not None else None


def _was_found(attempt: Attempt, last: Ending) -> bool:
    """Whether the search for an example that kills has just found one."""
    step, wanted = last.words.step, attempt.one_by_one
    return wanted is not None and step is not None and wanted - LATE <= step <= wanted and len(last.words.indices) == 1


def _repeats(endings: Sequence[Ending], backend: Backend) -> bool:
    """Whether the last death is where the one before it was; deaths from outside do not count."""
    before = [ending for ending in endings[:-1] if ending.cause != "killed"][-1:]
    steps = [ending.words.step for ending in (*before, endings[-1])]
    if len(steps) < 2:
        return False
    if steps[0] is not None and steps[1] is not None:
        return abs(steps[0] - steps[1]) <= (0 if backend == "cpu" else LATE)
    return before[0].place == endings[-1].place


def _acquitted(attempt: Attempt, step: int) -> bool:
    return any(abs(other - step) <= LATE for other in attempt.acquitted)


def _advice(why: str, last: Ending) -> str:
    return (
        f"{last}, and {why}; what was done is saved: run the same command again to go on from the last checkpoint, and "
        "`hive-mind doctor` to look at the device"
    )

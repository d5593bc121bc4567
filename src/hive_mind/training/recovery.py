"""What to try next when a training process has died: a smaller footprint, a fresh process, then the ladder of measures.

A death at a new place gets a fresh process and nothing else. One that repeats at its place climbs a rung each time:
another BLAS, plain attention, no caching allocator, then the search for an example that kills it, at last the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hive_mind.errors import HiveMindError
from hive_mind.training.attempt import Attempt, Measure
from hive_mind.training.diagnosis import Ending

Backend = Literal["cpu", "cuda", "hip"]

MEASURES: dict[Measure, str] = {
    "other_blas": "another library for matrix products",
    "math_attention": "attention without fused kernels",
    "no_caching": "without torch's caching allocator",
    "cpu": "on the CPU",
}
ENVIRONMENT: dict[Backend, dict[Measure, dict[str, str]]] = {
    "hip": {
        "other_blas": {"TORCH_BLAS_PREFER_HIPBLASLT": "0"},
        "no_caching": {"PYTORCH_NO_HIP_MEMORY_CACHING": "1", "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"},
    },
    "cuda": {
        "other_blas": {"TORCH_BLAS_PREFER_CUBLASLT": "1"},
        "no_caching": {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"},
    },
    "cpu": {},
}
"""What a measure sets in the worker's environment. On gfx1200/1201 hipBLASLt reads beyond its operands at LoRA's shapes
(rocm-libraries 7992, 8902, 11714): a fault at the same step after every resume, which the first of these avoids."""


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
    after = replace(
        attempt, number=attempt.number + 1, why=str(last), issues=(*attempt.issues, f"{last}; it was started again")
    )
    if last.cause == "memory" and last.words.footprint is not None:
        return replace(after, too_large=last.words.footprint)
    if attempt.one_by_one is not None and last.words.step is not None and last.words.step <= attempt.one_by_one:
        return replace(after, one_by_one=None, quarantined=(*attempt.quarantined, *last.words.indices))
    if last.cause == "killed" or not _repeats(endings):  # what kills from outside has nothing to do with the place
        return after
    if last.cause == "memory":
        raise GivenUp(_advice("memory is short before anything is computed: free some, or train a smaller base", last))
    return _climb(attempt, after, endings, backend, limits)


def _climb(before: Attempt, after: Attempt, endings: Sequence[Ending], backend: Backend, limits: Limits) -> Attempt:
    last = endings[-1]
    for measure in ladder(backend):
        if measure not in before.measures:
            tried = f"{last}, at the same place again; going on with {MEASURES[measure]}"
            return replace(after, measures=(*before.measures, measure), issues=(*before.issues, tried))
    step = last.words.step
    if step in before.searched:
        after = acquitted(after, last)
    elif step is not None and len(before.quarantined) < limits.quarantine:
        tried = f"{last}, at the same place again; its examples are computed one by one"
        return replace(after, one_by_one=step, searched=(*before.searched, step), issues=(*before.issues, tried))
    if backend != "cpu" and "cpu" not in before.measures:
        if limits.allow_cpu:
            tried = f"{last}, whatever was tried; going on with the CPU"
            return replace(after, measures=(*before.measures, "cpu"), issues=(*before.issues, tried))
        raise GivenUp(_advice("every measure was tried on the GPU; training.allow_cpu=true goes on without it", last))
    raise GivenUp(_advice("every measure was tried", last))


def acquitted(attempt: Attempt, last: Ending) -> Attempt:
    """Take the example back that was left out for a step which dies without it as well: it was not the cause."""
    if attempt.quarantined and last.words.step in attempt.searched:
        return replace(attempt, quarantined=attempt.quarantined[:-1])
    return attempt


def ladder(backend: Backend) -> tuple[Measure, ...]:
    """Return the measures that make a difference on this device, in the order in which they are tried."""
    if backend == "cpu":
        return ("math_attention",)
    return ("other_blas", "math_attention", "no_caching")


def _repeats(endings: Sequence[Ending]) -> bool:
    return len(endings) > 1 and endings[-2].place == endings[-1].place


def _advice(why: str, last: Ending) -> str:
    return (
        f"{last}, and {why}; what was done is saved: run the same command again to go on from the last checkpoint, and "
        "`hive-mind doctor` to look at the device"
    )

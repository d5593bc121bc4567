"""How much memory a micro-batch takes, measured by running one, and how large it may therefore be."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hive_mind.device import Device, free_memory, is_out_of_memory, release_memory
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import clock, say
from hive_mind.training.batches import Packing, collate, wants_rounding
from hive_mind.training.checkpoint import Checkpoint
from hive_mind.training.footprint import Footprint
from hive_mind.training.gradient import OutOfMemory, no_smaller
from hive_mind.training.job import Job
from hive_mind.training.lessons import machine_file, memory_key, remembered_footprint
from hive_mind.training.loss import chunk_rows, scaled_loss
from hive_mind.training.tokens import Examples

TRIAL_TOKENS = 2048
USABLE_SHARE = 0.8
# On a CPU micro-batches beyond this gain nothing. Measured with the 0.5 B shape, achieved GFLOP/s side by side: 566 in
# micro-batches of 1,024 tokens, 606 of 2,048 (2.3 GiB), 605 of 3,072.
CPU_BYTES = 5 << 29


@dataclass(frozen=True)
class Trial:
    """What a micro-batch took: its peak in bytes above what was there before, its tokens, and its seconds."""

    bytes: int
    tokens: int
    seconds: float

    @property
    def per_token(self) -> int:
        return max(1, self.bytes // self.tokens)


@dataclass
class _Peak:
    now: int = 0
    peak: int = 0

    def add(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)


def choose(model: Qwen2, job: Job, checkpoint: Checkpoint | None, base_digest: str) -> Footprint:
    """Return the footprint to train in: the checkpoint's, else the settings', within what this machine has taught.

    One that an earlier start of the run died of is left for the next smaller. Raises OutOfMemory if there is none.
    """
    settings, examples = job.settings, job.plan.examples
    chunk = chunk_rows(settings.loss_chunk, model.config.vocab_size)
    if checkpoint is not None:
        chosen = Footprint.from_dict(checkpoint.state["footprint"])
    elif settings.batch_size == "auto" and "no_caching" in job.attempt.measures:
        chosen = Footprint(Packing(1), chunk)  # without its allocator torch does not count what a trial takes
    elif settings.batch_size == "auto":
        chosen = choose_footprint(model, job, Footprint(Packing(settings.step_size), chunk))
    else:
        chosen = Footprint(Packing(settings.batch_size), chunk)
    key = memory_key(job.device.name, base_digest, settings.recipe())
    known = remembered_footprint(key) if checkpoint is None else None
    if known is not None and chosen.at_most(known) != chosen:
        chosen = chosen.at_most(known)
        say(f"{chosen}: more ran out of memory here before ({machine_file()}; remove it to try anew)")
    if (after := _below_what_failed(job)) is not None:
        chosen = chosen.at_most(after)
    if "cpu" in job.attempt.measures:
        trial = _trial(model, examples, chosen, job.device)
        left = job.plan.tokens_after(checkpoint.state["progress"]["consumed"] if checkpoint else 0)
        say(f"on the CPU instead of the GPU: about {clock(left * trial.seconds / trial.tokens)} for what is left")
    return chosen


def _below_what_failed(job: Job) -> Footprint | None:
    """Return the next footprint below the one that an earlier start died of, if one did."""
    if job.attempt.too_large is None:
        return None
    failed = Footprint.from_dict(job.attempt.too_large)
    after = failed.smaller(int(job.plan.examples.lengths.max()))
    if after is None:
        raise OutOfMemory(no_smaller("the training process", failed))
    return after


def choose_footprint(model: Qwen2, job: Job, footprint: Footprint) -> Footprint:
    """Choose for `batch_size=auto`: whole examples up to as many tokens as fit in free memory, and say how.

    One trial micro-batch of the longest examples, within `footprint`, is run forward and backward and its peak
    measured. Where not even the longest example fits, it is tried with activations computed twice, then with smaller
    chunks of logits. Raises OutOfMemory if nothing fits.
    """
    device, step_size = job.device, footprint.packing.examples
    longest, free = int(job.plan.examples.lengths.max()), free_memory(device.torch_device)
    if (after := _below_what_failed(job)) is not None:
        footprint = footprint.at_most(after)
    while True:
        trial = _try(model, job, footprint)
        if trial is None:
            footprint = _smaller(footprint, longest, "the trial itself ran out of memory")
            continue
        room = int(free * USABLE_SHARE / trial.per_token)
        say(
            f"batch_size=auto: a trial of {trial.tokens:,} tokens ({footprint.kept}) took {trial.bytes / 2**20:,.0f} "
            f"MiB, {trial.per_token / 1024:,.0f} KiB a token, and {free / 2**30:.1f} GiB are free"
        )
        if room >= longest:
            break
        needed = f"an example of {longest:,} tokens needs about {longest * trial.per_token / 2**30:.1f} GiB"
        footprint = _smaller(replace(footprint, packing=Packing(1)), longest, needed)
    limit = room if device.is_gpu else max(longest, min(room, CPU_BYTES // trial.per_token))
    chosen = replace(footprint, packing=Packing(step_size, limit))
    why = "as many as fit" if limit == room else "more gain nothing on a CPU" if limit > longest else "the longest row"
    say(f"batch_size=auto: {chosen} ({why})")
    return chosen


def _try(model: Qwen2, job: Job, footprint: Footprint) -> Trial | None:
    tried = replace(footprint, packing=Packing(len(_longest(job.plan.examples, footprint.packing))))
    job.pulse.footprint(tried.to_dict())  # a kill for memory leaves nothing else to tell what was tried
    job.faults.reach("trial", rows=range(tried.packing.examples))
    try:
        return _trial(model, job.plan.examples, tried, job.device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        release_memory(error)
        return None


def _smaller(footprint: Footprint, longest: int, why: str) -> Footprint:
    after = replace(footprint, packing=Packing(1)) if footprint.packing.examples > 1 else footprint.smaller(longest)
    if after is None:
        raise OutOfMemory(f"{why}; {no_smaller('the trial', footprint)}")
    say(f"batch_size=auto: {why}; trying with {after}")
    return after


def _longest(examples: Examples, packing: Packing) -> list[int]:
    """Return the longest examples that a trial holds at once."""
    by_length = sorted(range(len(examples)), key=lambda i: -examples.lengths[i])[: packing.examples]
    return Packing(packing.examples, TRIAL_TOKENS).split(by_length, examples.lengths[by_length].tolist())[0]


def _trial(model: Qwen2, examples: Examples, footprint: Footprint, device: Device) -> Trial:
    """Run one micro-batch of the longest examples twice, the first time to warm up."""
    indices = _longest(examples, footprint.packing)
    batch = collate(examples, indices, device.torch_device, rounded=wants_rounding(model))
    before, model.recompute = model.recompute, footprint.recompute
    peak, seconds = 0, 0.0
    for _ in range(2):
        started = time.monotonic()
        with _measured(device) as measured:
            hidden = model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
            scale = 1.0 / len(batch.targets)
            loss = scaled_loss(hidden, model.output_weight, batch.targets, footprint.loss_chunk, scale)
            loss.backward()
        peak, seconds = max(peak, measured.peak), time.monotonic() - started
        for parameter in model.parameters():
            parameter.grad = None
    model.recompute = before
    return Trial(peak, len(batch.input_ids), seconds)


@contextmanager
def _measured(device: Device) -> Iterator[_Peak]:
    """Give a `peak` that holds, after the block, the most bytes of tensors in use within it beyond those before it."""
    if device.is_gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before, measured = torch.cuda.memory_allocated(), _Peak()
        yield measured
        measured.peak = torch.cuda.max_memory_allocated() - before
    else:
        with _TensorBytes() as counter:
            yield counter.bytes


class _TensorBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make, from their making to their end.

    The process's resident size would be simpler and is not reliable: freed memory is used again without growing it.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = _Peak()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {storage._cdata for storage in _storages((args, kwargs))}
        for storage in _storages(result):
            if storage._cdata not in given:
                given.add(storage._cdata)
                self.bytes.add(storage.nbytes())
                weakref.finalize(storage, self.bytes.add, -storage.nbytes())
        return result


def _storages(values: Any) -> Iterator[torch.UntypedStorage]:
    return (leaf.untyped_storage() for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor))

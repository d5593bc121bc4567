"""How much memory a micro-batch takes, measured by running one, and how large it may therefore be."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hive_mind.device import Device, free_memory
from hive_mind.errors import HiveMindError
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say
from hive_mind.training.batches import Packing, collate, wants_rounding
from hive_mind.training.loss import scaled_loss
from hive_mind.training.tokens import Examples

TRIAL_TOKENS = 2048
USABLE_SHARE = 0.8
# On a CPU micro-batches beyond this gain nothing. Measured with the 0.5 B shape, achieved GFLOP/s side by side: 566 in
# micro-batches of 1,024 tokens, 606 of 2,048 (2.3 GiB), 605 of 3,072.
CPU_BYTES = 5 << 29


@dataclass
class _Peak:
    now: int = 0
    peak: int = 0

    def add(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)


def choose_packing(model: Qwen2, examples: Examples, step_size: int, chunk: int, device: Device) -> Packing:
    """Choose the micro-batch for `batch_size=auto`: whole examples up to as many tokens as fit in free memory.

    One trial micro-batch of the longest examples is run forward and backward and its peak measured. Raises
    HiveMindError if not even the longest example fits.
    """
    by_length = sorted(range(len(examples)), key=lambda i: -examples.lengths[i])
    trial = Packing(step_size, TRIAL_TOKENS).split(
        by_length[:step_size], examples.lengths[by_length[:step_size]].tolist()
    )[0]
    free = free_memory(device.torch_device)
    taken, tokens = _trial(model, examples, trial, chunk, device)
    per_token = max(1, taken // tokens)
    room = int(free * USABLE_SHARE / per_token)
    longest = int(examples.lengths.max())
    if room < longest:
        raise HiveMindError(
            f"an example of {longest:,} tokens needs about {longest * per_token / 2**30:.1f} GiB and only "
            f"{free / 2**30:.1f} GiB are free; lower training.max_length or free memory"
        )
    limit = room if device.is_gpu else max(longest, min(room, CPU_BYTES // per_token))
    say(
        f"batch_size=auto: a trial of {tokens:,} tokens took {taken / 2**20:,.0f} MiB ({per_token / 1024:,.0f} KiB a "
        f"token), {free / 2**30:.1f} GiB are free: micro-batches of up to {limit:,} tokens"
    )
    return Packing(step_size, limit)


def _trial(model: Qwen2, examples: Examples, indices: list[int], chunk: int, device: Device) -> tuple[int, int]:
    """Run one micro-batch twice, the first time to warm up; returns (peak bytes above the start, tokens)."""
    batch = collate(examples, indices, device.torch_device, rounded=wants_rounding(model))
    peak = 0
    for _ in range(2):
        with _measured(device) as measured:
            hidden = model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
            scaled_loss(hidden, model.output_weight, batch.targets, chunk, 1.0 / len(batch.targets)).backward()
        peak = max(peak, measured.peak)
        for parameter in model.parameters():
            parameter.grad = None
    return peak, len(batch.input_ids)


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

"""How much memory a micro-batch takes, measured by running one, and how large it may therefore be."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from hive_mind.device import Device, free_memory
from hive_mind.errors import HiveMindError
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say
from hive_mind.training.batches import Packing, collate, wants_rounding
from hive_mind.training.loss import scaled_loss
from hive_mind.training.tokens import Examples

TRIAL_TOKENS = 2048
USABLE_SHARE = 0.8
# More tokens than this at a time gain nothing on a CPU (its caches are long full), they only take memory.
CPU_TOKENS = 4096
_SAMPLE_SECONDS = 0.002


@dataclass
class _Peak:
    bytes: int = 0


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
    limit = room if device.is_gpu else max(longest, min(room, CPU_TOKENS))
    say(
        f"batch_size=auto: a trial of {tokens:,} tokens took {taken / 2**20:,.0f} MiB ({per_token / 1024:,.0f} KiB a "
        f"token), {free / 2**30:.1f} GiB are free: micro-batches of up to {limit:,} tokens"
    )
    return Packing(step_size, limit)


def _trial(model: Qwen2, examples: Examples, indices: list[int], chunk: int, device: Device) -> tuple[int, int]:
    """Run one micro-batch twice, the first time to warm up; returns (peak bytes above the start, tokens)."""
    batch = collate(examples, indices, device.torch_device, rounded=wants_rounding(model))
    peak = _Peak()
    for _ in range(2):
        with _measured(device, peak):
            hidden = model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
            scaled_loss(hidden, model.output_weight, batch.targets, chunk, 1.0 / len(batch.targets)).backward()
        for parameter in model.parameters():
            parameter.grad = None
    return peak.bytes, len(batch.input_ids)


@contextmanager
def _measured(device: Device, peak: _Peak) -> Iterator[None]:
    """Note in `peak` the most bytes in use within the block beyond those in use before it."""
    if device.is_gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield
        peak.bytes = max(peak.bytes, torch.cuda.max_memory_allocated() - before)
        return
    # A process's recorded peak never falls and loading the weights has raised it, so a thread watches what is resident.
    before, done = _resident(), threading.Event()

    def watch() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            peak.bytes = max(peak.bytes, _resident() - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

"""One run on several processes, as torchrun starts them: each computes its share of every step's micro-batches.

The gradients are added up, so the result is that of one process. The first process writes and speaks; the others only
compute.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from hive_mind.device import Device

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process's number and how many there are."""

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def share(self, parts: Sequence[T]) -> Sequence[T]:
        """Return this process's part of what all have to do."""
        return parts[self.rank :: self.world]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace every tensor by its sum over all processes, in one message."""
        if self.world == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def any(self, wanted: bool, device: torch.device) -> bool:
        """Tell whether any process wants it."""
        if self.world == 1:
            return wanted
        flag = torch.tensor(float(wanted), device=device)
        self.add_up([flag])
        return bool(flag > 0)

    def agree(self, value: T) -> T:
        """Return the first process's value in all of them."""
        if self.world == 1:
            return value
        values = [value]
        torch.distributed.broadcast_object_list(values)
        return values[0]

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.world > 1:
            torch.distributed.barrier()


ALONE = Processes()


@contextmanager
def joined(device: Device) -> Iterator[Processes]:
    """Join the processes that torchrun started (WORLD_SIZE, RANK); a process alone where it did not.

    While entered, every process but the first keeps quiet.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield ALONE
        return
    torch.distributed.init_process_group("nccl" if device.is_gpu else "gloo")
    rank = torch.distributed.get_rank()
    with contextlib.ExitStack() as stack:
        stack.callback(torch.distributed.destroy_process_group)
        if rank:
            stack.enter_context(contextlib.redirect_stderr(stack.enter_context(open(os.devnull, "w"))))
        yield Processes(rank, world)

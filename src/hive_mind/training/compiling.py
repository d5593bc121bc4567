"""Whether the element-wise kernels are compiled for a run: where it pays, and where there is a compiler."""

from __future__ import annotations

import time
from typing import Literal

import torch
from torch._dynamo.exc import TorchDynamoException

from hive_mind.errors import HiveMindError
from hive_mind.model.kernels import EAGER, Kernels, compiled
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say

SMALLEST_HIDDEN_SIZE = 513
"""Narrower bases, such as the tiny one, gain nothing: a call of a compiled kernel takes longer than what it saves."""


def choose_kernels(wanted: bool | Literal["auto"], model: Qwen2) -> Kernels:
    """Return the kernels to train with; `auto` compiles them for wide bases, and says it where that is not possible.

    Raises HiveMindError if they must be compiled and cannot be.
    """
    if wanted is False or (wanted == "auto" and model.config.hidden_size < SMALLEST_HIDDEN_SIZE):
        return EAGER
    started = time.monotonic()
    try:
        _build(model)
    except TorchDynamoException as error:
        reason = str(getattr(error, "inner_exception", error)).splitlines()[0]
        if wanted is True:
            raise HiveMindError(
                f"training.compile=true, but the kernels cannot be compiled ({reason}); install a C++ compiler "
                "(Debian: apt install g++), or leave it to training.compile=auto"
            ) from error
        say(f"kernels are not compiled ({reason}): the same results, more slowly; Debian: apt install g++")
        return EAGER
    say(f"kernels compiled in {time.monotonic() - started:.1f} s (kept for the next run)")
    return compiled()


def _build(model: Qwen2) -> None:
    """Build every kernel, forward and backward, for the model's device and format, on a few rows of its own shapes."""
    c, kernels, rows = model.config, compiled(), 48

    def sample(*shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=model.dtype, device=model.device)

    x, wide = sample(rows, c.hidden_size), sample(rows, c.intermediate_size)
    _, factor = kernels.rms_norm(x, x[0], c.rms_norm_eps)
    kernels.rms_norm_backward(x, x, x[0], factor)
    kernels.swiglu(wide, wide)
    kernels.swiglu_backward(wide, wide, wide)
    cos = sample(rows, 1, c.head_dim)
    for heads in (c.num_attention_heads, c.num_key_value_heads):
        kernels.rotate(sample(rows, heads, c.head_dim), cos, cos)
    targets = torch.zeros(rows, 1, dtype=torch.int64, device=model.device)
    kernels.cross_entropy(sample(rows, c.vocab_size), targets, 1.0)

"""The device's arithmetic at LoRA's shapes, in a process of its own: a GPU fault ends that one, not the doctor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

import orjson
import torch
from torch import Tensor

from hive_mind.device import pick
from hive_mind.doctor.check import Check
from hive_mind.model.attention import Layout, attend
from hive_mind.model.fused import lora_linear

SECONDS = 300.0
RANKS = (8, 16, 64)
ROWS, HIDDEN, WIDE = 200, 896, 4864
LARGEST_ERROR = {"bfloat16": 0.02, "float32": 1e-4}
"""Norm of the difference from fp64 on the CPU over the norm of that. Rounding alone gives a tenth of it."""
FAULT_ADVICE = (
    "the driver ended the process; with ROCm try TORCH_BLAS_PREFER_HIPBLASLT=0, then PYTORCH_NO_HIP_MEMORY_CACHING=1, "
    "and reboot after a fault; training.device=cpu works all the same"
)
WRONG_ADVICE = (
    "this device computes wrongly: do not train on it; update its driver and torch, or set training.device=cpu"
)
CODE = "from hive_mind.doctor.trial import main; main()"


def try_computing() -> list[Check]:
    """Multiply and attend on the device that training would take, beside the CPU in fp64."""
    names = ("products", "attention")
    try:
        done = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [Check(name, "fail", f"no answer in {SECONDS:.0f} s", FAULT_ADVICE) for name in names]
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        return [Check(name, "fail", f"the trial ended with {done.returncode}: {words}", FAULT_ADVICE) for name in names]
    errors = orjson.loads(done.stdout.splitlines()[-1])
    return [judge(name, errors[name]) for name in names]


def judge(name: str, errors: dict[str, float]) -> Check:
    """Judge the errors of one trial, by what was tried (the format's name comes last)."""
    wrong = {what: error for what, error in errors.items() if not error <= LARGEST_ERROR[what.split()[-1]]}
    if wrong:
        listed = ", ".join(f"{what}: {error:.1e}" for what, error in wrong.items())
        return Check(name, "fail", f"off by {listed}", WRONG_ADVICE)
    return Check(name, "ok", f"{', '.join(errors)}: right within {max(errors.values()):.0e}")


def main() -> None:
    """Print the errors as one JSON object; run in a child process."""
    device = pick()
    where = (device.torch_device, device.dtype)
    print(orjson.dumps({"products": product_errors(*where), "attention": attention_errors(*where)}).decode())


def product_errors(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """Return the relative error of a LoRA linear and its gradients at each rank, against the CPU's in fp64."""
    errors = {}
    for rank in RANKS:
        generator = torch.Generator().manual_seed(rank)
        shapes = [(ROWS, HIDDEN), (WIDE, HIDDEN), (rank, HIDDEN), (WIDE, rank)]
        x, weight, a, b = (torch.randn(shape, generator=generator).to(dtype).double() for shape in shapes)
        exact = _with_gradients(_adapted(weight), (x, a, b))
        inputs = (x.to(device, dtype), a.to(device, torch.float32), b.to(device, torch.float32))
        rough = _with_gradients(_adapted(weight.to(device, dtype)), inputs)
        errors[f"r={rank} {_name(dtype)}"] = _largest_error(rough, exact)
    return errors


def _adapted(weight: Tensor) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda x, a, b: lora_linear(x, weight, None, a, b, 2.0)


def attention_errors(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """Return the relative error of attention inside packed examples and of its gradients, against the CPU's in fp64."""
    generator = torch.Generator().manual_seed(0)
    lengths = (70, 1, 129)
    tensors = [torch.randn((sum(lengths), heads, 64), generator=generator).to(dtype).double() for heads in (14, 2, 2)]
    exact = _with_gradients(lambda q, k, v: attend(q, k, v, Layout.from_lengths(lengths)), tensors)
    layout = Layout.from_lengths(lengths, device)
    rough = _with_gradients(lambda q, k, v: attend(q, k, v, layout), [tensor.to(device, dtype) for tensor in tensors])
    return {f"packed {_name(dtype)}": _largest_error(rough, exact)}


def _with_gradients(function: Callable[..., Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the function's output and its gradients for the inputs, for an upstream gradient of cosines."""
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    out = function(*leaves)
    upstream = torch.arange(out.numel(), dtype=torch.float64).cos().view(out.shape).to(out.device, out.dtype)
    return [out.detach(), *torch.autograd.grad(out, leaves, upstream)]


def _largest_error(rough: Sequence[Tensor], exact: Sequence[Tensor]) -> float:
    return max(float((r.double().cpu() - e).norm() / e.norm()) for r, e in zip(rough, exact, strict=True))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

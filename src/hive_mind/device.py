"""What hardware there is, and which number format it computes in."""

from __future__ import annotations

import gc
import os
import platform
import resource
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_mind.errors import UsageError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda")
DTYPES = ("auto", "bf16", "fp32")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


@dataclass(frozen=True)
class Device:
    """A device to compute on. ROCm cards are `cuda` to torch; `name` tells which it is."""

    torch_device: torch.device
    dtype: torch.dtype
    name: str

    @property
    def is_gpu(self) -> bool:
        return self.torch_device.type == "cuda"


def pick(device: str = "auto", dtype: str = "auto") -> Device:
    """Choose the device and compute dtype: of torchrun's processes each takes a GPU of its own.

    Raises UsageError if the device asked for is not there, or if there are more processes than GPUs.
    """
    import torch

    if device not in DEVICES:
        raise UsageError(f"device={device!r} is not one of {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "device=cuda was asked for, but torch sees no GPU; use device=auto or install a GPU build of torch"
        )
    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if on_gpu:
        _take_own_gpu()
        backend = "ROCm" if torch.version.hip else "CUDA"
        chosen, name = torch.device("cuda", torch.cuda.current_device()), f"{torch.cuda.get_device_name()} ({backend})"
    else:
        chosen, name = torch.device("cpu"), f"{cpu_name()}, {cpu_count()} cores"
    if dtype == "auto":
        wanted = torch.bfloat16 if (torch.cuda.is_bf16_supported() if on_gpu else cpu_has_bf16()) else torch.float32
    else:
        wanted = {"bf16": torch.bfloat16, "fp32": torch.float32}[dtype]
    return Device(chosen, wanted, name)


def _take_own_gpu() -> None:
    """Make the GPU with this process's number the one that torch uses, where torchrun gave it a number (LOCAL_RANK)."""
    import torch

    if "LOCAL_RANK" not in os.environ:
        return
    own, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if own >= gpus:
        raise UsageError(
            f"torchrun started over {own} processes on this machine and torch sees {gpus} of its GPUs; start one a GPU "
            f"(--nproc-per-node={gpus}), or compute on the CPU (device=cpu)"
        )
    torch.cuda.set_device(own)


def cpu_has_bf16() -> bool:
    """Tell whether this CPU multiplies bf16 in hardware (AVX512-BF16 or AMX); elsewhere bf16 is slower than fp32."""
    flags = _cpuinfo("flags").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def cpu_name() -> str:
    """Return the CPU's model name as the system reports it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_count() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def moved(tensor: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """Return a tensor made on the CPU on the device. A GPU's work is not waited for, as a plain copy would."""
    import torch

    if torch.device(device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def free_memory(device: torch.device) -> int:
    """Return free bytes on the device: the GPU's, or what the system calls available."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 2 << 30


def keep_freed_memory() -> None:
    """Have the C library keep freed memory for the next tensors, instead of giving large ones back to the system.

    A training step makes and frees gigabytes, and a page that comes anew from the system must be cleared first: 1.6
    million of them took 12 % of a step of Qwen2.5-0.5B on two cores. Only glibc has this switch; elsewhere nothing is
    done.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 1 << 30)
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)


OUT_OF_MEMORY_SIGNS = (
    "out of memory", "can't allocate memory", "not enough memory", "std::bad_alloc", "Cannot allocate memory",
    "STATUS_ALLOC_FAILED", "hipErrorOutOfMemory",
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory was lacking: torch's own class on a GPU, plain RuntimeErrors from its allocator on a CPU."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in OUT_OF_MEMORY_SIGNS)


def release_memory(error: BaseException) -> None:
    """Give back what the failed work held: the tensors in the frames of `error`, then the GPU's cached blocks."""
    import torch

    traceback.clear_frames(error.__traceback__)
    error.__traceback__ = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def peak_memory(device: torch.device) -> int:
    """Return the peak bytes used so far: on the GPU if that is the device, else this process's resident set."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def versions() -> dict[str, Any]:
    """Return hardware and library versions for run records and bug reports."""
    import importlib.metadata as metadata

    import torch

    names = ("torch", "transformers", "tokenizers", "safetensors", "peft", "huggingface_hub", "numpy")
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "python": platform.python_version(), "system": f"{platform.system()} {platform.release()}",
        "cpu": cpu_name(), "cores": cpu_count(), "gpu": gpu, "libraries": found,
    }  # fmt: skip


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return ""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""

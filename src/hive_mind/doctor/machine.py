"""The machine: system, torch's build, the device and its driver, memory and disk."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import torch

from hive_mind.device import cpu_count, cpu_name, free_memory, pick
from hive_mind.doctor.check import Check
from hive_mind.doctor.programs import first_line

MEMORY_NEEDED = 6 << 30
"""Qwen2.5-0.5B in training takes about this much on a CPU; less with a smaller training.batch_size."""
DISK_NEEDED = 5 << 30
"""The base (1 GB) and the public data sets, with a run's checkpoints and versions."""
GPU_NODES = {"/dev/kfd": "an AMD", "/dev/nvidiactl": "an NVIDIA"}
RDNA4 = ("gfx1200", "gfx1201")
RDNA4_ADVICE = (
    "on this chip hipBLASLt has read beyond LoRA's narrow matrices (illegal memory access, always at the same step), "
    "and has given wrong products; if a run dies so, set TORCH_BLAS_PREFER_HIPBLASLT=0, then "
    "PYTORCH_NO_HIP_MEMORY_CACHING=1, and reboot after a fault; fast attention needs "
    "TORCH_ROCM_AOTRITON_ENABLE_EXPERIMENTAL=1"
)


def system() -> Check:
    """Name the system and its processor."""
    software = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return Check("system", "ok", f"{software}, {cpu_name()}, {cpu_count()} cores")


def torch_and_device() -> list[Check]:
    """Tell torch's build, the device that training would take, its driver, and whether it multiplies bf16."""
    builds = {"ROCm": torch.version.hip, "CUDA": torch.version.cuda}
    build = next((f"{name} {version}" for name, version in builds.items() if version), "CPU")
    return [Check("torch", "ok", f"{torch.__version__} ({build})"), _device(), _bf16()]


def _device() -> Check:
    if torch.cuda.is_available():
        return _gpu()
    nodes = [kind for node, kind in GPU_NODES.items() if Path(node).exists()]
    if nodes:
        return Check(
            "device", "note", f"CPU, although {nodes[0]} GPU's driver is here",
            "torch sees no GPU: bring its ROCm or CUDA build (https://pytorch.org/get-started/locally) and run "
            "`make setup PYTHON=...`; with ROCm your user must be in the groups render and video",
        )  # fmt: skip
    return Check(
        "device", "note", "CPU: no GPU", "training Qwen2.5-0.5B takes hours on a CPU; the sample run takes minutes"
    )


def _gpu() -> Check:
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    found = f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB"
    if torch.version.hip:
        chip = str(getattr(properties, "gcnArchName", "")).split(":")[0]
        advice = RDNA4_ADVICE if chip in RDNA4 else ""
        return Check("device", "note" if advice else "ok", f"{found}, {chip}, amdgpu {_amdgpu_version()}", advice)
    return Check("device", "ok", f"{found}, driver {_nvidia_driver()}")


def _amdgpu_version() -> str:
    file = Path("/sys/module/amdgpu/version")
    return file.read_text().strip() if file.is_file() else "of the kernel"


def _nvidia_driver() -> str:
    return (
        first_line(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]) or "unknown (no nvidia-smi)"
    )


def _bf16() -> Check:
    if pick().dtype == torch.bfloat16:  # what `dtype: auto` takes where the device has it
        return Check("bf16", "ok", "multiplied in hardware")
    return Check("bf16", "note", "not multiplied in hardware", "training computes in fp32: twice the memory, slower")


def memory() -> Check:
    """Tell how much memory is free on the device."""
    free = free_memory(pick().torch_device)
    found = f"{free / 2**30:.1f} GiB free"
    if free >= MEMORY_NEEDED:
        return Check("memory", "ok", found)
    advice = f"Qwen2.5-0.5B in training takes about {MEMORY_NEEDED >> 30} GiB; lower training.batch_size and max_length"
    return Check("memory", "note", found, advice)


def disk(folder: Path) -> Check:
    """Tell how much space there is where data and models are kept; `folder` need not exist yet."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 2**30:.1f} GiB free in {folder}"
    if free >= DISK_NEEDED:
        return Check("disk", "ok", found)
    advice = (
        f"the base, the data sets and a run take about {DISK_NEEDED >> 30} GiB; free space, or set HF_HOME elsewhere"
    )
    return Check("disk", "note", found, advice)

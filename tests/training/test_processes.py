"""Which device each of torchrun's processes takes, and how they speak to each other. GPUs are pretended here."""

import pytest
import torch

from hive_mind.device import Device, pick
from hive_mind.errors import UsageError
from hive_mind.training.processes import ALONE, Processes, joined

GPU, CPU = (Device(torch.device(kind), torch.float32, kind) for kind in ("cuda", "cpu"))


@pytest.fixture
def taken(monkeypatch):
    """The GPUs that were made a process's own, on a machine with two."""
    found = [0]
    for name, does in {
        "is_available": lambda: True, "device_count": lambda: 2, "set_device": found.append,
        "current_device": lambda: found[-1], "get_device_name": lambda: "a GPU", "is_bf16_supported": lambda: True,
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, does)
    return found


def start(monkeypatch, rank, world):
    for name, value in (("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", world)):
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize(("wanted", "device"), [("auto", "cuda:1"), ("cuda", "cuda:1"), ("cpu", "cpu")])
def test_each_process_has_a_gpu_of_its_own_unless_it_computes_elsewhere(monkeypatch, taken, wanted, device):
    start(monkeypatch, 1, 2)
    assert pick(wanted).torch_device == torch.device(device)
    assert taken == ([0] if wanted == "cpu" else [0, 1])


def test_a_process_alone_takes_what_torch_gives(taken):
    assert pick().torch_device == torch.device("cuda:0")
    with joined(GPU) as processes:
        assert processes is ALONE
    assert taken == [0]


def test_more_processes_than_gpus(monkeypatch, taken):
    start(monkeypatch, 2, 3)
    with pytest.raises(UsageError, match=r"over 2 processes on this machine and torch sees 2 of its GPUs; start one a"):
        pick()
    assert taken == [0]


@pytest.mark.parametrize(("device", "backend"), [(GPU, "nccl"), (CPU, "gloo")])
def test_processes_on_cpus_need_no_gpu_to_speak(monkeypatch, taken, device, backend):
    start(monkeypatch, 0, 2)
    joins: list[str] = []
    monkeypatch.setattr(torch.distributed, "init_process_group", joins.append)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: joins.append("left"))
    with joined(device) as processes:
        assert processes == Processes(0, 2)
    assert joins == [backend, "left"]

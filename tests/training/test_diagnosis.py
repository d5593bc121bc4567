"""Why a worker ended, from what it left: real texts of drivers, exit statuses, the kernel's counts."""

import signal
import subprocess
import sys

import pytest

from hive_mind.training.diagnosis import LastWords, diagnose, free_share, oom_kills

HIP = """Traceback (most recent call last):
  File "train.py", line 1, in <module>
torch.AcceleratorError: HIP error: an illegal memory access was encountered
HIP kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.
"""


@pytest.mark.parametrize(
    ("errors", "status", "cause"),
    [
        (HIP, 1, "gpu_fault"),
        ("RuntimeError: CUDA error: an illegal memory access was encountered\n", 1, "gpu_fault"),
        ("Memory access fault by GPU node-1 (Agent handle: 0x5) on address 0x7f2d4a600000.\n", -6, "gpu_fault"),
        (":0:rocdevice.cpp:3020: HSA_STATUS_ERROR_OUT_OF_RESOURCES\n", -6, "gpu_fault"),
        ("torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.32 GiB.\n", 1, "memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'\n", -6, "memory"),
        ("", -signal.SIGKILL, "killed"),
        ("", -signal.SIGSEGV, "crash"),
        ("Fatal Python error: Segmentation fault\n", -signal.SIGSEGV, "crash"),
        ("Traceback (most recent call last):\nKeyError: 'x'\n", 1, "crash"),
    ],
)
def test_the_cause(errors, status, cause):
    assert diagnose(LastWords(errors=errors), status, hung=False, oom_kills=0).cause == cause


def test_a_kill_by_the_kernel_for_memory_is_told_by_its_count():
    ending = diagnose(LastWords(), -signal.SIGKILL, hung=False, oom_kills=1)
    assert ending.cause == "memory"
    assert "the kernel killed it" in str(ending)


def test_a_kill_while_memory_was_short_is_taken_for_one_for_memory():
    ending = diagnose(LastWords(), -signal.SIGKILL, hung=False, oom_kills=0, free_share=0.04)
    assert ending.cause == "memory"
    assert "only 4% of the memory was free" in str(ending)
    assert 0 < free_share() < 1


def test_what_was_ended_for_standing_still_was_not_killed():
    assert diagnose(LastWords(place="step 4"), -signal.SIGKILL, hung=True, oom_kills=0).cause == "hang"


def test_the_sentence_names_place_and_words():
    words = LastWords(errors=HIP)
    words.hear({"at": "step 18", "step": 18, "indices": [3, 4]})
    ending = diagnose(words, 1, hung=False, oom_kills=0)
    assert str(ending) == (
        "the training process met a fault of the GPU at step 18 (torch.AcceleratorError: HIP error: an illegal memory "
        "access was encountered)"
    )
    assert (ending.words.step, ending.words.indices) == (18, (3, 4))


def test_what_the_worker_reports_itself_comes_first():
    words = LastWords(errors="something else\n", end={"end": "memory", "message": "RuntimeError: can't allocate"})
    ending = diagnose(words, 1, hung=False, oom_kills=0)
    assert (ending.cause, ending.detail) == ("memory", "RuntimeError: can't allocate")


def test_kernel_kills_are_counted():
    before = oom_kills()
    subprocess.run([sys.executable, "-c", ""], check=True)
    assert oom_kills() == before >= 0

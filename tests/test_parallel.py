"""Batches on all cores give what one core gives, in the same order; failures are told, and no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hive_mind import parallel
from hive_mind.errors import DataRefused, HiveMindError
from hive_mind.parallel import ALONE, in_order

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all is done in one process")
BATCHES = [[n, n + 1] for n in range(40)]


def children() -> set[str]:
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    """Other tests of this process may have left theirs, such as a library's resource tracker."""
    before = children()
    yield
    assert children() <= before


def work(batch: list[int]) -> tuple[int, int]:
    time.sleep(0.002 * (batch[0] % 3))  # so that later batches are done before earlier ones
    return sum(batch), os.getpid()


def test_results_come_in_order_and_from_other_processes() -> None:
    results = list(in_order(work, BATCHES, processes=2))
    assert [total for total, _ in results] == [sum(batch) for batch in BATCHES]
    here = [pid for _, pid in results[:ALONE]]
    elsewhere = {pid for _, pid in results[ALONE:]}
    assert here == [os.getpid()] * ALONE and 1 <= len(elsewhere) <= 2 and os.getpid() not in elsewhere


@pytest.mark.parametrize(("batches", "processes"), [(BATCHES[:ALONE], 2), (BATCHES, 1)])
def test_little_work_and_one_core_start_no_process(batches: list[list[int]], processes: int) -> None:
    assert {pid for _, pid in in_order(work, batches, processes)} == {os.getpid()}


@pytest.mark.usefixtures("no_process_is_left")
def test_batches_are_read_as_they_are_needed() -> None:
    read = []

    def batches() -> Iterator[list[int]]:
        for batch in BATCHES:
            read.append(batch)
            yield batch

    results = in_order(work, batches(), processes=2)
    for _ in range(ALONE + 1):
        next(results)
    assert len(read) <= ALONE + 1 + 2 * parallel.AHEAD + 1
    results.close()


def failing(batch: list[int]) -> int:
    if batch[0] == 20:
        raise DataRefused("row 20 is broken")
    return batch[0]


def killed(batch: list[int]) -> int:
    if batch[0] == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return batch[0]


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("no_process_is_left")
@pytest.mark.parametrize(
    ("function", "error", "says"),
    [(failing, DataRefused, "row 20 is broken"), (killed, HiveMindError, "was killed, probably because the memory")],
)
def test_what_fails_is_told(function: Callable[[list[int]], int], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        list(in_order(function, BATCHES, processes=2))


@pytest.mark.timeout(60)
def test_no_process_outlives_its_parent() -> None:
    script = (
        "import os, sys, time\nfrom hive_mind.parallel import in_order\n"
        "for pid in in_order(lambda batch: os.getpid(), range(1000), 2):\n"
        "    if pid != os.getpid(): print(pid, flush=True); time.sleep(100)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists()

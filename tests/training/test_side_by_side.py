"""Micro-batches at once: the same gradient as one after the other, and the same bits on every run."""

from types import SimpleNamespace

import pytest
import torch

from hive_mind.training import train
from hive_mind.training.log import LOG_FILE, read_log
from hive_mind.training.side_by_side import LARGEST_HIDDEN_SIZE, pool_of, worker_count


@pytest.fixture
def two_threads(one_thread):
    torch.set_num_threads(2)


def model(hidden_size: int, device: str = "cpu") -> SimpleNamespace:
    return SimpleNamespace(config=SimpleNamespace(hidden_size=hidden_size), device=torch.device(device))


def test_small_bases_take_a_core_a_micro_batch_large_ones_and_gpus_one_at_a_time(two_threads) -> None:
    assert worker_count("auto", model(LARGEST_HIDDEN_SIZE), 4) == 2
    assert worker_count("auto", model(LARGEST_HIDDEN_SIZE + 1), 4) == 1
    assert worker_count(2, model(LARGEST_HIDDEN_SIZE + 1), 4) == 2
    assert worker_count("auto", model(64), 1) == 1
    assert worker_count(8, model(64), 8) == 2
    assert worker_count(2, model(64, "cuda"), 4) == 1


def test_each_worker_has_its_share_of_the_cores_and_the_caller_all_of_them_again(two_threads) -> None:
    with pool_of(2) as pool:
        assert pool is not None
        assert set(pool.map(lambda _: torch.get_num_threads(), range(8))) == {1}
    with pool_of(1) as pool:
        assert pool is None
    assert torch.get_num_threads() == 2


def test_a_run_side_by_side_computes_what_one_after_the_other_computes(two_threads, request_for) -> None:
    losses = {}
    for name, workers in (("one", 1), ("two", 2), ("again", 2)):
        request = request_for(f"models/{name}_v1", side_by_side=workers, epochs=1)
        train(request)
        rows = [row for row in read_log(request.output / LOG_FILE) if row.get("loss") is not None]
        losses[name] = [(row["loss"], row["grad_norm"]) for row in rows]
    assert losses["two"] == losses["again"]
    for one, two in zip(losses["one"], losses["two"], strict=True):
        assert one == pytest.approx(two, rel=1e-4)

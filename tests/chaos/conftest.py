"""Supervised runs on a small base: real processes that die, hang and are killed, on one thread so that bits repeat."""

from pathlib import Path

import pytest

from hive_mind.training.log import LOG_FILE, read_log
from tests.training.conftest import base, dataset  # noqa: F401
from tests.training.conftest import request_for as plain_request_for  # noqa: F401


@pytest.fixture(autouse=True)
def one_thread_each(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def request_for(plain_request_for):  # noqa: F811
    """Make a request for a supervised run with short pauses, changed as asked."""

    def make(output: str = "models/small_v1", **changes):
        return plain_request_for(output, **{"supervise": True, "restart_pause": 0.0, **changes})

    return make


def losses(folder: Path) -> list[dict]:
    """What the log says of the course of a run, without times and restarts."""
    keys = ("step", "epoch", "loss", "learning_rate", "grad_norm")
    return [{key: row[key] for key in keys} for row in read_log(folder / LOG_FILE) if "loss" in row]

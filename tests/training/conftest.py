"""A small base, a small dataset, and one thread: these tests compare numbers, not speed."""

from pathlib import Path

import orjson
import pytest
import torch

from hive_mind.model.base import Base, ModelSettings, resolve_base
from hive_mind.training import TrainingSettings, TrainRequest
from tests.small_base import write_base


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Base:
    return resolve_base(ModelSettings(base=str(write_base(tmp_path_factory.mktemp("base") / "small-base"))))


def row(number: int, source: str = "code_alpaca") -> dict:
    words = " ".join(f"word{number * 7 + i}" for i in range(1 + number % 5))
    return {
        "messages": [{"role": "user", "content": f"say {words}"}, {"role": "assistant", "content": words}],
        "metadata": {"source": source},
    }


def write_rows(path: Path, rows: list[dict]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in rows))
    return path


@pytest.fixture
def dataset(tmp_path) -> Path:
    """Twenty short rows of two sources."""
    rows = [row(number, "code_alpaca" if number % 2 else "usage_notes") for number in range(20)]
    return write_rows(tmp_path / "dataset.jsonl", rows)


@pytest.fixture
def request_for(base, dataset, tmp_path):
    """Make a request: small steps of 8 examples in fp32, changed as asked."""

    def make(output: str = "models/small_v1", validation: Path | None = None, data: Path = dataset, **changes):
        settings = {
            "epochs": 2, "batch_size": 2, "grad_accum": 4, "learning_rate": 1e-2, "lora_r": 4, "lora_alpha": 8,
            "dtype": "fp32", "device": "cpu", "max_length": 256, "warmup_share": 0.0, "supervise": False, **changes,
        }  # fmt: skip
        return TrainRequest(data, base, TrainingSettings(**settings), tmp_path / output, validation)

    return make

"""Qwen2.5-0.5B's shape, rows of 2,048 tokens, a machine of 24 GB: `batch_size=auto` fits, and says how it chose."""

import json
import re
import shutil

import orjson
import pytest
import torch
from safetensors.torch import save_file

from hive_mind.device import Device, free_memory
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.model.qwen2 import Qwen2, Qwen2Config
from hive_mind.training import TrainingSettings, TrainRequest, train

pytestmark = pytest.mark.chaos
GIB = 1 << 30


@pytest.fixture
def half_billion(real_data, tmp_path):
    """The real config and tokenizer with random weights."""
    folder = tmp_path / "base"
    shutil.copytree(real_data / "qwen2.5-0.5b", folder)
    torch.manual_seed(0)
    with torch.device("meta"):
        model = Qwen2(Qwen2Config.from_folder(folder))
    weights = {name: torch.randn(p.shape).mul_(0.02).bfloat16() for name, p in model.named_parameters()}
    norms = {name: weight.abs() for name, weight in weights.items() if "norm" in name}
    save_file({**weights, **norms}, folder / "model.safetensors")
    return resolve_base(ModelSettings(base=str(folder)))


@pytest.mark.timeout(1800)
def test_it_fits_and_says_how_it_chose(half_billion, tmp_path, capfd):
    rows = []
    for number in range(16):
        words = " ".join(f"w{number}" for _ in range(20 + 42 * number))
        rows.append({"messages": [{"role": "user", "content": "repeat"}, {"role": "assistant", "content": words}],
                     "metadata": {"source": "code_alpaca"}})  # fmt: skip
    dataset = tmp_path / "dataset.jsonl"
    dataset.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    settings = TrainingSettings(batch_size="auto", max_length=2048, max_steps=1, device="cpu", warmup_share=0.0)
    result = train(TrainRequest(dataset, half_billion, settings, tmp_path / "models" / "half_v1"))
    said = capfd.readouterr().err
    print(said)
    chosen = re.search(r"batch_size=auto: micro-batches of up to ([\d,]+) tokens, activations kept", said)
    assert chosen, said
    longest = max(bucket["up_to"] for bucket in result.run["dataset"]["lengths"] if bucket["examples"])
    print(json.dumps({"longest_bucket": longest, "peak_gib": result.metrics["peak_memory_bytes"] / GIB}))
    assert longest > 1024
    assert result.metrics["peak_memory_bytes"] < 24 * GIB
    assert free_memory(Device(torch.device("cpu"), torch.float32, "test").torch_device) > 0

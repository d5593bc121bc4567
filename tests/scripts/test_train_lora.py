"""The training report's command at the report's size: Qwen2.5-0.5B's real config and tokenizer, random weights.

Takes about two minutes on two cores, which is why there is one run and everything about it is looked at.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hive_mind import registry
from hive_mind.model.attention import Layout
from hive_mind.model.base import ModelSettings, load_model, resolve_base
from hive_mind.model.lora import load_adapter
from hive_mind.model.qwen2 import Qwen2, Qwen2Config
from hive_mind.training.log import LOG_FILE, read_log

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "train_lora.py"
PARAMETERS, TRAINABLE = 494_032_768, 8_798_208

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def half_billion(real_data, tmp_path_factory):
    """A folder like the hub's, with random weights in bf16."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("model") / "qwen"
    shutil.copytree(real_data / "qwen2.5-0.5b", folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    with torch.device("meta"):
        model = Qwen2(Qwen2Config.from_folder(folder))
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, parameter in model.named_parameters():
        empty = torch.empty(parameter.shape, dtype=torch.bfloat16)
        tensors[name] = empty.fill_(1.0) if "norm" in name else empty.normal_(0, 0.02, generator=generator)
    assert sum(tensor.numel() for tensor in tensors.values()) == PARAMETERS
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def short_rows(real_data, tmp_path_factory):
    """The sixteen shortest real rows that have an answer of a few words."""
    rows = json.loads((real_data / "code_alpaca" / "code_alpaca_20k.json").read_text())
    rows = [row for row in rows if len(row["output"]) > 40 and not row["input"]]
    rows.sort(key=lambda row: len(row["instruction"]) + len(row["output"]))
    file = tmp_path_factory.mktemp("data") / "training_dataset_foundation_final.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows[:16]))
    return file


@pytest.fixture(scope="module")
def trained(half_billion, short_rows, tmp_path_factory):
    """The report's command, with three steps of the same sixteen rows and no warm-up."""
    models = tmp_path_factory.mktemp("models")
    command = [
        sys.executable, str(SCRIPT), "--model", str(half_billion), "--dataset", str(short_rows),
        "--output", str(models / "foundation_v1"), "--epochs", "3", "--batch-size", "2", "--grad-accum", "8",
        "--lora-r", "16", "--lora-alpha", "32", "--max-steps", "3", "--warmup-share", "0",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    return models / "foundation_v1", done


def test_it_trains_the_report_s_parameters(trained):
    folder, done = trained
    record = json.loads((folder / "run.json").read_text())
    assert record["lora"]["trainable"] == TRAINABLE
    assert record["base"]["parameters"] == PARAMETERS
    assert record["lora"]["share"] == pytest.approx(0.0175, abs=1e-4)
    assert f"{TRAINABLE:,} trainable parameters (1.75% of all)" in done.stderr
    assert registry.verify(folder) == []


def test_the_adapter_file_has_the_report_s_size(trained):
    folder, _ = trained
    size = (folder / "adapter_model.safetensors").stat().st_size
    assert size == pytest.approx(17.6e6, abs=0.05e6)
    assert size > 2 * TRAINABLE


def test_it_learns(trained):
    folder, _ = trained
    losses = [row["loss"] for row in read_log(folder / LOG_FILE)]
    assert len(losses) == 3
    assert losses[2] < losses[0]


def test_peft_loads_it_and_computes_the_same(trained, half_billion):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from hive_mind.device import Device

    folder, _ = trained
    # In fp32: three steps change a model of random weights little more than bf16 rounds it.
    theirs = AutoModelForCausalLM.from_pretrained(half_billion, dtype=torch.float32)
    ids = torch.arange(100, 130)
    with torch.no_grad():
        plain = theirs(ids[None]).logits[0]
        theirs = PeftModel.from_pretrained(theirs, folder).eval()
        expected = theirs(ids[None]).logits[0]
        del theirs
        base = resolve_base(ModelSettings(base=str(half_billion)))
        model = load_model(base, Device(torch.device("cpu"), torch.float32, "test"))
        load_adapter(model, folder)
        found = model.project(model.hidden(ids, Layout.from_lengths([len(ids)])))
    noise, change = (found - expected).norm(), (expected - plain).norm()
    assert noise < 1e-3 * expected.norm()
    assert change > 100 * noise

"""`hive-mind train` and `hive-mind monitor`, and the report's train_lora.py, as a user calls them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hive_mind.cli.main import _run
from tests.small_base import write_base
from tests.training.conftest import one_thread, row, write_rows  # noqa: F401  (one_thread is a fixture)

REPOSITORY = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
RECIPE = ["training.epochs=1", "training.dtype=fp32", "training.device=cpu", "training.lora_r=4"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a base, a built dataset and its validation rows."""
    monkeypatch.chdir(tmp_path)
    write_base(tmp_path / "small-base")
    (tmp_path / "data").mkdir()
    write_rows(tmp_path / "data" / "training_dataset_foundation_final.jsonl", [row(number) for number in range(20)])
    write_rows(tmp_path / "data" / "validation.jsonl", [row(number) for number in range(30, 34)])
    return tmp_path


def test_without_paths_it_takes_the_built_dataset_and_the_next_version(here, capsys):
    assert _run(["train", "model.base=small-base", *RECIPE, "--json"]) == 0
    output = capsys.readouterr().out.splitlines()
    assert json.loads(output[-1])["folder"] == "models/foundation_v1"
    assert any(line.startswith("validation loss ") for line in output)
    assert "next: hive-mind evaluate models/foundation_v1" in output
    assert _run(["train", "model.base=small-base", *RECIPE]) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert _run(["train", "model.base=small-base", *RECIPE, "training.seed=1"]) == 0
    assert (here / "models" / "foundation_v2" / "manifest.json").is_file()


def test_config_options_and_overrides_together(here, capsys):
    (here / "mine.yaml").write_text("name: mine\ntraining: {epochs: 2, dtype: fp32}\nmodel: {base: small-base}\n")
    write_rows(here / "other.jsonl", [row(number) for number in range(40)])
    arguments = ["train", "training.batch_size=1", "training.grad_accum=4", "--config", "mine.yaml", "--max-steps", "2"]
    assert _run([*arguments, "--dataset", "other.jsonl", "--output", "models/named_v7", "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out.splitlines()[-1])["metrics"]["examples_seen"] == 8
    record = json.loads((here / "models" / "named_v7" / "run.json").read_text())
    assert record["validation"] is None  # the split beside another dataset may hold rows of this one
    assert record["settings"]["epochs"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["training.epoch=1"], 2, "did you mean training.epochs?"),
        (["training.batch_size=0"], 2, "training.batch_size"),
        (["--dataset", "nowhere.jsonl", "model.base=small-base"], 2, "nowhere.jsonl does not exist"),
        (["model.base=nowhere"], 2, "neither a folder nor a model's name"),
        (["--dataset", "broken.jsonl", "model.base=small-base"], 4, "line 2"),
        (["training.device=cuda", "model.base=small-base"], 2, "device=cuda was asked for"),
    ],
)
def test_bad_input_is_one_sentence_and_the_right_code(here, capsys, monkeypatch, arguments, code, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    (here / "broken.jsonl").write_bytes(b'{"messages": []}\n{"messages"\n')
    assert _run(["train", *arguments]) == code
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not (here / "models").exists()


def test_monitor_shows_a_finished_run_once(here, capsys):
    assert _run(["train", "model.base=small-base", *RECIPE]) == 0
    capsys.readouterr()
    assert _run(["monitor", "--once", "--json"]) == 0
    output = capsys.readouterr().out
    assert "foundation_v1 (finished)" in output
    assert "next: hive-mind models show foundation_v1" in output
    assert json.loads(output.splitlines()[-1])["step"] == 2
    assert _run(["monitor", "soon_v1", "--once"]) == 2


def test_the_report_s_command_from_a_shell_without_the_environment(here):
    """Its flags as they were written, run by a python that cannot import the package: it goes on under .venv."""
    system = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin") or sys.executable
    command = [
        system, str(REPOSITORY / "scripts" / "train_lora.py"), "--model", "small-base",
        "--dataset", "data/training_dataset_foundation_final.jsonl", "--output", "models/foundation_v1",
        "--epochs", "3", "--batch-size", "2", "--grad-accum", "8", "--lora-r", "16", "--lora-alpha", "32",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=here, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads((here / "models" / "foundation_v1" / "run.json").read_text())
    assert record["batch"] == {"micro": 2, "micro_tokens": None, "accumulation": 8, "effective": 16}
    assert record["settings"]["lora_r"] == 16
    assert "train_lora.py --model small-base" in record["command"]
    assert "validation loss" in done.stdout
    again = subprocess.run(
        [*command[:-1], "64"], cwd=here, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )
    assert again.returncode == 2
    assert again.stderr.splitlines()[-1].startswith("error: models/foundation_v1 holds another run's version")


def test_help_needs_no_torch():
    program = (
        "import sys; from hive_mind.cli.main import _run; _run(['train', '--help']); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "--max-steps" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"

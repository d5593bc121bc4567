"""The training report's own command, from the hub on loopback and from a folder, without an activated environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loopback_hub import loopback_hub
from tests.raw_rows import (
    code_row,
    glaive_row,
    shell_row,
    usage_row,
    write_array,
    write_lines,
    write_raw_folder,
    xlam_row,
)

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
COMMAND = "scripts/download_datasets.py --max-per-dataset 5000 --datasets all"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with the scripts and, in place of an installed .venv, a way to this test's interpreter."""
    shutil.copytree(SCRIPTS, tmp_path / "checkout" / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    python = tmp_path / "checkout" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return tmp_path / "checkout"


def bare_python() -> str:
    """The interpreter below this environment, which knows nothing of hive_mind; -S keeps any site-packages away."""
    return getattr(sys, "_base_executable", sys.executable)


def run(repository: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [bare_python(), "-S", *command.split()],
        cwd=repository, env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip


def lines(path: Path) -> int:
    return len(path.read_bytes().splitlines())


def test_the_reports_command_unchanged(repository: Path, tmp_path: Path) -> None:
    hub_folders = {
        "datasets/sahil2801/CodeAlpaca-20k": tmp_path / "code",
        "datasets/glaiveai/glaive-function-calling-v2": tmp_path / "glaive",
        "datasets/westenfelder/NL2SH-ALFA": tmp_path / "shell",
        "datasets/Salesforce/xlam-function-calling-60k": tmp_path / "xlam",
    }
    write_array(tmp_path / "code" / "code_alpaca_20k.json", [code_row(n) for n in range(60)])
    write_array(tmp_path / "glaive" / "glaive-function-calling-v2.json", [glaive_row(n) for n in range(60)])
    (tmp_path / "shell" / "train").mkdir(parents=True)
    (tmp_path / "shell" / "train" / "train.csv").write_text(
        "nl,bash\n" + "".join(f'{row["nl"]},"{row["bash"]}"\n' for row in map(shell_row, range(60)))
    )
    (tmp_path / "shell" / "test.csv").write_text("nl,bash,bash2\nheld back,ls,ls\n")
    write_array(tmp_path / "xlam" / "xlam_function_calling_60k.json", [xlam_row(n) for n in range(60)])
    write_lines(repository / "data" / "automated" / "training_data_1.jsonl", [usage_row(n) for n in range(12)])
    with loopback_hub(hub_folders, gated={"datasets/Salesforce/xlam-function-calling-60k"}) as hub:
        environment = hub.environment(tmp_path / "cache") | {"HF_TOKEN": ""}
        first = run(repository, COMMAND, **environment)
        second = run(repository, COMMAND, **environment)
    assert first.returncode == 0, first.stderr
    assert "xlam is left out: Salesforce/xlam-function-calling-60k is gated" in first.stderr
    data = repository / "data"
    parts = [lines(data / "external" / f"{name}.jsonl") for name in ("code_alpaca", "glaive_tools", "bash_commands")]
    assert all(parts) and lines(data / "external" / "merged_dataset.jsonl") == sum(parts)
    assert lines(data / "training_dataset_foundation_final.jsonl") > sum(parts), "real usage belongs to it too"
    assert not (data / "external" / "xlam.jsonl").exists()
    assert "held back" not in (data / "external" / "bash_commands.jsonl").read_text()
    assert (data / "hub.lock.json").is_file()
    assert "code_alpaca" in first.stdout and "100.0%" in first.stdout
    assert second.returncode == 0 and "nothing changed" in second.stderr and second.stdout == first.stdout


def test_from_a_folder_with_a_cap_and_a_choice(repository: Path, tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=90, shell=90)
    done = run(
        repository,
        f"scripts/download_datasets.py --max-per-dataset 20 --datasets code_alpaca --from {tmp_path / 'raw'}",
    )
    assert done.returncode == 0, done.stderr
    assert lines(repository / "data" / "external" / "code_alpaca.jsonl") == 20
    assert not (repository / "data" / "external" / "bash_commands.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("--from absent", 2, "error: data.raw_dir=absent is not a folder"),
        ("--max-per-dataset 0", 2, "invalid positive value"),
        ("--datasets glave", 2, "invalid choice: 'glave'"),
        ("", 1, "error: could not fetch sahil2801/CodeAlpaca-20k from http://127.0.0.1:9"),
    ],
)
def test_errors_are_one_sentence_with_their_exit_code(repository: Path, arguments: str, code: int, said: str) -> None:
    done = run(repository, f"scripts/download_datasets.py {arguments}", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == code
    assert said in done.stderr and "Traceback" not in done.stderr


def test_without_an_environment_it_says_how_to_make_one(repository: Path) -> None:
    shutil.rmtree(repository / ".venv")
    done = run(repository, COMMAND)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: hive_mind is not installed; run `make setup` in {repository} first, then this command again\n"
    )


def test_a_broken_environment_is_not_started_for_ever(repository: Path) -> None:
    """A .venv whose own interpreter lacks hive_mind must end in the message too."""
    python = repository / ".venv" / "bin" / "python"
    python.unlink()
    subprocess.run([bare_python(), "-m", "venv", "--without-pip", str(repository / ".venv")], check=True)
    done = run(repository, COMMAND)
    assert done.returncode == 1 and "make setup" in done.stderr

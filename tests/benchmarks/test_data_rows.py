"""The benchmark's rows are what it promises: distinct, with counted near-duplicates, and the same every time."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

from hive_mind.curation import DataSettings, build

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


data_rows = load("data_rows")
data_build = load("data_build")


@pytest.fixture(scope="module")
def made(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    folder = tmp_path_factory.mktemp("rows")
    return folder, data_rows.write_raw(real_data, folder, 0.01)


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "raw" / "glaive_tools" / "glaive_tools.jsonl").read_bytes().splitlines()


def test_as_many_rows_as_asked_for_are_written_and_the_same_again(
    made: tuple[Path, dict[str, int]], real_data: Path, tmp_path: Path
) -> None:
    folder, rows = made
    assert rows == {"glaive_tools": 1130 + 113, "code_alpaca": 200, "bash_commands": 127}
    assert len(lines_of(folder)) == 1243
    data_rows.write_raw(real_data, tmp_path, 0.01)
    for file in (file for file in folder.rglob("*") if file.is_file()):
        assert file.read_bytes() == (tmp_path / file.relative_to(folder)).read_bytes()


def test_cluster_sizes_add_up_to_the_copies_and_reach_from_2_to_500() -> None:
    sizes = data_rows.cluster_sizes(11_296, random.Random(1))
    assert sum(size - 1 for size in sizes) == 11_296
    assert (min(sizes), max(sizes)) == (2, 500)


def test_planted_rows_have_most_shingles_in_common_and_other_rows_few(made: tuple[Path, dict[str, int]]) -> None:
    folder, _ = made
    rows = [orjson.loads(line) for line in lines_of(folder)]
    clusters = orjson.loads((folder / data_rows.PLANTED_NAME).read_bytes())["clusters"]
    assert sum(len(cluster) - 1 for cluster in clusters) == 113
    for cluster in clusters:
        shingles = [shingles_of(rows[line - 1]) for line in cluster]
        assert all(max(alike(one, other) for other in shingles if other is not one) >= 0.8 for one in shingles)
    planted = {line for cluster in clusters for line in cluster}
    others = [shingles_of(row) for line, row in enumerate(rows, 1) if line not in planted and len(row["chat"]) > 800]
    assert max(alike(one, other) for one, other in pairwise(others)) < 0.8


def shingles_of(row: dict[str, Any]) -> set[tuple[str, ...]]:
    said = re.findall(r"(?:USER|ASSISTANT): (.*?)(?=<\|endoftext\|>|\n\n\n|$)", row["chat"], re.DOTALL)
    words = re.findall(r"\w+", " ".join(said).lower())
    return set(zip(*(words[start:] for start in range(5)), strict=False))


def alike(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other)


def test_the_deduplication_finds_the_planted_rows_and_leaves_the_others(made: tuple[Path, dict[str, int]]) -> None:
    folder, _ = made
    build(DataSettings(dir=folder / "dataset", raw_dir=folder / "raw"), say=lambda _: None)
    share = data_build.found_share(folder)
    assert share["planted"] == 113
    assert share["found"] >= 0.95 and share["others_survive"] >= 0.9


def test_without_the_real_data_the_benchmark_says_so() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HIVE_MIND_REAL_DATA"}
    command = [sys.executable, str(BENCHMARKS / "data_build.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "HIVE_MIND_REAL_DATA is not set" in done.stderr

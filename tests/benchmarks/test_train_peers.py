"""The training benchmark's machinery: our own worker, steps in turn, what failed workers leave behind, the figures."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import train_contenders
import train_figures
import train_peers
from train_protocol import FIGURES, OutOfMemory, Worker, WorkerFailed

from tests.benchmarks.conftest import BENCHMARKS

SHAPE = {"linear_parameters": 1000, "output_parameters": 500}
FAKE = """
import os, signal, sys, time
sys.path.insert(0, {benchmarks!r})
from train_protocol import Channel
name, seconds, order, fails = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4]
channel = Channel()
print("noise of a library")
channel.ready(dtype="torch.float32", linear_parameters=1000, output_parameters=500)
while (word := channel.wait()) != "end":
    if fails == "memory":
        os.kill(os.getpid(), signal.SIGKILL)
    if fails == "error":
        raise ValueError("no such kernel in /usr/lib/some/place.so of https://host.example/x")
    if word == "matrix_rate":
        channel.answer(best=1e6)
        continue
    with open(order, "a") as file:
        file.write(name + " ")
    channel.answer(seconds=seconds, loss=2.0, tokens=100, labelled_tokens=40, peak_memory_bytes=5)
"""


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put fake workers in the place of both sides; how the contender fails, if at all, may be set in the dict."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE.format(benchmarks=str(BENCHMARKS)))
    fails = {"contender": "never"}

    def start(name: str, seconds: str, how: str) -> Worker:
        command = [sys.executable, str(script), name, seconds, str(tmp_path / "order"), how]
        return Worker(name, command, tmp_path / f"{name}.log", {})

    def start_contender(*_: Any) -> Worker:
        how = fails["contender"]
        if how == "memory":
            fails["contender"] = "never"  # it fits once it is alone
        return start("contender", "3.0", how)

    monkeypatch.setattr(train_peers, "start_ours", lambda *_: start("ours", "1.5", "never"))
    monkeypatch.setattr(train_peers, "start_theirs", start_contender)
    monkeypatch.setattr(train_peers, "environment", lambda *_, **__: Path(sys.executable))
    monkeypatch.setattr(train_peers, "REST", 0)
    return fails


def run(tmp_path: Path) -> dict[str, Any]:
    arguments = argparse.Namespace(steps=2, ours=[], trl_python=None, llama_factory_python=None)
    return train_peers.run(train_contenders.chosen(["trl-ids-1x16"])[0], None, tmp_path, arguments)


def test_the_two_sides_do_a_step_each_in_turn_and_the_first_is_not_counted(
    fakes: dict[str, str], tmp_path: Path
) -> None:
    row = run(tmp_path)
    assert (tmp_path / "order").read_text().split() == ["ours", "contender"] * 3
    assert row["alternating"] and len(row["steps"]) == 2 and row["first_loss"]["agrees"]
    figures = row["figures"]
    assert (figures["ratio"], figures["ratio_min"], figures["ratio_max"]) == (2.0, 2.0, 2.0)
    assert figures["ours"]["matrix_share"] == pytest.approx(4 * (100 * 1000 + 40 * 500) / 1.5 / 1e6)


def test_sides_that_do_not_fit_in_memory_together_are_measured_one_by_one(
    fakes: dict[str, str], tmp_path: Path
) -> None:
    fakes["contender"] = "memory"
    row = run(tmp_path)
    assert not row["alternating"] and len(row["steps"]) == 2
    # the first "ours" is from the step after which the contender was killed
    assert (tmp_path / "order").read_text().split() == ["ours"] + ["ours"] * 3 + ["contender"] * 3


def test_a_contender_that_fails_is_a_row_with_the_reason_and_without_paths(
    fakes: dict[str, str], tmp_path: Path
) -> None:
    fakes["contender"] = "error"
    row = run(tmp_path)
    assert row["not_run"] == "ValueError: no such kernel in ... of"
    assert "figures" not in row


def test_a_worker_that_ends_says_how(fakes: dict[str, str], tmp_path: Path) -> None:
    fakes["contender"] = "error"
    worker = train_peers.start_theirs()
    with pytest.raises(WorkerFailed, match=r"(?s)exit code 1: .*ValueError: no such kernel"):
        worker.step()
    worker.end()
    fakes["contender"] = "memory"
    worker = train_peers.start_theirs()
    with pytest.raises(OutOfMemory):
        worker.step()
    worker.end()


def test_a_contender_that_leaves_too_little_memory_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "fake.py"
    script.write_text(FAKE.format(benchmarks=str(BENCHMARKS)).replace("print(", "time.sleep(60)\nprint("))
    command = [sys.executable, str(script), "greedy", "1", str(tmp_path / "order"), "never"]
    with pytest.raises(OutOfMemory, match="greedy needs more memory"):
        Worker("greedy", command, tmp_path / "log", {}, least_free=1 << 60)


def test_our_worker_trains_the_rows_in_the_order_of_the_file(tiny_folder: Path, tmp_path: Path) -> None:
    lengths = np.arange(5, 37)
    ids = np.random.default_rng(0).integers(0, 3000, lengths.sum()).astype(np.int32)
    labelled = np.ones(len(ids), dtype=bool)
    labelled[np.cumsum(lengths) - lengths] = False
    np.savez(tmp_path / "rows.npz", ids=ids, labelled=labelled, lengths=lengths)
    shutil.copytree(tiny_folder, tmp_path / "base")
    made = argparse.Namespace(base=tmp_path / "base", folder=tmp_path)
    with_tokens = replace(train_contenders.CONTENDERS[0], ours=("--tokens", "200"))
    ours = train_peers.start_ours(with_tokens, made, tmp_path, [])
    try:
        assert ours.ready["trainable"] == 411_648 and ours.ready["micro_batch"]["tokens"] == 200
        steps = [ours.step(), ours.step()]
        rate = ours.ask("matrix_rate")
    finally:
        ours.end()
    assert [step["tokens"] for step in steps] == [lengths[:16].sum(), lengths[16:].sum()]
    assert [step["labelled_tokens"] for step in steps] == [lengths[:16].sum() - 16, lengths[16:].sum() - 16]
    assert all(set(step) == set(FIGURES) and step["seconds"] > 0 for step in steps)
    assert rate["best"] == max(rate["rates"].values()) and ours.process.returncode == 0


def test_the_arithmetic_of_a_step_of_the_real_shape() -> None:
    from train_hive_mind import matrix_shapes, multiplied_with

    from hive_mind.model.qwen2 import Qwen2Config

    config = Qwen2Config(151_936, 896, 4864, 24, 14, 2)
    shape = multiplied_with(config)
    assert shape == {"linear_parameters": 357_826_560, "output_parameters": 136_134_656}
    assert train_figures.step_flop(5000, 2500, shape) == pytest.approx(4 * (358e6 * 5000 + 136e6 * 2500), rel=1e-3)
    assert matrix_shapes(config, 1024, 441)[0] == (1024, 896, 4864)


def test_ratios_are_of_sums_and_their_range_is_step_by_step() -> None:
    step = {"loss": 1.0, "tokens": 10, "labelled_tokens": 5, "peak_memory_bytes": 7}
    ours = [{**step, "seconds": 1.0}, {**step, "seconds": 3.0, "peak_memory_bytes": 9}]
    theirs = [{**step, "seconds": 4.0}, {**step, "seconds": 6.0, "loss": 0.5}]
    figures = train_figures.compare(ours, theirs, SHAPE, 1e6)
    assert (figures["ratio"], figures["ratio_min"], figures["ratio_max"]) == (2.5, 2.0, 4.0)
    assert figures["ours"]["peak_memory_bytes"] == 9 and figures["theirs"]["last_loss"] == 0.5
    assert figures["theirs"]["examples_per_second"] == pytest.approx(3.2)
    assert figures["theirs"]["tokens_per_second"] == pytest.approx(2.0)


def test_rows_are_merged_by_name_in_the_table_s_order_and_written_into_the_page(
    fakes: dict[str, str], tmp_path: Path
) -> None:
    output, made = tmp_path / "out.json", argparse.Namespace(base_name="tiny")
    later = {**train_contenders.chosen(["unsloth"])[0].about(), "not_run": "needs a GPU"}
    output.write_bytes(orjson.dumps(train_peers.merged(output, made, [later])))
    result = train_peers.merged(output, made, [run(tmp_path)])
    assert [row["name"] for row in result["contenders"]] == ["trl-ids-1x16", "unsloth"]
    with pytest.raises(train_peers.UsageError, match="results of other rows"):
        train_peers.merged(output, argparse.Namespace(base_name="another"), [])
    page = tmp_path / "page.md"
    page.write_text(f"before\n{train_figures.BEGIN}\nold\n{train_figures.END}\nafter\n")
    train_figures.write_into(page, train_figures.table(result["contenders"]))
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| **2.00** (2.00 to 2.00) | 2 |" in text and "- Unsloth, `unsloth`: needs a GPU." in text
    page.write_text("no markers")
    with pytest.raises(ValueError, match="has no pair of the lines"):
        train_figures.write_into(page, "x")


def test_the_published_page_holds_the_published_results() -> None:
    text = train_peers.PAGE.read_text(encoding="utf-8")
    rows = train_peers.read_json(train_peers.RESULTS)["contenders"] if train_peers.RESULTS.is_file() else []
    between = text.partition(train_figures.BEGIN)[2].partition(train_figures.END)[0]
    assert between.strip() == train_figures.table(rows).strip()


def test_names_choose_contenders_and_a_wrong_one_is_an_error() -> None:
    names = [contender.name for contender in train_contenders.CONTENDERS]
    assert len(set(names)) == len(names)
    assert [each.name for each in train_contenders.chosen(["trl-ids-1x16"])] == ["trl-ids-1x16"]
    assert len(train_contenders.chosen(["trl-ids"])) == 10 and len(train_contenders.chosen(None)) == len(names)
    with pytest.raises(ValueError, match="no contender is called nobody"):
        train_contenders.chosen(["nobody"])
    unsloth = train_contenders.chosen(["unsloth"])[0]
    assert unsloth.reason(has_gpu=False) == train_contenders.NO_GPU and unsloth.reason(has_gpu=True)
    assert train_contenders.chosen(["trl-liger"])[0].reason(has_gpu=True) is None

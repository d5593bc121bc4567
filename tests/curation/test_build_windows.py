"""`data build` with runs of agents: windows are made, accounted for, and kept on one side of the split."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from hive_mind.conversation import Conversation
from hive_mind.curation import DatasetManifest, DataSettings, build, read_dataset
from hive_mind.curation.tables import accounting_table
from tests.raw_rows import SERVERS, run_row, usage_row, write_lines


def built(folder: Path, **settings: Any) -> DatasetManifest:
    return build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **settings), say=lambda _: None)


def write_runs(folder: Path, count: int = 12) -> None:
    """Runs of which every third succeeded not, with a tools file beside them, and single interactions."""
    rows = [run_row(n, steps=5, result="dry and warm " * 60) for n in range(count)]
    for n, row in enumerate(rows):
        del row["servers"]
        row["task_success"] = "failure" if n % 3 == 2 else "success"
    write_lines(folder / "raw" / "usage" / "runs.jsonl", rows)
    write_lines(folder / "raw" / "usage" / "log.jsonl", [usage_row(n) for n in range(5)])
    (folder / "raw" / "usage" / "some_tools.json").write_text(json.dumps(SERVERS))


def index(manifest: DatasetManifest) -> dict[str, list[dict[str, Any]]]:
    files = {split: getattr(manifest, split).with_suffix(".index.jsonl") for split in ("train", "validation", "test")}
    return {split: [json.loads(line) for line in file.read_bytes().splitlines()] for split, file in files.items()}


def test_every_run_is_accounted_for_and_its_windows_are_on_one_side(tmp_path: Path) -> None:
    write_runs(tmp_path)
    manifest = built(tmp_path, window_tokens=900, validation_share=0.1, test_share=0.1)
    counts = manifest.sources["usage"]
    assert (counts.read, counts.rejects, counts.cut) == (17, {"not_successful": 4}, 8)
    assert counts.windows == 8 * 5, "five turns of each run went well, its second call did not"
    assert counts.kept == 17 - 4 - 8 + counts.windows and not counts.left_out
    assert "windows of usage: 8 rows became 40" in accounting_table(manifest)
    sides: dict[str, set[str]] = defaultdict(set)
    for split, rows in index(manifest).items():
        for row in rows:
            sides[row["session"]].add(split)
            if row["window"] is not None:
                assert row["id"] == f"{row['session']}-turn{row['window']}"
    assert all(len(side) == 1 for side in sides.values())
    assert counts.test > 0
    assert DatasetManifest.load(tmp_path / "out" / "manifest.json").sources["usage"] == counts


def test_the_rows_can_be_trained_on_and_hold_one_turn_to_learn(tmp_path: Path) -> None:
    write_runs(tmp_path)
    manifest = built(tmp_path, window_tokens=900)
    windows = 0
    for row in read_dataset(manifest.train):
        assert isinstance(row, Conversation)
        learnt = [message for message in row.messages if message.role == "assistant" and message.learn]
        if "-turn" in row.id:
            assert learnt == [row.messages[-1]]
            windows += 1
    assert windows > 20


def test_without_windows_runs_stay_whole(tmp_path: Path) -> None:
    write_runs(tmp_path)
    counts = built(tmp_path, window_tokens=None).sources["usage"]
    assert (counts.kept, counts.cut, counts.windows) == (13, 0, 0)


def test_a_changed_tools_file_is_a_changed_input(tmp_path: Path) -> None:
    write_runs(tmp_path)
    settings = {"sources": {"usage": {"files": [tmp_path / "raw" / "usage" / "runs.jsonl"]}}}
    first = built(tmp_path, **settings)
    assert built(tmp_path, **settings).fingerprint == first.fingerprint
    tools = json.loads((tmp_path / "raw" / "usage" / "some_tools.json").read_text())
    tools[0]["tools"][0]["description"] = "changed"
    (tmp_path / "raw" / "usage" / "some_tools.json").write_text(json.dumps(tools))
    assert built(tmp_path, **settings).fingerprint != first.fingerprint


def test_where_no_turn_fits_the_run_is_rejected(tmp_path: Path) -> None:
    write_runs(tmp_path)
    write_lines(tmp_path / "raw" / "usage" / "log.jsonl", [usage_row(n) for n in range(50)])
    counts = built(tmp_path, window_tokens=200).sources["usage"]
    assert counts.rejects["no_window_fits"] == 8
    assert counts.left_out.total() == 40

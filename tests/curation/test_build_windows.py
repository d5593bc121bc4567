"""`data build` with runs of agents: windows are made, accounted for, and kept on one side of the split."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from hive_mind.conversation import Conversation, Reject
from hive_mind.curation import DatasetManifest, DataSettings, build, read_dataset, replay_rejects
from hive_mind.curation.tables import accounting_table
from hive_mind.sources import transcripts
from tests.curation.test_mixture import check_stages
from tests.raw_rows import SERVERS, run_row, shell_row, usage_row, write_lines


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
    assert counts.kept == 17 - 4 - 8 + counts.windows and not counts.turns_left_out
    assert "windows of usage: 8 rows became 40" in accounting_table(manifest)
    assert "windows of usage: 8 rows became 40" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    cut = {"stage": "cut", "in": 13, "left_out": {"no_window_fits": 0, "cut": 8}, "made": {"windows": 40}, "out": 45}
    assert counts.stages()[1] == cut
    check_stages(counts)
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
    counts = built(tmp_path, window_tokens=None, no_tool_floor=0).sources["usage"]
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
    assert not counts.turns_left_out, "turns of a rejected row are not counted again"
    cut = counts.stages()[1]
    assert (cut["stage"], cut["left_out"]["no_window_fits"], cut["out"]) == ("cut", 8, 50)
    check_stages(counts)


def test_rows_that_are_too_long_do_not_speak_against_their_source(tmp_path: Path) -> None:
    write_runs(tmp_path)
    counts = built(tmp_path, window_tokens=200).sources["usage"]
    assert (counts.rejects["no_window_fits"], counts.kept) == (8, 5), "8 of 17 rows, and the build goes on"


LONG_REQUEST = "Is it dry in all of these towns? " + " ".join(f"Town{n}" for n in range(90))


def write_long_runs(folder: Path, names: list[str]) -> None:
    """Runs with the same long request and the same steps, logged under other names."""
    rows = [run_row(1, steps=5, result="dry and warm " * 60) for _ in names]
    for name, row in zip(names, rows, strict=True):
        row["task_id"] = name
        row["messages"][1]["content"] = LONG_REQUEST
    write_lines(folder / "raw" / "usage" / "runs.jsonl", rows)


def test_windows_of_a_row_are_no_near_duplicates_whatever_their_context(tmp_path: Path) -> None:
    write_long_runs(tmp_path, ["one"])
    counts = built(tmp_path, window_tokens=1200).sources["usage"]
    assert (counts.cut, counts.windows, counts.kept, counts.duplicates, counts.near_duplicates) == (1, 5, 5, 0, 0)


def test_steps_of_another_run_of_the_same_task_are_told_apart_by_what_they_teach(tmp_path: Path) -> None:
    """Each step of a run that was logged again is left out for the same step, and no step for another."""
    write_long_runs(tmp_path, ["one", "two", "one"])
    manifest = built(tmp_path, window_tokens=1200)
    counts = manifest.sources["usage"]
    assert (counts.cut, counts.windows, counts.kept) == (3, 15, 5)
    assert counts.duplicates >= 5, "the run of the same name"
    kept = [row for rows in index(manifest).values() for row in rows]
    assert sorted(row["window"] for row in kept) == [1, 3, 4, 5, 6]
    check_stages(counts)


def test_steps_that_teach_something_else_stay_under_the_same_request(tmp_path: Path) -> None:
    write_long_runs(tmp_path, ["one", "two"])
    path = tmp_path / "raw" / "usage" / "runs.jsonl"
    one, two = path.read_text().splitlines()
    path.write_text("\n".join([one, two.replace("town 1", "village 2").replace("Step", "Then")]) + "\n")
    counts = built(tmp_path, window_tokens=1200).sources["usage"]
    assert (counts.windows, counts.near_duplicates) == (10, 1), "the first steps alone are rows with their request"


def test_no_negative_is_made_from_a_window(tmp_path: Path) -> None:
    write_runs(tmp_path)
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [shell_row(n) for n in range(40)])
    manifest = built(tmp_path, window_tokens=900, missing_tool_share=0.5)
    made = [row for row in index(manifest)["train"] if row.get("made") == "missing_tool"]
    assert manifest.sources["usage"].windows == 40 and made
    assert all(row["window"] is None for row in made)


def test_windows_are_repeated_as_rows(tmp_path: Path) -> None:
    write_runs(tmp_path)
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [shell_row(n) for n in range(300)])
    own = {"usage": {"min_share": 0.2, "max_repeats": 3, "held_out": 0}}
    manifest = built(tmp_path, window_tokens=900, sources=own, no_tool_floor=0)
    repeats = [row for row in index(manifest)["train"] if row.get("made") == "repeat"]
    assert any(row["window"] is not None for row in repeats)
    check_stages(manifest.sources["usage"])


def test_a_replayed_run_joins_as_its_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay cuts as a whole build does, finds the tools files beside the run, and leaves all other rows alone."""
    write_runs(tmp_path)
    write_lines(tmp_path / "raw" / "usage" / "log.jsonl", [usage_row(n) for n in range(30)])
    settings = DataSettings(dir=tmp_path / "out", raw_dir=tmp_path / "raw", window_tokens=900, no_tool_floor=0)
    honest = transcripts.convert

    def tripping(row: dict[str, Any]) -> Conversation | Reject:
        faulty = row["task_id"] in ("run-3", "run-7")
        return Reject("usage", "not_text", "the converter has a fault", "") if faulty else honest(row)

    with monkeypatch.context() as patch:
        patch.setattr(transcripts, "convert", tripping)
        before = build(settings, say=lambda _: None)
    assert before.sources["usage"].rejects == {"not_successful": 4, "not_text": 2}
    old = ids(before)
    replayed = replay_rejects(settings, say=lambda _: None)
    counts = replayed.manifest.sources["usage"]
    assert (replayed.accepted, replayed.joined, counts.cut, counts.windows) == (2, 10, 8, 40)
    new = ids(replayed.manifest)
    assert {name: new[name] for name in old} == old and len(new) == len(old) + 10
    check_stages(counts)
    assert replay_rejects(settings, say=lambda _: None).accepted == 0
    assert build(settings, say=lambda _: None).to_dict() == replayed.manifest.to_dict(), "nothing changed since"
    whole = build(settings.model_copy(update={"dir": tmp_path / "whole"}), say=lambda _: None)
    assert set(ids(whole)) == set(new)


def test_runs_whose_file_is_gone_stay_rejected(tmp_path: Path) -> None:
    write_runs(tmp_path)
    settings = DataSettings(dir=tmp_path / "out", raw_dir=tmp_path / "raw", window_tokens=900)
    build(settings, say=lambda _: None)
    (tmp_path / "raw" / "usage" / "runs.jsonl").unlink()
    rejects = tmp_path / "out" / "rejects.jsonl"
    rejects.write_text(rejects.read_text().replace("failure", "success"))
    assert replay_rejects(settings, say=lambda _: None).accepted == 0


def ids(manifest: DatasetManifest) -> dict[str, str]:
    """The split of every row by its id."""
    return {row["id"]: split for split, rows in index(manifest).items() for row in rows}

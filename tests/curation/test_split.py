"""Splits and caps: by group, stable, nothing on both sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.split import unit
from tests.raw_rows import glaive_row, shell_row, usage_row, write_lines, write_raw_folder


def index(manifest: DatasetManifest, split: str) -> list[dict[str, str]]:
    path = getattr(manifest, split).with_suffix(".index.jsonl")
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def splits(manifest: DatasetManifest) -> dict[str, str]:
    return {row["id"]: split for split in ("train", "validation", "test") for row in index(manifest, split)}


def built(tmp_path: Path, name: str = "out", **settings: object) -> DatasetManifest:
    return build(DataSettings(dir=tmp_path / name, raw_dir=tmp_path / "raw", **settings), say=lambda _: None)


def test_no_group_is_on_both_sides_and_shares_are_near_what_was_asked(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=2000, glaive=2000, shell=2000, xlam=2000)
    manifest = built(tmp_path, validation_share=0.1, test_share=0.1)
    sides: dict[str, set[str]] = defaultdict(set)
    for split in ("train", "validation", "test"):
        for row in index(manifest, split):
            sides[row["group"]].add(split)
    assert all(len(side) == 1 for side in sides.values())
    for name, counts in manifest.sources.items():
        assert counts.validation > 0 and counts.test > 0, name
        assert 0.7 < counts.train / counts.kept < 0.9, name


def test_rows_with_tools_are_grouped_by_tool_set_and_shell_rows_by_request(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", glaive=300, shell=300)
    manifest = built(tmp_path)
    kinds = Counter((row["id"].split("-")[0], row["group"].split(":")[0]) for row in index(manifest, "train"))
    assert set(kinds) == {("glaive_tools", "tools"), ("glaive_tools", "request"), ("bash_commands", "request")}


def test_a_tool_set_that_most_rows_share_says_nothing(tmp_path: Path) -> None:
    """Own conversations that all declare the same tools are told apart by their requests."""
    tool = {"name": "t", "parameters": {}}
    answer = {"role": "assistant", "content": "Yes"}
    rows = [{"messages": [{"role": "user", "content": f"Ask {n}"}, answer], "tools": [tool]} for n in range(100)]
    write_lines(tmp_path / "raw" / "messages" / "m.jsonl", rows)
    manifest = built(tmp_path, test_share=0.2)
    assert manifest.sources["messages"].test > 5
    assert {row["group"].split(":")[0] for row in index(manifest, "test")} == {"request"}


def test_rows_stay_where_they_are_when_rows_are_added(tmp_path: Path) -> None:
    caps = {name: {"cap": 100} for name in ("glaive_tools", "bash_commands")}
    write_raw_folder(tmp_path / "raw", glaive=400, shell=400)
    before = splits(built(tmp_path, "before"))
    capped_before = splits(built(tmp_path, "capped_before", sources=caps))
    write_raw_folder(tmp_path / "raw", glaive=600, shell=600)
    after = splits(built(tmp_path, "after"))
    assert {name: after[name] for name in before} == before
    capped_after = splits(built(tmp_path, "capped_after", sources=caps))
    stayed = capped_before.keys() & capped_after.keys()
    assert all(capped_before[name] == capped_after[name] for name in stayed)
    # a row under the cap leaves only for one of the added rows, never for another old one
    assert not (capped_after.keys() & before.keys()) - capped_before.keys()


def test_the_seed_chooses_other_rows(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", shell=400)
    assert splits(built(tmp_path, "a", seed=1)) != splits(built(tmp_path, "b", seed=2))


def test_a_cap_is_for_training_rows_and_held_out_rows_are_capped_in_proportion(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", shell=3000)
    manifest = built(tmp_path, sources={"bash_commands": {"cap": 1000}}, validation_share=0.02, test_share=0.04)
    counts = manifest.sources["bash_commands"]
    assert (counts.train, counts.validation, counts.test) == (1000, 20, 40)
    assert counts.over_cap == 3000 - 1060


def test_a_source_without_held_out_rows_keeps_its_groups_in_training_everywhere(tmp_path: Path) -> None:
    rows = [glaive_row(n) for n in range(1, 600, 3)]
    write_lines(tmp_path / "raw" / "glaive" / "g.jsonl", rows)
    alone = built(tmp_path, "alone")
    held = {row["group"] for row in index(alone, "test")}
    assert held
    messages = [
        {"messages": [{"role": "user", "content": f"Other {n}"}, {"role": "assistant", "content": "No."}],
         "tools": [{"name": f"lookup_{n}", "parameters": {}}]} for n in range(97)]  # fmt: skip
    write_lines(tmp_path / "raw" / "messages" / "m.jsonl", messages)
    together = built(tmp_path, "together", sources={"messages": {"held_out": 0}})
    assert together.sources["messages"].train == 97
    trained = {row["group"] for row in index(together, "train")}
    assert held <= trained, "these tool sets are trained on, so none of their rows may be held out"
    assert not trained & {row["group"] for row in index(together, "test")}


def test_the_latest_sessions_of_usage_are_held_out_whole(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", usage=67)
    manifest = built(tmp_path, validation_share=0.1, test_share=0.1)
    times = {split: [row["time"] for row in index(manifest, split)] for split in ("train", "validation", "test")}
    sessions = {split: {row["session"] for row in index(manifest, split)} for split in times}
    assert max(times["train"]) < min(times["validation"]) <= max(times["validation"]) < min(times["test"])
    assert sessions["test"] == {"s13", "s12"} and sessions["validation"] == {"s11", "s10"}
    assert not sessions["train"] & (sessions["validation"] | sessions["test"])


def test_one_long_session_is_never_held_out_whole(tmp_path: Path) -> None:
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", [usage_row(n, rows_in_session=100) for n in range(40)])
    counts = built(tmp_path).sources["usage"]
    assert (counts.train, counts.validation, counts.test) == (40, 0, 0)


def test_only_the_first_rows_in_time_order(tmp_path: Path) -> None:
    rows = [usage_row(n) for n in range(67)]
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", [rows[(n * 29) % 67] for n in range(67)])
    manifest = built(tmp_path, sources={"usage": {"first": 21, "held_out": 0}})
    assert sorted(row["time"] for row in index(manifest, "train")) == [f"{row['timestamp'][:19]}Z" for row in rows[:21]]
    assert manifest.sources["usage"].over_cap == 46


@pytest.mark.parametrize("rows", [1, 4])
def test_a_source_with_hardly_any_groups_is_trained_on_whole(tmp_path: Path, rows: int) -> None:
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [shell_row(n) for n in range(rows)])
    assert built(tmp_path, test_share=0.45, validation_share=0.45).sources["bash_commands"].train == rows


@pytest.mark.parametrize("seed", range(5))
def test_a_small_source_gives_at_least_one_group_to_each_split(tmp_path: Path, seed: int) -> None:
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [shell_row(n) for n in range(8)])
    counts = built(tmp_path, seed=seed).sources["bash_commands"]
    assert counts.test >= 1 and counts.validation >= 1 and counts.train >= 1


@given(st.integers(), st.text())
def test_the_number_behind_a_choice_is_a_share(seed: int, text: str) -> None:
    assert 0 <= unit(seed, text) < 1
    assert unit(seed, text) == unit(seed, text)

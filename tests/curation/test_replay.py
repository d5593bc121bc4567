"""`data build --only-rejects`: what a mended converter accepts joins the dataset, and nothing else moves."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pytest

from hive_mind.conversation import Conversation, Message, Reject
from hive_mind.curation import DatasetManifest, DataSettings, build, replay_rejects
from hive_mind.errors import UsageError
from hive_mind.files import write_jsonl
from hive_mind.sources import bash_commands, usage
from tests.raw_rows import shell_row, usage_row, write_lines


def settings_of(folder: Path, **more: Any) -> DataSettings:
    return DataSettings(dir=folder / "out", raw_dir=folder / "raw", no_tool_floor=0, **more)


def rows(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def all_rows(manifest: DatasetManifest) -> dict[str, str]:
    """The split of every row by its id."""
    return {row["id"]: name for name in ("train", "validation", "test") for row in rows(getattr(manifest, name))}


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset built with a converter that trips over every tenth row."""
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [*(shell_row(n) for n in range(300)), {"nl": "", "bash": "x"}])
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", [usage_row(n) for n in range(20)])
    honest = bash_commands.convert

    def tripping(row: dict[str, Any]) -> Conversation | Reject:
        if any(number.endswith("7") for number in row["nl"].split()[2:3]):
            return Reject("bash_commands", "not_text", "the converter has a fault", "")
        return honest(row)

    with monkeypatch.context() as patch:
        patch.setattr(bash_commands, "convert", tripping)
        build(settings_of(tmp_path), say=lambda _: None)
    return tmp_path


def test_what_is_accepted_now_joins_and_all_else_stays(broken: Path) -> None:
    before = DatasetManifest.load(broken / "out" / "manifest.json")
    assert before.sources["bash_commands"].rejects == {"not_text": 30, "empty_request": 1}
    old = all_rows(before)
    replayed = replay_rejects(settings_of(broken), say=lambda _: None)
    assert (replayed.rejects, replayed.accepted, replayed.joined) == (31, 30, 30)
    counts = replayed.manifest.sources["bash_commands"]
    assert (counts.read, counts.rejects, counts.kept) == (301, {"empty_request": 1}, 300)
    new = all_rows(replayed.manifest)
    assert {name: new[name] for name in old} == old and len(new) == len(old) + 30
    assert [row["code"] for row in rows(broken / "out" / "rejects.jsonl")] == ["empty_request"]
    assert DatasetManifest.load(broken / "out" / "manifest.json").to_dict() == replayed.manifest.to_dict()
    assert replayed.manifest.intact()
    marks = rows(replayed.manifest.train.with_suffix(".index.jsonl"))
    assert {mark["records"][0] for mark in marks} >= {"usage/u.jsonl:1"}


def test_the_replayed_dataset_is_the_one_of_a_whole_build(broken: Path) -> None:
    replayed = replay_rejects(settings_of(broken), say=lambda _: None).manifest
    said: list[str] = []
    assert build(settings_of(broken), say=said.append).to_dict() == replayed.to_dict()
    assert said[0].startswith("dataset: nothing changed")
    whole = build(settings_of(broken).model_copy(update={"dir": broken / "whole"}), say=lambda _: None)
    assert all_rows(whole) == all_rows(replayed)


def test_a_second_replay_finds_nothing(broken: Path) -> None:
    first = replay_rejects(settings_of(broken), say=lambda _: None).manifest
    said: list[str] = []
    again = replay_rejects(settings_of(broken), say=said.append)
    assert (again.accepted, again.manifest.to_dict()) == (0, first.to_dict())
    assert said == ["replay: none of the 1 rejected rows is accepted now; the dataset stays as it is"]


def test_a_text_mended_by_hand_is_accepted(broken: Path) -> None:
    path = broken / "out" / "rejects.jsonl"
    mended = [{**row, "raw": row["raw"].replace('"nl": ""', '"nl": "say x"')} for row in rows(path)]
    write_jsonl(path, mended)
    assert replay_rejects(settings_of(broken), say=lambda _: None).accepted == 31


def test_a_row_keeps_the_id_by_which_it_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id of an exported interaction looks like a key in some rows: then the reject's text has a placeholder."""
    ids = [f"usage-{blake2b(bytes([number]), digest_size=16).hexdigest()}" for number in range(40)]
    file = tmp_path / "raw" / "usage" / "training_data_2026-02-06.jsonl"
    file.parent.mkdir(parents=True)
    said = [(Message("user", f"Say {n * 7919} in words"), Message("assistant", f"Number {n}")) for n in range(40)]
    write_jsonl(file, [Conversation(id, two, (), "usage").to_dict() for id, two in zip(ids, said, strict=True)])
    honest = usage.convert
    refuse = Reject("usage", "not_successful", "the converter has a fault", "")
    with monkeypatch.context() as patch:
        patch.setattr(usage, "convert", lambda row: refuse if row["id"] in ids[:4] else honest(row))
        build(settings_of(tmp_path), say=lambda _: None)
    rejects = rows(tmp_path / "out" / "rejects.jsonl")
    assert [row["record"] for row in rejects] == ids[:4]
    hidden = [{**row, "raw": row["raw"].replace(row["record"], "<SECRET:token:1>")} for row in rejects]
    write_jsonl(tmp_path / "out" / "rejects.jsonl", hidden)
    replayed = replay_rejects(settings_of(tmp_path), say=lambda _: None)
    assert replayed.joined == 4
    assert set(all_rows(replayed.manifest)) == set(ids)


def test_duplicates_and_rows_over_the_cap_do_not_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path, sources={"bash_commands": {"cap": 180, "held_out": 0}})
    bad = [{**shell_row(n), "nl": f"!{shell_row(n)['nl']}"} for n in range(190, 230)]
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [*(shell_row(n) for n in range(170)), *bad])
    honest = bash_commands.convert
    with monkeypatch.context() as patch:
        refuse = Reject("bash_commands", "not_text", "the converter has a fault", "")
        patch.setattr(bash_commands, "convert", lambda row: refuse if row["nl"].startswith("!") else honest(row))
        build(settings, say=lambda _: None)
    replayed = replay_rejects(settings, say=lambda _: None)
    counts = replayed.manifest.sources["bash_commands"]
    assert (replayed.accepted, replayed.joined) == (40, 10)
    assert (counts.train, counts.over_cap, counts.rejected) == (180, 30, 0)


def test_what_cannot_be_replayed_is_one_sentence(broken: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no dataset in .*build it first"):
        replay_rejects(settings_of(tmp_path / "absent"))
    with pytest.raises(UsageError, match="built with other settings"):
        replay_rejects(settings_of(broken, seed=7))
    path = broken / "out" / "rejects.jsonl"
    write_jsonl(path, rows(path)[1:])
    with pytest.raises(UsageError, match="holds other rejects than the dataset beside it counts"):
        replay_rejects(settings_of(broken))
    (broken / "out" / "test.jsonl").write_text("")
    with pytest.raises(UsageError, match="were changed or removed; build it again first"):
        replay_rejects(settings_of(broken))

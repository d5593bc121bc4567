"""Which raw files are read, and which are only named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from hive_mind.config import load
from hive_mind.curation import build
from hive_mind.curation.inputs import gather
from hive_mind.curation.settings import DataSettings
from hive_mind.errors import DataRefused, UsageError
from tests.loopback_hub import loopback_hub
from tests.raw_rows import code_row, shell_row, usage_row, write_array, write_lines


def found(settings: DataSettings) -> dict[str, list[str]]:
    return {source: [file.name for file in files] for source, files in gather(settings, print).files.items()}


def put(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text("{}")


def settings_for(folder: Path, **more: object) -> DataSettings:
    return DataSettings(dir=folder / "out", raw_dir=folder, **more)


def test_folders_and_file_names_lead_to_their_sources(tmp_path: Path) -> None:
    names = (
        "glaive/a.json", "glaive_tools/b.jsonl", "nl2sh/train.csv", "bash_commands/x.parquet", "messages/m.jsonl",
        "CODE_ALPACA/c.json", "code_alpaca_20k.json", "xlam_60k.json", "usage/training_data_1.jsonl",
    )  # fmt: skip
    put(tmp_path, names)
    assert found(settings_for(tmp_path)) == {
        "code_alpaca": ["CODE_ALPACA/c.json", "code_alpaca_20k.json"],
        "glaive_tools": ["glaive/a.json", "glaive_tools/b.jsonl"],
        "bash_commands": ["bash_commands/x.parquet", "nl2sh/train.csv"],
        "xlam": ["xlam_60k.json"],
        "messages": ["messages/m.jsonl"],
        "usage": ["usage/training_data_1.jsonl"],
    }


def test_what_is_not_read_is_named_with_the_reason_and_companions_are_not(tmp_path: Path) -> None:
    names = (
        "nl2sh/test.csv", "nl2sh/train.csv", "nl2sh/LICENSE", "nl2sh/README.md", "nl2sh/notes.txt",
        "nl2sh/deep/x.jsonl", "nl2sh/train.index.jsonl", "eval/secret.jsonl", "other/x.jsonl", "data.jsonl",
    )  # fmt: skip
    put(tmp_path, names)
    inputs = gather(settings_for(tmp_path), print)
    assert [file.name for file in inputs.files["bash_commands"]] == ["nl2sh/train.csv"]
    assert sorted(inputs.not_read) == [
        "data.jsonl (no source has a file of that name)",
        "eval/ (kept for evaluation)",
        "nl2sh/deep/ (a folder inside a source's folder)",
        "nl2sh/notes.txt (not .json, .jsonl, .csv, .parquet)",
        "nl2sh/test.csv (a test set, kept for evaluation)",
        "other/ (no source has a folder of that name)",
    ]


def test_sources_that_are_not_included_are_not_read(tmp_path: Path) -> None:
    write_array(tmp_path / "code_alpaca" / "a.json", [code_row(1)])
    write_lines(tmp_path / "nl2sh" / "train.jsonl", [shell_row(1)])
    left_out = settings_for(tmp_path, sources={"code_alpaca": {"include": False}})
    assert set(found(left_out)) == {"bash_commands"}


def test_given_files_stand_in_for_a_sources_own(tmp_path: Path) -> None:
    write_array(tmp_path / "code_alpaca" / "a.json", [code_row(1)])
    write_lines(tmp_path / "mine" / "chats.jsonl", [{"messages": []}])
    mine = {"messages": {"files": [str(tmp_path / "mine" / "chats.jsonl")]}}
    assert found(settings_for(tmp_path, sources=mine))["messages"] == ["chats.jsonl"]
    with pytest.raises(UsageError, match=r"data\.sources\.messages\.files names .*absent"):
        gather(settings_for(tmp_path, sources={"messages": {"files": [str(tmp_path / "absent")]}}), print)


def test_exported_usage_is_read_beside_raw_usage(tmp_path: Path) -> None:
    write_lines(tmp_path / "usage" / "u.jsonl", [usage_row(1)])
    write_lines(tmp_path / "out" / "automated" / "training_data_20260205.jsonl", [usage_row(2)])
    write_lines(tmp_path / "out" / "automated" / "training_data_20260205.index.jsonl", [{"id": "x"}])
    assert found(settings_for(tmp_path))["usage"] == ["usage/u.jsonl", "automated/training_data_20260205.jsonl"]
    assert found(settings_for(tmp_path, automated=""))["usage"] == ["usage/u.jsonl"]


def test_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.raw_dir=.*absent is not a folder"):
        gather(settings_for(tmp_path / "absent"), print)


def test_an_unknown_source_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="there is no source 'glave'; there are code_alpaca, glaive_tools"):
        load(DataSettings, overrides=["sources.glave.cap=5"])


def test_files_of_the_hub_in_an_unknown_layout_stop_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lines(tmp_path / "code" / "code_alpaca.jsonl", [{"prompt": "a", "completion": "b"}])
    others = {name: {"include": False} for name in ("glaive_tools", "bash_commands", "xlam")}
    with loopback_hub({"datasets/sahil2801/CodeAlpaca-20k": tmp_path / "code"}) as hub:
        for key, value in hub.environment(tmp_path / "cache").items():
            monkeypatch.setenv(key, value)
        settings = DataSettings(dir=tmp_path / "out", lock=tmp_path / "lock.json", sources=others)
        with pytest.raises(
            DataRefused, match=r"code_alpaca: what came from the hub is in no layout .*code_alpaca\.jsonl"
        ):
            build(settings, say=lambda _: None)


def test_from_the_hub_a_gated_source_is_left_out_with_a_message_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_array(tmp_path / "code" / "code_alpaca_20k.json", [code_row(1)])
    write_lines(tmp_path / "shell" / "train.jsonl", [shell_row(1)])
    write_lines(tmp_path / "shell" / "test.jsonl", [shell_row(2)])
    write_array(tmp_path / "xlam" / "xlam_function_calling_60k.json", [{}])
    repositories = {
        "datasets/sahil2801/CodeAlpaca-20k": tmp_path / "code",
        "datasets/westenfelder/NL2SH-ALFA": tmp_path / "shell",
        "datasets/Salesforce/xlam-function-calling-60k": tmp_path / "xlam",
    }
    said: list[str] = []
    with loopback_hub(repositories, gated={"datasets/Salesforce/xlam-function-calling-60k"}) as hub:
        for key, value in hub.environment(tmp_path / "cache").items():
            monkeypatch.setenv(key, value)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        settings = DataSettings(
            dir=tmp_path / "out", lock=tmp_path / "lock.json", sources={"glaive_tools": {"include": False}}
        )
        inputs = gather(settings, said.append)
        assert not any("test" in asked.path.split("/")[-1] for asked in hub.asked)
    assert {source: [file.name for file in files] for source, files in inputs.files.items()} == {
        "code_alpaca": ["sahil2801/CodeAlpaca-20k/code_alpaca_20k.json"],
        "bash_commands": ["westenfelder/NL2SH-ALFA/train.jsonl"],
    }
    assert len(said) == 1 and said[0].startswith("xlam is left out: Salesforce/xlam-function-calling-60k is gated")
    assert set(inputs.skipped) == {"xlam"} and set(inputs.commits) == {"code_alpaca", "bash_commands"}

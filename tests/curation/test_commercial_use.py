"""`data.commercial_use=true`: what must not be used commercially is not read, and this is said wherever it counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hive_mind.cli.main import main
from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.inputs import fetch, gather
from hive_mind.curation.licences import hub_licence, licence_url, not_commercial, spelled
from hive_mind.errors import DataRefused
from hive_mind.sources import SOURCES
from tests.loopback_hub import loopback_hub
from tests.raw_rows import code_row, shell_row, usage_row, write_array, write_lines, write_raw_folder

CHATS = [
    {"messages": [{"role": "user", "content": f"What is {n}?"}, {"role": "assistant", "content": f"{n} is {n}."}]}
    for n in range(40)
]


def raw_folder(folder: Path) -> Path:
    raw = write_raw_folder(folder / "raw", code=60, glaive=60, shell=60, usage=20)
    write_lines(raw / "messages" / "chats.jsonl", CHATS)
    return raw


def built(folder: Path, said: list[str], **more: object) -> DatasetManifest:
    return build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **more), say=said.append)


def test_non_commercial_and_unknown_sources_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    raw_folder(tmp_path)
    everything = built(tmp_path, [])
    assert {"code_alpaca", "messages"} < set(everything.sources) and everything.skipped == {}
    said: list[str] = []
    manifest = built(tmp_path, said, commercial_use=True)
    assert set(manifest.sources) == {"glaive_tools", "bash_commands", "usage"}
    assert manifest.skipped == {
        "code_alpaca": "its licence, CC-BY-NC-4.0, does not allow commercial use (data.commercial_use=true)",
        "messages": "its licence is unknown, so nothing allows commercial use (data.commercial_use=true)",
    }
    assert [f"{name} is left out: {why}" for name, why in manifest.skipped.items()] == said
    assert manifest.settings["commercial_use"] is True and not manifest.inputs.keys() & manifest.skipped.keys()
    assert not (tmp_path / "out" / "external" / "code_alpaca.jsonl").exists()
    for path in (tmp_path / "out").glob("*.jsonl"):
        assert "code_alpaca" not in path.read_text() and "CC-BY-NC" not in path.read_text(), path
    for name, counts in manifest.sources.items():
        counts.check(name)
        assert counts == everything.sources[name]


def test_a_row_of_both_kinds_of_source_stays_where_its_licence_allows_it(tmp_path: Path) -> None:
    """It must not go as a duplicate of a row that is left out itself."""
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [code_row(n) for n in range(40)])
    rows = [
        {"messages": [{"role": "user", "content": row["instruction"]},
                      {"role": "assistant", "content": row["output"]}]} for row in map(code_row, range(1, 40, 2))
    ]  # fmt: skip
    write_lines(tmp_path / "raw" / "messages" / "m.jsonl", rows)
    free = {"messages": {"licence": "mit"}}
    with pytest.raises(DataRefused, match=r"messages: .*all are duplicates of another source's rows"):
        built(tmp_path, [], sources=free)
    manifest = built(tmp_path, [], sources=free, commercial_use=True)
    assert manifest.sources["messages"].kept == 20 and manifest.sources["messages"].licence == "MIT"


def test_own_files_count_under_the_licence_that_is_said(tmp_path: Path) -> None:
    raw_folder(tmp_path)
    sources = {"messages": {"licence": "private"}, "usage": {"licence": "My-EULA"}}
    manifest = built(tmp_path, [], sources=sources, licence="cc-by-4.0", commercial_use=True)
    licences = {name: counts.licence for name, counts in manifest.sources.items()}
    assert licences == {
        "code_alpaca": "CC-BY-4.0", "glaive_tools": "CC-BY-4.0", "bash_commands": "CC-BY-4.0", "messages": "private",
    }  # fmt: skip
    assert manifest.skipped["usage"].startswith("its licence, My-EULA, is none that is known here to allow commercial")


def test_where_nothing_is_left_the_build_is_refused_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [code_row(n) for n in range(9)])
    folders = [f"data.raw_dir={tmp_path / 'raw'}", f"data.dir={tmp_path / 'out'}"]
    with pytest.raises(SystemExit) as ended:
        main(["data", "build", *folders, "data.commercial_use=true"])
    assert ended.value.code == 4
    said = capsys.readouterr().err
    assert "data.commercial_use=true leaves nothing to build from: left out are code_alpaca (its licence" in said
    assert "data.sources.NAME.licence" in said and not (tmp_path / "out").exists()
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [])  # a source that is allowed and has no rows changes nothing
    with pytest.raises(DataRefused, match="leaves nothing to build from"):
        built(tmp_path, [], commercial_use=True)


def test_the_tables_say_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw_folder(tmp_path)
    arguments = ["data", "build", f"data.raw_dir={tmp_path / 'raw'}", f"data.dir={tmp_path / 'out'}", "--json"]
    for _ in range(2):  # the second time nothing is built
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "data.commercial_use=true"])
        assert ended.value.code == 0
        printed = capsys.readouterr().out
        assert "left out: code_alpaca: its licence, CC-BY-NC-4.0, does not allow commercial use" in printed
        assert set(json.loads(printed.splitlines()[-1])["skipped"]) == {"code_alpaca", "messages"}


def test_nothing_is_fetched_that_must_not_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_array(tmp_path / "code" / "code_alpaca_20k.json", [code_row(1)])
    write_lines(tmp_path / "shell" / "train.jsonl", [shell_row(1)])
    repositories = {
        "datasets/sahil2801/CodeAlpaca-20k": tmp_path / "code", "datasets/westenfelder/NL2SH-ALFA": tmp_path / "shell",
    }  # fmt: skip
    with loopback_hub(repositories) as hub:
        for key, value in hub.environment(tmp_path / "cache").items():
            monkeypatch.setenv(key, value)
        others = {name: {"include": False} for name in ("glaive_tools", "xlam")}
        settings = DataSettings(
            dir=tmp_path / "out", lock=tmp_path / "lock.json", sources=others, commercial_use=True,
            licence="Apache-2.0",  # is that of raw files, and the hub's are none
        )  # fmt: skip
        for find in (gather, fetch):
            inputs = find(settings, lambda _: None)
            assert set(inputs.files) == {"bash_commands"} and set(inputs.skipped) == {"code_alpaca"}
        assert not any("CodeAlpaca" in asked.path for asked in hub.asked)


def test_without_the_switch_nothing_is_left_out(tmp_path: Path) -> None:
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", [usage_row(n) for n in range(9)])
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [code_row(n) for n in range(9)])
    said: list[str] = []
    assert set(built(tmp_path, said).sources) == {"usage", "code_alpaca"} and said == []


def test_every_known_licence_is_judged() -> None:
    verdicts = {source.LICENCE: not_commercial(source.LICENCE) is None for source in SOURCES.values()}
    assert verdicts == {
        "CC-BY-NC-4.0": False, "Apache-2.0": True, "MIT": True, "CC-BY-4.0": True, "unknown": False, "private": True,
    }  # fmt: skip
    assert not_commercial("CC-BY-NC-SA-2.0") == "its licence, CC-BY-NC-SA-2.0, does not allow commercial use"
    assert not_commercial("GPL-3.0-only") and spelled("apache-2.0") == "Apache-2.0" and spelled("Own") == "Own"
    assert [hub_licence(name) for name in ("ODC-By-1.0", "private", "unknown")] == ["odc-by", "other", "unknown"]
    assert licence_url("MIT") == "https://spdx.org/licenses/MIT.html" and licence_url("private") is None

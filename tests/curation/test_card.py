"""The dataset card: the hub reads its front matter, and it says where rows came from and where they went."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard, DatasetCardData

from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.files import read_jsonl, sha256_file
from tests.loopback_hub import loopback_hub
from tests.raw_rows import code_row, shell_row, usage_row, write_array, write_lines, write_raw_folder


def built(folder: Path, **more: object) -> tuple[DatasetManifest, DatasetCard]:
    manifest = build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **more), say=lambda _: None)
    return manifest, DatasetCard.load(folder / "out" / "README.md")


def tables(card: str, heading: str) -> list[list[str]]:
    """The cells of all lines of all tables under a heading."""
    section = card.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]


def test_the_hubs_own_reader_takes_the_front_matter(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=300, glaive=300, shell=300, xlam=200, usage=20)
    manifest, card = built(tmp_path)
    assert isinstance(card.data, DatasetCardData)
    assert card.data.license == ["apache-2.0", "cc-by-4.0", "cc-by-nc-4.0", "mit", "other"]
    assert card.data.size_categories == ["1K<n<10K"] and card.data.task_categories == ["text-generation"]
    assert card.data.pretty_name == "training_dataset_foundation_final"
    configs = card.data.to_dict()["configs"]
    names = [config["config_name"] for config in configs]
    assert names == ["default", "code_alpaca", "glaive_tools", "bash_commands", "xlam", "merged_dataset"]
    assert [part["split"] for part in configs[0]["data_files"]] == ["train", "validation", "test"]
    for config in configs:
        for part in config["data_files"]:
            assert sum(1 for _ in read_jsonl(tmp_path / "out" / part["path"])) == manifest.files[part["path"]].rows > 0
    again = DatasetCard(card.content)
    assert again.data.to_dict() == card.data.to_dict() and again.text == card.text


def test_a_split_without_rows_is_not_named_to_the_hub(tmp_path: Path) -> None:
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [code_row(n) for n in range(9)])
    _, card = built(tmp_path, validation_share=0.0, test_share=0.0)
    assert card.data.to_dict()["configs"][0]["data_files"] == [
        {"split": "train", "path": "training_dataset_foundation_final.jsonl"}
    ]
    assert card.data.license == "cc-by-nc-4.0"


def test_every_row_left_out_stands_under_its_stage_and_reason(tmp_path: Path) -> None:
    broken = [{"instruction": "", "output": "x"}] * 3 + [{"instruction": "a", "output": ""}] * 2
    rows = [*(code_row(n) for n in range(100)), *broken, *[code_row(1)] * 4]
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", rows)
    manifest, card = built(tmp_path, sources={"code_alpaca": {"cap": 50}})
    left_out = [line for line in tables(card.text, "What became of every row") if len(line) == 5][2:]
    over_cap = manifest.sources["code_alpaca"].over_cap
    assert over_cap > 0 and left_out == [
        ["code_alpaca", "convert", "`empty_request`", "3", "2.75%"],
        ["code_alpaca", "convert", "`empty_answer`", "2", "1.83%"],
        ["code_alpaca", "deduplicate", "`duplicates`", "4", "3.85%"],
        ["code_alpaca", "mix", "`over_cap`", f"{over_cap}", f"{over_cap / 100:.2%}"],
    ]
    assert 5 + 4 + over_cap + manifest.sources["code_alpaca"].kept == 109


def test_licences_and_what_they_allow(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=60, shell=60, usage=20)
    _, card = built(tmp_path)
    assert "- code_alpaca: [CC-BY-NC-4.0](https://spdx.org/licenses/CC-BY-NC-4.0.html)\n" in card.text
    assert "- usage: private\n" in card.text and "Private rows (usage) are among them" in card.text
    assert "Not for commercial use as it stands; `data.commercial_use=true` builds it without" in card.text
    assert "- code_alpaca: its licence, CC-BY-NC-4.0, does not allow commercial use" in card.text
    _, card = built(tmp_path, commercial_use=True)
    assert "Built with `data.commercial_use=true`" in card.text and "Left out: code_alpaca." in card.text
    assert card.data.license == ["mit", "other"] and "Not for commercial use" not in card.text
    _, card = built(tmp_path, licence="MIT")
    assert "Every licence allows commercial use." in card.text and card.data.license == "mit"


def test_lengths_are_those_of_the_manifest(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=60, glaive=60)
    manifest, card = built(tmp_path)
    assert set(manifest.lengths) == {"code_alpaca", "glaive_tools"}
    for name, lengths in manifest.lengths.items():
        figures = (lengths.shortest, lengths.median, lengths.most, lengths.longest)
        assert [name, *(f"{figure:,}" for figure in figures)] in tables(card.text, "Lengths")
        assert sum(rows for _, rows in lengths.histogram) == manifest.sources[name].train
    for picture in re.findall(r"!\[[^]]+\]\((.+?)\)", card.text):
        assert (tmp_path / "out" / picture).is_file()
    assert DatasetManifest.load(tmp_path / "out" / "manifest.json").lengths == manifest.lengths


def test_raw_files_are_named_with_their_digests(tmp_path: Path) -> None:
    write_array(tmp_path / "raw" / "code_alpaca" / "a|b.json", [code_row(n) for n in range(40)])
    for day in range(12):
        write_lines(tmp_path / "raw" / "usage" / f"day_{day:02}.jsonl", [usage_row(n) for n in range(day, 40, 12)])
    _, card = built(tmp_path)
    listed = tables(card.text, "What it was built from")[2:]
    digest = sha256_file(tmp_path / "raw" / "code_alpaca" / "a|b.json")[:16]
    assert r"| code_alpaca | `code_alpaca/a\|b.json` |" in card.text and f"| `{digest}` |" in card.text
    assert len(listed) == 1 + 10 + 1 and listed[-1][1] == "and 2 more, see `manifest.json`"


def test_what_came_from_the_hub_is_named_with_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shell" / "train").mkdir(parents=True)
    pairs = "".join(f'{row["nl"]},"{row["bash"]}"\n' for row in map(shell_row, range(40)))
    (tmp_path / "shell" / "train" / "train.csv").write_text(f"nl,bash\n{pairs}")
    with loopback_hub({"datasets/westenfelder/NL2SH-ALFA": tmp_path / "shell"}) as hub:
        for key, value in hub.environment(tmp_path / "cache").items():
            monkeypatch.setenv(key, value)
        others = {name: {"include": False} for name in ("code_alpaca", "glaive_tools", "xlam")}
        manifest = build(
            DataSettings(dir=tmp_path / "out", lock=tmp_path / "lock.json", sources=others), say=lambda _: None
        )
    commit = manifest.commits["bash_commands"]
    card = DatasetCard.load(tmp_path / "out" / "README.md").text
    assert f"| westenfelder/NL2SH-ALFA at {commit[:12]} |" in card
    (raw,) = tables(card, "What it was built from")[2:]
    assert raw[1] == "`westenfelder/NL2SH-ALFA/train/train.csv`" and raw[-1] == commit[:12]

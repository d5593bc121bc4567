"""croissant.json: structure as MLCommons' Croissant 1.1 has it, with what the files really hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hive_mind.conversation import JSON
from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.croissant import croissant
from hive_mind.files import read_jsonl, sha256_file
from tests.raw_rows import code_row, write_array, write_raw_folder


def built(folder: Path, **more: object) -> tuple[DatasetManifest, JSON]:
    manifest = build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **more), say=lambda _: None)
    return manifest, json.loads((folder / "out" / "croissant.json").read_text())


def keys_of(value: Any) -> set[str]:
    """Every key at any depth, outside of the context."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*(keys_of(part) for key, part in value.items() if key != "@context"))
    return set()


def by_path(row: JSON, field: JSON) -> Any:
    """What a field's source says that a row has: its column, then a path of names inside of it."""
    value = row.get(field["source"]["extract"]["column"])
    for name in field["source"].get("transform", {}).get("jsonPath", "$").split(".")[1:]:
        value = [part.get(name) for part in value] if isinstance(value, list) else value and value[name]
    return value


def test_files_are_named_with_size_and_digest(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=60, glaive=60, usage=20)
    manifest, described = built(tmp_path)
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.1" and described["@type"] == "sc:Dataset"
    assert described["version"] == f"1.0.0+{manifest.digest[:12]}" and described["name"] == manifest.name
    assert described["license"] == [
        "https://spdx.org/licenses/CC-BY-NC-4.0.html", "https://spdx.org/licenses/Apache-2.0.html", "private",
    ]  # fmt: skip
    files = {file["@id"]: file for file in described["distribution"]}
    assert files.keys() == manifest.files.keys()
    for name, file in files.items():
        path = tmp_path / "out" / file["contentUrl"]
        assert (file["@type"], file["encodingFormat"]) == ("cr:FileObject", "application/jsonlines")
        assert file["sha256"] == sha256_file(path) and file["contentSize"] == f"{path.stat().st_size} B", name
    assert str(tmp_path) not in json.dumps(described)


def test_every_term_is_one_of_the_context_or_of_schema_org(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=60, glaive=60, usage=20)
    _, described = built(tmp_path)
    schema_org = {"license", "version", "keywords", "distribution", "contentUrl", "contentSize", "encodingFormat",
                  "sha256", "prov:wasDerivedFrom"}  # fmt: skip
    terms = {key for key in keys_of(described) if not key.startswith("@")}
    assert terms - schema_org <= described["@context"].keys()
    assert described["@context"]["cr"] == "http://mlcommons.org/croissant/"


def test_the_fields_lead_to_what_the_rows_hold(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=60, glaive=90, usage=20)
    manifest, described = built(tmp_path)
    sets = {each["@id"]: each for each in described["recordSet"]}
    assert list(sets) == ["train", "validation", "test"]
    for split, records in sets.items():
        fields = {field["@id"]: field for field in records["field"]}
        assert records["key"]["@id"] in fields
        leaves = [leaf for field in fields.values() for leaf in field.get("subField", [field])]
        assert all(leaf["source"]["fileObject"]["@id"] == getattr(manifest, split).name for leaf in leaves)
        assert all(leaf["dataType"] in ("sc:Text", "sc:DateTime") for leaf in leaves)
        for _, row in read_jsonl(getattr(manifest, split)):
            values = {leaf["@id"].removeprefix(f"{split}/"): by_path(row, leaf) for leaf in leaves}
            assert values["id"] == row["id"] and values["source"] == row["metadata"]["source"]
            assert values["messages/content"] == [message["content"] for message in row["messages"]]
            assert values["messages/role"] == [message["role"] for message in row["messages"]]
            assert values.get("timestamp") == row.get("timestamp")
            declared = [tool["function"]["name"] for tool in row.get("tools", [])]
            assert (values["tools/name"] or []) == declared
        assert [name.split("/", 1)[1] for name in fields][:3] == ["id", "messages", "tools"]
    assert "train/timestamp" in json.dumps(sets["train"])


def test_fields_that_no_row_has_and_splits_without_rows_are_left_out(tmp_path: Path) -> None:
    """Readers of Croissant fail on a column that is nowhere."""
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [code_row(n) for n in range(30)])
    _, described = built(tmp_path, validation_share=0.0)
    assert [each["@id"] for each in described["recordSet"]] == ["train", "test"]
    for each in described["recordSet"]:
        names = [field["name"] for field in each["field"]]
        assert names == [f"{each['@id']}/{name}" for name in ("id", "messages", "source")]


def test_origins_are_the_commits_that_were_fetched(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=60, usage=20)
    manifest, described = built(tmp_path)
    assert described["prov:wasDerivedFrom"] == []
    manifest.commits["code_alpaca"] = "c" * 40
    assert croissant(manifest)["prov:wasDerivedFrom"] == [{
        "@id": f"https://huggingface.co/datasets/sahil2801/CodeAlpaca-20k/tree/{'c' * 40}", "@type": "sc:Dataset",
        "name": "sahil2801/CodeAlpaca-20k", "version": "c" * 40,
        "license": "https://spdx.org/licenses/CC-BY-NC-4.0.html",
    }]  # fmt: skip


def test_mlcroissant_reads_every_record(tmp_path: Path) -> None:
    """The reference reader is too large for the development extra; where it is installed, it judges."""
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    write_raw_folder(tmp_path / "raw", code=60, glaive=60, usage=20)
    manifest, _ = built(tmp_path)
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    for split in ("train", "validation", "test"):
        ids = [record[f"{split}/id"].decode() for record in dataset.records(split)]
        assert ids == [row["id"] for _, row in read_jsonl(getattr(manifest, split))]

"""Raw rows in, a dataset out: files, figures, the report's 10,156 rows, its issues 2 and 3, refusals, no-ops."""

from __future__ import annotations

import json
import os
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from hive_mind import parallel
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.config import check
from hive_mind.conversation import Conversation
from hive_mind.curation import DatasetManifest, DataSettings, build, contamination, duplicates, ingest, scan
from hive_mind.curation.tables import accounting_table, composition_table
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.model.base import TINY_FOLDER
from hive_mind.training import tokens
from tests.raw_rows import code_row, shell_row, usage_row, write_array, write_lines, write_raw_folder

CONFIGS = Path(__file__).parent.parent.parent / "configs"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def built(folder: Path, said: list[str] | None = None, **settings: Any) -> DatasetManifest:
    lines = [] if said is None else said
    return build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **settings), say=lines.append)


def settings_of(config: str, folder: Path) -> DataSettings:
    """The data section of a runnable config, with its folders under a test's own."""
    values = yaml.safe_load((CONFIGS / config).read_text())["data"]
    values.update(dir=str(folder / "out"), raw_dir=str(folder / "raw"))
    if "automated" in values:
        values["automated"] = str(folder / values["automated"])
    return check(DataSettings, values, config)


def test_the_reports_composition_to_the_row(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=6500, glaive=7000, shell=300, xlam=50, usage=80)
    manifest = build(settings_of("report.yaml", tmp_path), say=lambda _: None)
    composition = {row.source: row.examples for row in manifest.composition}
    assert composition == {"code_alpaca": 5000, "glaive_tools": 5000, "bash_commands": 89, "usage": 67}
    assert manifest.rows("train") == 10_156
    assert len(rows_of(manifest.train)) == 10_156
    assert manifest.rows("validation") > 400 and manifest.rows("test") > 400
    assert len(rows_of(tmp_path / "out" / "external" / "merged_dataset.jsonl")) == 10_156 - 67


def test_the_baseline_is_the_first_21_usage_rows(tmp_path: Path) -> None:
    rows = [usage_row(n) for n in range(67)]
    write_lines(tmp_path / "data" / "automated" / "training_data_1.jsonl", rows[::-1])
    (tmp_path / "raw").mkdir()
    manifest = build(settings_of("baseline.yaml", tmp_path), say=lambda _: None)
    requests = {row["messages"][0]["content"] for row in rows_of(manifest.train)}
    assert requests == {row["user_request"] for row in rows[:21]}


def test_the_foundation_mix_takes_every_source(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=50, glaive=60, shell=50, xlam=50, usage=67)
    manifest = build(settings_of("foundation.yaml", tmp_path), say=lambda _: None)
    assert set(manifest.sources) == {"code_alpaca", "glaive_tools", "bash_commands", "xlam", "usage"}
    assert manifest.sources["usage"].test > 0


def test_every_row_is_accounted_for_in_files_tables_and_manifest(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    broken = [{"instruction": "", "input": "", "output": "x"}, {"instruction": "a", "output": ""}, {"other": 1}, 7]
    write_array(raw / "code_alpaca" / "a.json", [*(code_row(n) for n in range(200)), *broken, *[code_row(1)] * 5])  # type: ignore[list-item]
    lines = [json.dumps(shell_row(n)) for n in range(300)]
    lines.insert(7, '{"nl": "cut')
    (raw / "nl2sh").mkdir()
    (raw / "nl2sh" / "train.jsonl").write_text("\n".join(lines))
    failed = [{**usage_row(n), "success": False} for n in range(100, 130)]
    write_lines(raw / "usage" / "u.jsonl", [*(usage_row(n) for n in range(30)), *failed])
    manifest = built(tmp_path, sources={"bash_commands": {"cap": 100}})

    figures = {name: counts.to_dict() for name, counts in manifest.sources.items()}
    for name, counts in figures.items():
        out = counts["kept"] + sum(counts["rejects"].values()) + counts["duplicates"] + counts["over_cap"]
        assert counts["read"] == out, name
    code, shell, usage = (figures[name] for name in ("code_alpaca", "bash_commands", "usage"))
    assert (code["read"], code["duplicates"]) == (209, 5)
    assert code["rejects"] == {"empty_request": 1, "empty_answer": 1, "unknown_layout": 1, "not_an_object": 1}
    assert (shell["read"], shell["rejects"], shell["train"]) == (301, {"broken_json": 1}, 100)
    assert usage["rejects"] == {"not_successful": 30}

    rejects = rows_of(tmp_path / "out" / "rejects.jsonl")
    assert Counter(row["source"] for row in rejects) == {"code_alpaca": 4, "bash_commands": 1, "usage": 30}
    (cut,) = [row for row in rejects if row["source"] == "bash_commands"]
    assert (cut["file"], cut["line"], cut["code"], cut["raw"]) == ("nl2sh/train.jsonl", 8, "broken_json", '{"nl": "cut')
    for split in ("train", "validation", "test"):
        assert len(rows_of(getattr(manifest, split))) == sum(counts[split] for counts in figures.values())

    table = accounting_table(manifest)
    assert re.search(r"^code_alpaca +209 +4 +5 +0 ", table, re.MULTILINE)
    assert "rejected from usage: 30 not_successful" in table
    total = re.search(r"^total +(.*)$", table, re.MULTILINE)
    assert total is not None and total[1].split()[0] == "570"


def test_the_composition_adds_up(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=300, glaive=300, shell=300)
    manifest = built(tmp_path)
    assert sum(row.share for row in manifest.composition) == pytest.approx(1)
    assert sum(row.examples for row in manifest.composition) == manifest.rows("train")
    assert sum(row.bytes for row in manifest.composition) == manifest.train.stat().st_size
    assert re.search(rf"^total +{manifest.rows('train')} +100\.0%", composition_table(manifest), re.MULTILINE)


def test_issue_2_timestamps_of_every_kind_come_out_as_one_kind(tmp_path: Path) -> None:
    """The report's merge failed on columns that held texts, numbers and dates at once."""
    stamps: list[Any] = ["2026-02-05T22:19:35.585826", "2026-02-05T22:19:35Z", "2026-02-06T03:49:35+05:30", 1770329975,
                         1770329975585, "1770329975", None]  # fmt: skip
    rows = [{**usage_row(n), "timestamp": stamp} for n, stamp in enumerate(stamps)]
    del rows[-1]["timestamp"]
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", rows)
    manifest = built(tmp_path)
    written = [row.get("timestamp") for row in rows_of(manifest.train)]
    assert written == ["2026-02-05T22:19:35Z"] * 6 + [None]
    assert "timestamp" not in rows_of(manifest.train)[-1]


def test_issue_3_metadata_of_every_kind_comes_out_as_the_source_alone(tmp_path: Path) -> None:
    """The report's merge failed on metadata whose fields differed from row to row."""
    kinds: list[Any] = [{"session_id": 5, "performance": {"seconds": 1}}, {"session_id": "a", "performance": [1, "x"]},
                        {"performance": None, "model": {"name": "m"}}, "a text", None, ["list"]]  # fmt: skip
    write_lines(
        tmp_path / "raw" / "usage" / "u.jsonl", [{**usage_row(n), "metadata": kind} for n, kind in enumerate(kinds)]
    )
    manifest = built(tmp_path)
    assert [row["metadata"] for row in rows_of(manifest.train)] == [{"source": "usage"}] * len(kinds)
    index = rows_of(manifest.train.with_suffix(".index.jsonl"))
    assert [row["session"] for row in index][:2] == ["5", "a"]


def test_rows_come_back_as_the_same_conversations_with_an_index_line_each(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=50, glaive=60, shell=50, xlam=50, usage=20)
    manifest = built(tmp_path)
    for path in (manifest.train, manifest.test, tmp_path / "out" / "external" / "xlam.jsonl"):
        rows, index = rows_of(path), rows_of(path.with_suffix(".index.jsonl"))
        assert [row["id"] for row in rows] == [row["id"] for row in index]
        for row in rows:
            assert Conversation.from_dict(row).to_dict() == row
            assert list(row)[:2] == ["id", "messages"] and list(row["metadata"]) == ["source"]
    usage = [row for row in rows_of(manifest.train.with_suffix(".index.jsonl")) if row["session"]]
    assert usage[0] | {"id": ""} == {
        "id": "", "records": ["usage/training_data_1.jsonl:1"], "group": "session:s0", "session": "s0", "client": None,
        "time": "2026-02-05T22:19:35Z", "window": None, "licence": "private",
    }  # fmt: skip


def test_equal_rows_of_different_sources_are_kept_once(tmp_path: Path) -> None:
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [shell_row(n) for n in range(20)])
    rows = rows_of(built(tmp_path).train)
    write_lines(tmp_path / "raw" / "messages" / "again.jsonl", [*rows, {**rows[0], "id": "x", "messages": [
        {"role": "user", "content": "new"}, {"role": "assistant", "content": "answer"}]}])  # fmt: skip
    counts = built(tmp_path).sources["messages"]
    assert (counts.read, counts.duplicates, counts.kept) == (len(rows) + 1, len(rows), 1)


def test_a_second_build_finds_nothing_to_do_and_any_change_builds_again(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=50, shell=50)
    first = built(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.json*")}
    said: list[str] = []
    again = built(tmp_path, said)
    assert again == first and again.digest == first.digest
    assert len(said) == 1 and said[0].startswith("dataset: nothing changed")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.json*")} == before
    assert DatasetManifest.load(tmp_path / "out" / "manifest.json") == first

    assert built(tmp_path, seed=7).fingerprint != first.fingerprint
    write_lines(tmp_path / "raw" / "nl2bash" / "nl2bash.jsonl", [shell_row(n) for n in range(51)])
    assert built(tmp_path).sources["bash_commands"].read == 51
    first.test.write_text("")
    assert built(tmp_path).rows("test") > 0 and first.test.stat().st_size > 0


def test_the_same_inputs_give_the_same_bytes_whatever_the_folder(tmp_path: Path) -> None:
    digests = []
    for name in ("a", "b"):
        write_raw_folder(tmp_path / name / "raw", code=80, glaive=90, usage=20)
        digests.append(built(tmp_path / name).digest)
    assert digests[0] == digests[1]


def test_files_of_sources_that_are_gone_do_not_stay_behind(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=50, shell=50)
    built(tmp_path)
    built(tmp_path, sources={"code_alpaca": {"include": False}})
    assert sorted(path.name for path in (tmp_path / "out" / "external").iterdir()) == [
        "bash_commands.index.jsonl", "bash_commands.jsonl", "merged_dataset.index.jsonl", "merged_dataset.jsonl",
    ]  # fmt: skip


def test_a_source_that_loses_over_a_fifth_stops_the_build_with_its_commonest_reasons(tmp_path: Path) -> None:
    bad = [{"nl": "", "bash": "x"}] * 12 + [{"nl": "x", "bash": ""}] * 8 + [{"nl": 5, "bash": ""}] * 4 + [{"a": 1}] * 2
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [*(shell_row(n) for n in range(100)), *bad])
    with pytest.raises(DataRefused) as refused:
        built(tmp_path)
    message = str(refused.value)
    assert message.startswith("bash_commands: 26 of 126 rows cannot be used: 12 empty_request (the first: ")
    assert "nl2sh/s.jsonl, line 101" in message and "8 empty_command" in message and "4 not_text" in message
    assert "unknown_layout" not in message
    assert refused.value.exit_code == 4
    assert len(rows_of(tmp_path / "out" / "rejects.jsonl")) == 26
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert not list((tmp_path / "out").glob("train*"))


def test_a_fifth_itself_is_borne(tmp_path: Path) -> None:
    bad = [{"nl": "", "bash": "x"}] * 25
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [*(shell_row(n) for n in range(100)), *bad])
    assert built(tmp_path).sources["bash_commands"].rejected == 25


def test_a_source_with_input_and_no_output_stops_the_build(tmp_path: Path) -> None:
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", [{**usage_row(n), "success": False} for n in range(9)])
    with pytest.raises(DataRefused, match="usage: no row can be used: 9 not_successful"):
        built(tmp_path)


def test_failed_interactions_do_not_count_as_a_broken_source(tmp_path: Path) -> None:
    rows = [{**usage_row(n), "success": n % 2 == 0} for n in range(40)]
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", rows)
    assert built(tmp_path).sources["usage"].kept == 20


def test_a_folder_without_rows_names_what_was_not_read(tmp_path: Path) -> None:
    write_lines(tmp_path / "raw" / "usage" / "runs.jsonl", [{"task_id": 1, "Question": "x"}])
    (tmp_path / "raw" / "nl2sh").mkdir()
    (tmp_path / "raw" / "nl2sh" / "empty.jsonl").write_text("")
    with pytest.raises(UsageError, match=r"its rows are not in the layout of usage") as refused:
        built(tmp_path)
    assert "nl2sh/empty.jsonl (no rows)" in str(refused.value)


def test_what_is_not_read_is_said_once(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=20)
    write_lines(tmp_path / "raw" / "usage" / "runs.jsonl", [{"task_id": 1}])
    (tmp_path / "raw" / "eval").mkdir()
    said: list[str] = []
    built(tmp_path, said)
    assert said == [
        "not read: eval/ (kept for evaluation)",
        "not read: usage/runs.jsonl (its rows are not in the layout of usage)",
    ]


def test_a_failing_disk_leaves_the_old_dataset_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_raw_folder(tmp_path / "raw", code=50)
    first = built(tmp_path)
    write_raw_folder(tmp_path / "raw", code=80)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HiveMindError, match="No space left on device"):
        built(tmp_path)
    monkeypatch.undo()
    assert first.intact()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_an_input_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_raw_folder(tmp_path / "raw", code=5)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "secret.json")

    monkeypatch.setattr("hive_mind.curation.builder.sha256_file", refuse)
    with pytest.raises(HiveMindError, match=r"could not read or write secret\.json: Permission denied"):
        built(tmp_path)


def test_a_million_characters_and_any_order_of_rows_change_nothing_in_the_choice(tmp_path: Path) -> None:
    rows = [shell_row(n) for n in range(400)]
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", rows)
    first = {row["id"] for row in rows_of(built(tmp_path, sources={"bash_commands": {"cap": 90}}).train)}
    random.Random(1).shuffle(rows)
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [*rows, {"nl": "x" * 1_000_000, "bash": "ls"}])
    second = {row["id"] for row in rows_of(built(tmp_path, sources={"bash_commands": {"cap": 90}}).train)}
    assert len(first & second) >= 89


def test_the_card_shows_the_manifests_figures_and_valid_front_matter(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=300, glaive=300, usage=20)
    manifest = built(tmp_path)
    card = (tmp_path / "out" / "README.md").read_text()
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["license"] == ["apache-2.0", "cc-by-nc-4.0", "other"]
    assert front["size_categories"] == ["n<1K"]
    for entry in front["configs"][0]["data_files"]:
        assert len(rows_of(tmp_path / "out" / entry["path"])) == manifest.rows(entry["split"])
    for row in manifest.composition:
        assert f"| {row.source} | {row.examples:,} | {row.share:.1%} |" in card
    assert str(tmp_path) not in card + (tmp_path / "out" / "manifest.json").read_text()


@pytest.mark.real
def test_the_real_rows_all_of_them(real_data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    manifest = build(DataSettings(dir=tmp_path, raw_dir=real_data), say=said.append)
    figures = {name: counts.to_dict() for name, counts in manifest.sources.items()}
    assert {name: counts["read"] for name, counts in figures.items()} == {
        "code_alpaca": 19_000, "glaive_tools": 260, "bash_commands": 12_607, "xlam": 700, "usage": 60,
    }  # fmt: skip
    assert figures["code_alpaca"]["rejects"] == {"empty_answer": 6}
    assert figures["glaive_tools"]["rejects"] == {"wrong_type": 1}
    assert figures["bash_commands"]["rejects"] == {"annotators_note": 4}
    assert sum(figures["xlam"]["rejects"].values()) <= 0.035 * 700
    assert figures["usage"]["rejects"] == {"not_successful": 16, "no_window_fits": 1}
    assert (figures["usage"]["cut"], figures["usage"]["windows"]) == (43, 145)
    for counts in figures.values():
        assert counts["validation"] > 0 and counts["test"] > 0
    assert not any("usage/livemcpbench" in line for line in said)
    assert not any("eval/" in line and "bfcl" in line for line in said)


def test_rows_in_a_public_layout_can_have_a_licence_of_their_own(tmp_path: Path) -> None:
    raw = write_raw_folder(tmp_path / "raw", code=40)
    settings = {"dir": tmp_path / "data", "raw_dir": raw}
    assert [row.licence for row in build(DataSettings(**settings)).composition] == ["CC-BY-NC-4.0"]
    own = build(DataSettings(**settings, licence="Apache-2.0"))
    assert [row.licence for row in own.composition] == ["Apache-2.0"]
    index = (tmp_path / "data" / "test.index.jsonl").read_text().splitlines()
    assert {json.loads(line)["licence"] for line in index} == {"Apache-2.0"}


def test_two_processes_give_the_bytes_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects, duplicates, near-duplicates, contaminated and redacted rows among them, and the tokens as well."""
    write_raw_folder(tmp_path / "raw", code=150, glaive=200, shell=150, xlam=40, usage=40)
    shell = [shell_row(n) for n in range(150)]
    shell += [shell[3], {**shell[5], "nl": shell[5]["nl"].upper()}, {"nl": "", "bash": "ls"}]
    shell += [{"nl": f"Mail the log to marta{n}@firma-kolbe.de", "bash": f"mail marta{n}@firma-kolbe.de"} for n in "ab"]
    write_lines(tmp_path / "raw" / "nl2bash" / "nl2bash.jsonl", shell)
    write_lines(tmp_path / "suite.jsonl", [{"task_id": 1, "prompt": shell[7]["nl"], "test": ""}])
    monkeypatch.setattr(ingest, "BATCH_ROWS", 7)
    monkeypatch.setattr(scan, "BATCH_ROWS", 11)
    monkeypatch.setattr(contamination, "BATCH_ROWS", 13)
    monkeypatch.setattr(duplicates, "SKETCH_ROWS", 17)
    monkeypatch.setattr(tokens, "BATCH_ROWS", 19)
    written = {}
    for processes in (1, 2, 3):
        monkeypatch.setattr(parallel, "cores", lambda processes=processes: processes)
        folder = tmp_path / f"by-{processes}"
        manifest = build(
            DataSettings(dir=folder, raw_dir=tmp_path / "raw", missing_tool_share=0.1,
                         decontaminate={"own": tmp_path / "suite.jsonl"}),
            say=lambda _: None,
        )  # fmt: skip
        counts = manifest.sources["bash_commands"]
        assert counts.rejected and counts.duplicates and counts.contaminated and counts.redacted.rows == 2
        tokens.tokenise(manifest.train, load_tokenizer(TINY_FOLDER), 2048)
        files = (path for path in folder.rglob("*") if path.is_file() and path.name != "tokens.json")
        written[processes] = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    assert len(written[1]) > 15 and written[1] == written[2] == written[3]

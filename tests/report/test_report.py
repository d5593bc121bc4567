"""The report says what the records say, and of what is not in them it says so."""

import json
import re

import pytest

from hive_mind import registry
from hive_mind.errors import UsageError
from hive_mind.files import write_json
from hive_mind.report import write
from hive_mind.report.records import held_out_calls, reports_folder
from tests.registry.versions import sealed
from tests.report.world import dataset, metrics, run_record, verdict, version, whole_world

SECTIONS = ["1. Dataset", "2. Configuration", "3. Hardware and versions", "4. Loss", "5. Issues met", "6. Outcomes",
            "7. Storage", "8. To repeat it"]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return whole_world(tmp_path_factory.mktemp("world") / "models")


@pytest.fixture(scope="module")
def text(world):
    return write(world, "foundation_v1").read_text()


def section(text, name):
    return text.partition(f"## {name}\n")[2].partition("\n## ")[0]


def cells(text, first):
    """The cells after the first of the table row that begins with `first`."""
    [line] = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[2:-1]]


def test_the_report_lies_beside_the_evaluation_with_its_picture(world, text):
    reports = world / "reports" / "foundation_v1"
    assert (reports / "FOUNDATION_MODEL_TRAINING.md").read_text() == text
    assert (reports / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "](loss.png)" in text
    assert re.findall(r"^## (\d.*)$", text, re.M) == SECTIONS


def test_the_dataset_section_gives_composition_and_every_rows_fate(text):
    part = section(text, "1. Dataset")
    assert "| code_alpaca | 280 | 59.57% | 400.0 kB | CC-BY-NC-4.0 |" in part
    assert cells(part, "**total**") == ["470", "100.00%", "512.0 kB", ""]
    assert "| code_alpaca | 310 | 10 | 0 | 0 | 0 | 0 | 0 | 280 | 10 | 10 |" in part
    assert cells(part, "left out") == ["3 too long"]
    assert cells(part, "examples trained on") == ["470"]
    assert "- xlam: gated" in part


def test_suites_are_shown_or_why_they_are_not(text):
    part = section(text, "6. Outcomes")
    assert cells(part, "code: humaneval pass@1") == [
        "4", "0.0% (0–49)", "25.0% (5–70)", "50.0% (15–85)"
    ]  # fmt: skip
    assert "- unavailable: bfcl: no bwrap" in part
    assert [cell.partition(" ")[0] for cell in cells(part, "usage, as served")] == ["20", "100%", "85%", "25%"]


def test_configuration_machine_and_loss_are_the_records_own(text):
    configuration = section(text, "2. Configuration")
    assert cells(configuration, "trainable parameters") == ["123,456 (1.75%)"]
    assert cells(configuration, "`learning_rate`") == ["`0.0002`"]
    assert cells(configuration, "adapter") == ["LoRA, r 16, alpha 32"]
    assert cells(section(text, "3. Hardware and versions"), "torch") == ["2.13.0"]
    loss = section(text, "4. Loss")
    assert cells(loss, "first step") == ["3.050"]
    assert cells(loss, "3") == ["0.510", "0.627"]
    assert cells(loss, "peak memory") == ["1.5 GB"]


def test_issues_are_listed_once_each(text):
    issues = section(text, "5. Issues met").strip().splitlines()
    assert issues == [
        "- code_alpaca: 10 of 310 rows were rejected (10 empty_answer)",
        "- usage: 5 rows were there twice and are used once",
        "- xlam was left out: gated: accept its terms on the hub",
        "- 3 rows were left out of training: too long",
        "- step 40 was skipped: its loss or gradient was not finite (rows 7, 9 of the dataset)",
        "- training was interrupted and taken up again at step 30",
    ]


def test_outcomes_put_baseline_and_foundation_side_by_side(text):
    part = section(text, "6. Outcomes")
    assert cells(part, "examples") == ["301", "470"]
    assert cells(part, "tool types") == ["4", "27"]
    assert cells(part, "training loss, mean of the last epoch") == ["1.200", "0.510"]
    assert cells(part, "held-out calls right, usage") == ["3 of 20 (15%)", "15 of 20 (75%)"]
    assert cells(part, "held-out calls right, unseen_tools") == ["0 of 10 (0%)", "2 of 10 (20%)"]
    assert cells(part, "no_tool") == ["10", *["80% (8; 49% to 94%)"] * 3]
    assert cells(part, "no_tool, chat") == ["500", "2.000", "2.000", "2.000"]
    assert "base is right on 1 of 30 tool calls" in part
    assert "2 questions, and 0 conversations" in part
    assert cells(part, "decision") == ["**promote**"]
    assert cells(part, "tool calls") == ["pass", "better: 17 against 0 of 30 \\| p 1e-05"]


def test_storage_is_measured_and_the_commands_repeat_the_run(world, text):
    manifest = registry.load_manifest(world / "foundation_v1")
    storage = section(text, "7. Storage")
    assert cells(storage, f"the whole version, `{world / 'foundation_v1'}`") == [f"{manifest.size / 1e3:.1f} kB"]
    assert cells(storage, "the dataset's files") == ["552.0 kB"]
    repeat = section(text, "8. To repeat it")
    assert "hive-mind run configs/foundation.yaml" in repeat
    assert 'AutoModelForCausalLM.from_pretrained("hive-mind/tiny-base")' in repeat


def test_a_version_without_any_record_gets_a_report_that_says_so_everywhere(tmp_path):
    sealed(tmp_path, "byhand_v1")
    (tmp_path / "byhand_v1" / "run.json").unlink()
    path = write(tmp_path, "byhand_v1")
    text = path.read_text()
    assert re.findall(r"^## (\d.*)$", text, re.M) == SECTIONS
    assert not (path.parent / "loss.png").exists()
    assert "loss.png" not in text
    assert cells(section(text, "4. Loss"), "first step") == ["not measured"]
    assert cells(section(text, "1. Dataset"), "left out") == ["not measured"]
    assert cells(section(text, "2. Configuration"), "adapter") == ["not measured"]
    assert "what happened in training: not measured" in section(text, "5. Issues met")
    assert "Held-out questions: not measured" in section(text, "6. Outcomes")
    assert "Verdict: not measured" in section(text, "6. Outcomes")
    assert "None" not in re.sub(r"None was recorded", "", text)


def test_a_figure_that_is_missing_alone_is_the_only_one_not_measured(tmp_path):
    whole_world(tmp_path)
    record = metrics(0.51)
    del record["validation_loss"]
    write_json(tmp_path / "foundation_v1" / "training_metrics.json", record)
    text = write(tmp_path, "foundation_v1").read_text()
    assert cells(section(text, "4. Loss"), "validation after training") == ["not measured"]
    assert cells(section(text, "6. Outcomes"), "validation loss") == ["0.630", "not measured"]
    assert text.count("not measured") == 2


def test_no_issue_at_all_is_said(tmp_path):
    folder = version(tmp_path, "clean_v1", examples=300, tool_types=1, final=0.5, seed=3)
    run = run_record("clean_v1", 300, 1) | {"issues": [], "resumed_from": []}
    run["dataset"] |= {"dropped": {}, "digest": "other"}
    write_json(folder / "run.json", run)
    assert section(write(tmp_path, "clean_v1").read_text(), "5. Issues met").strip() == "None was recorded."


def test_the_manifest_beside_the_training_file_is_used_only_while_it_is_that_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    version(tmp_path / "models", "foundation_v1", examples=470, tool_types=3, final=0.5, seed=4)
    write_json(tmp_path / "data" / "manifest.json", dataset().to_dict())
    assert "| usage | 190 |" in write(tmp_path / "models", "foundation_v1").read_text()
    rebuilt = json.loads((tmp_path / "data" / "manifest.json").read_text())
    rebuilt["files"]["training_dataset_foundation_final.jsonl"]["sha256"] = "9" * 64
    write_json(tmp_path / "data" / "manifest.json", rebuilt)
    text = write(tmp_path / "models", "foundation_v1").read_text()
    assert "| usage | 190 | 40.43% | 112.0 kB" not in text
    assert "| usage | 190 | 40.43% |" in text, "the run's own counts by source stand in"


def test_a_file_chosen_from_a_dataset_is_named(tmp_path):
    folder = version(tmp_path, "baseline_v1", examples=301, tool_types=3, final=0.5, seed=4)
    run = run_record("baseline_v1", 301, 3)
    run["dataset"] |= {"path": "data/baseline.jsonl", "digest": "8" * 64}
    write_json(folder / "run.json", run)
    write_json(reports_folder(tmp_path, "baseline_v1") / "dataset.json", dataset().to_dict())
    text = write(tmp_path, "baseline_v1").read_text()
    assert "a file chosen from that dataset: `data/baseline.jsonl`" in text


def test_writing_it_again_gives_the_same_text(world, text):
    assert write(world, "foundation_v1").read_text() == text


def test_held_out_calls_keep_their_tiers_apart(world):
    assert held_out_calls(world, "foundation_v1") == [("usage", 15, 20), ("unseen_tools", 2, 10)]
    assert held_out_calls(world, "baseline_v1") == [("usage", 3, 20), ("unseen_tools", 0, 10)], (
        "measured beside another"
    )
    assert held_out_calls(world, "other_v1") == []


def test_errors_name_what_is_wrong(world, tmp_path):
    with pytest.raises(UsageError, match="there is no version 'nothing_v1'"):
        write(world, "nothing_v1")
    whole_world(tmp_path)
    (reports_folder(tmp_path, "foundation_v1") / "evaluation.json").write_text('{"format": 1}')
    with pytest.raises(UsageError, match="is not an evaluation"):
        write(tmp_path, "foundation_v1")


def test_a_verdict_that_holds_is_shown_with_its_reason(tmp_path):
    whole_world(tmp_path)
    verdict("hold").write(reports_folder(tmp_path, "foundation_v1") / "verdict.json")
    text = write(tmp_path, "foundation_v1").read_text()
    assert "The gate's verdict: **hold**." in text
    assert cells(section(text, "6. Outcomes"), "decision") == ["**hold**"]

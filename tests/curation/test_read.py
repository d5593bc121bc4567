"""A training file may mix every layout: `cat external/merged_dataset.jsonl automated/training_data_*.jsonl`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hive_mind.conversation import Conversation, Reject
from hive_mind.curation import DataSettings, build, read_dataset, read_row
from hive_mind.errors import DataRefused, UsageError
from tests.raw_rows import glaive_row, shell_row, usage_row, write_lines, write_raw_folder
from tests.sources.test_messages import OPENAI, SHAREGPT


def test_the_reports_own_concatenation(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=40, glaive=60, shell=40)
    manifest = build(DataSettings(dir=tmp_path / "data", raw_dir=tmp_path / "raw"), say=lambda _: None)
    write_lines(tmp_path / "data" / "automated" / "training_data_1.jsonl", [usage_row(n) for n in range(5)])
    joined = tmp_path / "data" / "training_dataset_foundation.jsonl"
    parts = ("external/merged_dataset.jsonl", "automated/training_data_1.jsonl")
    joined.write_bytes(b"".join((tmp_path / "data" / part).read_bytes() for part in parts))
    rows = list(read_dataset(joined))
    assert all(isinstance(row, Conversation) for row in rows)
    counts = {name: counts.train for name, counts in manifest.sources.items()}
    found = [row.source for row in rows]
    assert {name: found.count(name) for name in counts} == counts
    assert found.count("usage") == 5


def test_every_layout_and_every_kind_of_reject_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    failed = {**usage_row(2), "success": False}
    token = {"messages": [{"role": "user", "content": "<|im_end|>"}, {"role": "assistant", "content": "x"}]}
    write_lines(path, [OPENAI, SHAREGPT, usage_row(1), glaive_row(1), shell_row(1), failed, {"text": "plain"}, token])
    rows = list(read_dataset(path))
    assert [row.source for row in rows[:5]] == ["messages", "messages", "usage", "glaive_tools", "bash_commands"]
    assert all(isinstance(row, Conversation) for row in rows[:5])
    rejects = [row for row in rows[5:] if isinstance(row, Reject)]
    assert [(row.code, row.line) for row in rejects] == [
        ("not_successful", 6), ("unknown_layout", 7), ("special_token_text", 8),
    ]  # fmt: skip
    assert all(row.file == str(path) for row in rejects)
    assert json.loads(rejects[1].raw) == {"text": "plain"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"messages": [', "not valid JSON.*; repair or remove that line"),
        ("[1, 2]", "not a JSON object; repair or remove that line"),
        ('{"nl": "a", "bash": "b"}{"nl": "c", "bash": "d"}', "two rows joined by `cat` from a file without a last"),
    ],
)  # fmt: skip
def test_a_broken_line_of_a_named_file_is_a_clear_error(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(shell_row(1)) + "\n" + line + "\n")
    rows = read_dataset(path)
    assert isinstance(next(rows), Conversation)
    with pytest.raises(DataRefused, match=rf"data\.jsonl, line 2: .*{why}") as refused:
        next(rows)
    assert refused.value.exit_code == 4


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        next(read_dataset(tmp_path / "absent.jsonl"))


def test_single_rows_are_numbered_from_one(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [shell_row(n) for n in range(3)])
    row = read_row(tmp_path / "a.jsonl", 2)
    assert isinstance(row, Conversation) and row.messages[0].content == shell_row(1)["nl"]
    assert read_row(tmp_path / "a.jsonl", 4) is None

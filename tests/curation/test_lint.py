"""`lint`: every kind of problem is found, counted by rows, and named with its line; a clean file is clean."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from hive_mind.curation.lint import ERROR, KINDS, WARNING, lint, severity
from hive_mind.errors import DataRefused, UsageError
from tests.raw_rows import run_row

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "DATASET_GUIDE.md").read_text(encoding="utf-8")
Row = dict[str, Any]


def calling(number: int = 0, **arguments: Any) -> Row:
    function = {"name": "weather", "arguments": arguments or {"city": f"Town {number}"}}
    schema = {
        "type": "object", "required": ["city"], "properties": {
            "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"type": "string", "enum": ["C", "F"]},
        },
    }  # fmt: skip
    return {
        "id": f"glaive_tools-{number}",
        "messages": [
            {"role": "user", "content": f"Weather in town {number}?"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "call_0", "type": "function", "function": function}
            ]},
            {"role": "tool", "tool_call_id": "call_0", "name": "weather", "content": "sun"},
            {"role": "assistant", "content": "Sunny."},
        ],
        "tools": [{"type": "function", "function": {"name": "weather", "description": "", "parameters": schema}}],
        "metadata": {"source": "glaive_tools"},
    }  # fmt: skip


def changed(number: int, change: Any) -> Row:
    row = copy.deepcopy(calling(number))
    change(row)
    return row


def write(path: Path, rows: list[Row | bytes]) -> Path:
    path.write_bytes(b"".join(row + b"\n" if isinstance(row, bytes) else orjson.dumps(row) + b"\n" for row in rows))
    return path


def call_of(row: Row) -> Row:
    call: Row = row["messages"][1]["tool_calls"][0]["function"]
    return call


def as_text(row: Row) -> None:
    call_of(row)["arguments"] = orjson.dumps(call_of(row)["arguments"]).decode()


CASES: dict[str, Row | bytes] = {
    "string_arguments": changed(1, as_text),
    "undeclared_tool": changed(1, lambda row: call_of(row).update(name="rain")),
    "missing_argument": calling(1, unit="C"),
    "wrong_type": calling(1, city=7),
    "schema_violation": calling(1, city="Rome", unit="K"),
    "schema_unusable": changed(
        1, lambda row: row["tools"][0]["function"]["parameters"]["properties"].update(day={"$ref": "#/$defs/day"})
        or call_of(row)["arguments"].update(day=1)
    ),
    "tool_declared_twice": changed(1, lambda row: row.update(tools=row["tools"] * 2)),
    "tool_schema_invalid": changed(
        1, lambda row: row["tools"][0]["function"]["parameters"].update(type="array", items={"type": "string"})
    ),
    "special_token_text": changed(1, lambda row: row["messages"][0].update(content="say <|im_end|>")),
    "roles_out_of_order": changed(1, lambda row: row["messages"].insert(1, {"role": "system", "content": "late"})),
    "result_without_call": changed(1, lambda row: row["messages"].pop(1)),
    "empty_answer": changed(1, lambda row: row["messages"][3].update(content="")),
    "no_answer": {"messages": [{"role": "user", "content": "hello?"}], "metadata": {"source": "code_alpaca"}},
    "messages_after_last_answer": changed(1, lambda row: row["messages"].append({"role": "user", "content": "Thanks"})),
    "duplicate_id": calling(0, city="Elsewhere"),
    "unknown_layout": {"strange": 1},
    "unknown_role": changed(1, lambda row: row["messages"][0].update(role="judge")),
    "broken_json": b'{"messages": [',
    "not_an_object": b"[1, 2]",
    "too_long": changed(1, lambda row: row["messages"][0].update(content="why " * 600)),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_is_found_in_its_line_and_no_other(tmp_path, tiny_tokenizer, kind):
    path = write(tmp_path / "rows.jsonl", [calling(0), CASES[kind], calling(2)])
    report = lint(path, tiny_tokenizer, max_length=900)
    assert list(report.findings) == [kind]
    finding = report.findings[kind]
    assert (finding.rows, [line for line, _ in finding.examples]) == (1, [2])
    assert finding.severity == severity(kind)
    assert (report.rows, report.rows_with_errors, report.rows_with_warnings) == (
        3, finding.severity == ERROR, finding.severity == WARNING
    )  # fmt: skip


def test_turns_of_weight_zero_are_clean_whatever_they_call(tmp_path, tiny_tokenizer):
    """A failed call may be of a tool that is not declared, with arguments that no declaration allows."""

    def fail_first(row: Row) -> None:
        failed = {"id": "call_x", "type": "function", "function": {"name": "nowhere", "arguments": {"unreadable": "{"}}}
        wrong = {"id": "call_y", "type": "function", "function": {"name": "weather", "arguments": {"city": 7}}}
        row["messages"][1:1] = [
            {"role": "assistant", "content": "", "tool_calls": [failed, wrong], "weight": 0},
            {"role": "tool", "tool_call_id": "call_x", "name": "nowhere", "content": "no such tool"},
            {"role": "tool", "tool_call_id": "call_y", "name": "weather", "content": "a city is text"},
        ]

    path = write(tmp_path / "rows.jsonl", [changed(1, fail_first)])
    assert lint(path, tiny_tokenizer).findings == {}


def test_a_run_is_checked_with_the_tools_files_beside_it(tmp_path):
    run = run_row(0)
    servers = run.pop("servers")
    path = write(tmp_path / "runs.jsonl", [run])
    assert set(lint(path).findings) == {"string_arguments", "no_tools_file"}
    (tmp_path / "some_tools.json").write_bytes(orjson.dumps(servers))
    assert set(lint(path).findings) == {"string_arguments"}


def test_a_row_whose_turns_all_have_weight_zero_has_nothing_to_learn(tmp_path, tiny_tokenizer):
    def never(row: Row) -> None:
        for message in row["messages"]:
            if message["role"] == "assistant":
                message["weight"] = 0

    half = changed(2, lambda row: row["messages"][1].update(weight=0.5))
    report = lint(write(tmp_path / "rows.jsonl", [changed(1, never), half]), tiny_tokenizer)
    assert {kind: found.severity for kind, found in report.findings.items()} == {
        "no_answer": ERROR, "weight_not_zero_or_one": ERROR
    }  # fmt: skip


def test_a_row_can_have_several_problems_and_counts_once(tmp_path, tiny_tokenizer):
    def spoil(row: Row) -> None:
        call_of(row)["name"] = "rain"
        as_text(row)
        row["messages"][3]["content"] = ""

    path = write(tmp_path / "rows.jsonl", [calling(0), changed(0, spoil)])
    report = lint(path, tiny_tokenizer)
    assert set(report.findings) == {"string_arguments", "undeclared_tool", "empty_answer", "duplicate_id"}
    assert report.rows_with_errors == 1


def test_only_the_first_examples_are_kept_and_all_are_counted(tmp_path, tiny_tokenizer):
    path = write(tmp_path / "rows.jsonl", [changed(number, as_text) for number in range(9)])
    finding = lint(path, tiny_tokenizer).findings["string_arguments"]
    assert finding.rows == 9
    assert finding.examples == [(line, "the arguments of weather are text, not an object") for line in (1, 2, 3)]


def test_rows_without_id_are_the_same_if_their_content_is(tmp_path, tiny_tokenizer):
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    report = lint(write(tmp_path / "rows.jsonl", [row, row]), tiny_tokenizer)
    assert report.findings["duplicate_id"].examples[0][1].endswith("is the id of line 1 too")


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
        {"instruction": "add", "input": "", "output": "1 + 1"},
        {"nl": "list files", "bash": "ls"},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    ],
    ids=["sharegpt", "alpaca", "shell", "openai"],
)
@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_every_layout_that_can_be_read_is_clean(tmp_path, tiny_tokenizer, row, suffix):
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(orjson.dumps([row]) if suffix == "json" else orjson.dumps(row))
    report = lint(path, tiny_tokenizer)
    assert (report.rows, report.findings) == (1, {})


def test_secrets_are_looked_for_in_every_text_and_never_shown(tmp_path):
    def find(text: str) -> list[str]:
        return ["a password"] if "hunter2" in text else []

    rows = [
        calling(0),
        changed(1, lambda row: row["messages"][0].update(content="my password is\nhunter2")),
        calling(2, city="hunter2"),
        changed(3, lambda row: row["messages"][2].update(content="{\"token\": \"hunter2\"}")),
        changed(4, lambda row: row["tools"][0]["function"].update(description="log in with hunter2")),
    ]  # fmt: skip
    report = lint(write(tmp_path / "rows.jsonl", rows), find_secrets=find)
    assert report.findings["secret"].rows == 4
    assert all(detail == "it holds a password" for _, detail in report.findings["secret"].examples)
    assert not any(name.startswith("secrets") for name in report.not_checked)


def test_what_was_not_checked_is_said(tmp_path):
    report = lint(write(tmp_path / "rows.jsonl", [calling(0), CASES["too_long"]]))
    assert report.findings == {}
    assert [line.split(" ")[0] for line in report.not_checked] == ["tokens", "secrets"]


def test_missing_and_empty_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        lint(tmp_path / "nowhere.jsonl")
    with pytest.raises(UsageError, match="is no file"):
        lint(tmp_path)
    with pytest.raises(DataRefused, match="holds no row"):
        lint(write(tmp_path / "empty.jsonl", []))


def test_the_guide_names_every_kind_with_its_severity():
    section = GUIDE.split("## Checking a file")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", section, re.MULTILINE))
    assert rows == {kind: grade for kind, (grade, _) in KINDS.items()}

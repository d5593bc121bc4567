"""What an evaluation suite asks is not trained on, and every removed pair is listed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.errors import DataRefused, UsageError
from tests.raw_rows import shell_row, write_lines

LONG = "Count the number of lines in every python file below the folder src and sort by it"
SHORT = "print the current user name"


def built(folder: Path, **settings: Any) -> DatasetManifest:
    return build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **settings), say=lambda _: None)


def contaminated(folder: Path) -> list[dict[str, Any]]:
    rows = map(orjson.loads, (folder / "out" / "removed.jsonl").read_bytes().splitlines())
    return [row for row in rows if row["reason"] == "contaminated"]


def shell(*requests: str) -> list[dict[str, Any]]:
    return [{"nl": request, "bash": f"run {number}"} for number, request in enumerate(requests)]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    write_lines(tmp_path / "suite.jsonl", [{"query": SHORT, "gold": "whoami"}, {"query": LONG, "gold": "wc -l"}])
    return tmp_path / "suite.jsonl"


def test_the_three_kinds_are_removed_and_listed(tmp_path: Path, suite: Path) -> None:
    longer = f"{LONG[:60]}{' and something else' * 6}"
    requests = ["Print the current  user name!", "Print the current user's name", longer, "Print the current date"]
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", shell(*requests) + [shell_row(n) for n in range(20)])
    manifest = built(tmp_path, decontaminate={"own": suite})
    hits = {hit["request"]: (hit["how"].split(" (")[0], hit["asked"]) for hit in contaminated(tmp_path)}
    assert hits == {
        requests[0]: ("same words", SHORT), requests[1]: ("similar", SHORT), requests[2]: ("8 words in a row", LONG),
    }  # fmt: skip
    counts = manifest.sources["bash_commands"]
    assert (counts.read, counts.contaminated, counts.kept) == (24, 3, 21)
    assert {hit["question"] for hit in contaminated(tmp_path)} == {"suite.jsonl:1", "suite.jsonl:2"}
    assert manifest.to_dict()["suites"]["own"].keys() == {"suite.jsonl"}


def test_a_later_turn_counts_too(tmp_path: Path, suite: Path) -> None:
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"},
             {"role": "user", "content": SHORT}, {"role": "assistant", "content": "alex"}]  # fmt: skip
    other = [{"role": "user", "content": "Something else"}, {"role": "assistant", "content": "Yes"}]
    write_lines(tmp_path / "raw" / "messages" / "m.jsonl", [{"messages": turns}, {"messages": other}])
    assert built(tmp_path, decontaminate={"own": suite}).sources["messages"].contaminated == 1


def test_eight_words_that_many_requests_share_are_a_formula(tmp_path: Path) -> None:
    write_lines(tmp_path / "q.jsonl", [{"prompt": "Write a python function to find the sum of a list", "test": []}])
    ends = ("roots", "mean of primes", "oldest file", "words", "next leap year", "vowels", "path", "depth of a tree",
            "median", "largest gap", "inverse", "shortest name")  # fmt: skip
    requests = [f"Write a python function to find the {end}, please, and explain what it does" for end in ends]
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", shell(*requests))
    assert built(tmp_path, decontaminate={"code": tmp_path / "q.jsonl"}).sources["bash_commands"].contaminated == 0


@pytest.mark.parametrize(
    "row",
    [
        {"id": "simple_0", "question": [[{"role": "user", "content": SHORT}]], "function": []},
        {"query": SHORT, "gold": "whoami", "gold2": "id -un", "difficulty": 0, "image": 1},
        {"task_id": "HumanEval/0", "prompt": SHORT, "entry_point": "f", "test": "assert f()"},
        {"task_id": 11, "prompt": SHORT, "test": ["assert f()"], "code": "def f(): ..."},
        {"messages": [{"role": "user", "content": SHORT}, {"role": "assistant", "content": "alex"}]},
    ],
)
def test_every_suites_layout_is_read_from_a_file_or_a_folder(tmp_path: Path, row: dict[str, Any]) -> None:
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [*shell(SHORT), *(shell_row(n) for n in range(9))])
    write_lines(tmp_path / "suite" / "a.json", [row])
    for path in (tmp_path / "suite", tmp_path / "suite" / "a.json"):
        assert built(tmp_path, decontaminate={"one": path}).sources["bash_commands"].contaminated == 1


def test_a_changed_suite_builds_again(tmp_path: Path, suite: Path) -> None:
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [shell_row(n) for n in range(30)])
    first = built(tmp_path, decontaminate={"own": suite})
    write_lines(suite, [{"query": shell_row(3)["nl"], "gold": "x"}])
    again = built(tmp_path, decontaminate={"own": suite})
    assert first.fingerprint != again.fingerprint and again.sources["bash_commands"].contaminated >= 1


def test_a_missing_or_unknown_suite_is_one_sentence(tmp_path: Path) -> None:
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", [shell_row(n) for n in range(9)])
    with pytest.raises(
        UsageError, match=r"data\.decontaminate\.bfcl: .*absent does not exist; name the file or folder"
    ):
        built(tmp_path, decontaminate={"bfcl": tmp_path / "absent"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"data\.decontaminate\.bfcl: .*empty holds no"):
        built(tmp_path, decontaminate={"bfcl": tmp_path / "empty"})
    (tmp_path / "other.jsonl").write_text(json.dumps({"text": "x"}) + "\n")
    with pytest.raises(DataRefused, match=r"other\.jsonl, line 1 is no question in a known layout .*fields text"):
        built(tmp_path, decontaminate={"x": tmp_path / "other.jsonl"})


@pytest.mark.real
def test_nl2bash_against_the_shell_test_set(real_data: Path, tmp_path: Path) -> None:
    rows = real_data / "nl2bash" / "nl2bash.jsonl"
    settings = {"sources": {"bash_commands": {"files": [rows]}}, "raw_dir": tmp_path, "dir": tmp_path / "out"}
    manifest = build(DataSettings(**settings, decontaminate={"nl2sh_alfa": real_data / "eval" / "nl2sh_alfa"}))
    hits = contaminated(tmp_path)
    kinds = Counter(hit["how"].split(" (")[0] for hit in hits)
    assert kinds["same words"] >= 19 and len(hits) >= 30
    assert manifest.sources["bash_commands"].contaminated == len(hits)
    asked = {
        json.loads(line)["query"].casefold() for line in (real_data / "eval/nl2sh_alfa/nl2sh_alfa_test.jsonl").open()
    }
    for split in (manifest.train, manifest.validation, manifest.test):
        for line in split.open():
            assert json.loads(line)["messages"][0]["content"].casefold() not in asked


@pytest.mark.real
def test_every_suite_at_hand_is_read(real_data: Path) -> None:
    from hive_mind.suites.prompts import read_prompts

    sizes = {name: len(read_prompts(name, real_data / "eval" / name)) for name in ("humaneval", "mbpp", "nl2sh_alfa")}
    assert sizes == {"humaneval": 164, "mbpp": 250, "nl2sh_alfa": 300}
    assert len(read_prompts("bfcl", real_data / "eval" / "bfcl")) > 1_000

"""What the evaluation suites ask, as plain texts, so that nobody trains on it: readers of the suites' own files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_mind.conversation import JSON, Reject
from hive_mind.errors import DataRefused, UsageError
from hive_mind.sources.raw import read_raw

SUFFIXES = (".json", ".jsonl", ".parquet")
LAYOUTS = "BFCL (question), NL2SH-ALFA (query, gold), HumanEval and MBPP (prompt, test) and conversations (messages)"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question of a suite: what the user says, and where it stands."""

    suite: str
    id: str
    text: str


def prompt_files(suite: str, path: Path) -> list[Path]:
    """Return the files of a suite: the path itself, or the files directly inside a folder (not its answers).

    Raises UsageError if there is no such file.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(
            f"data.decontaminate.{suite}: {path} does not exist; name the file or folder of the suite's questions, or "
            "leave the suite out"
        )
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise UsageError(f"data.decontaminate.{suite}: {path} holds no {' or '.join(SUFFIXES)} file; check the path")
    return files


def read_prompts(suite: str, path: Path) -> list[Prompt]:
    """Read the questions of a suite.

    Raises UsageError if it is missing, DataRefused for a line in no known layout, HiveMindError for Parquet without
    pyarrow.
    """
    return [prompt for file in prompt_files(suite, path) for prompt in _read_file(suite, file)]


def _read_file(suite: str, file: Path) -> Iterator[Prompt]:
    for item in read_raw(file):
        texts = None if isinstance(item, Reject) else _questions(item.row)
        if isinstance(item, Reject) or texts is None:
            why = item.detail if isinstance(item, Reject) else f"it has the fields {', '.join(list(item.row)[:6])}"
            raise DataRefused(
                f"data.decontaminate.{suite}: {file}, line {item.line} is no question in a known layout ({why}); known "
                f"are {LAYOUTS}"
            )
        name = str(item.row.get("id") or item.row.get("task_id") or f"{file.name}:{item.line}")
        for text in texts:
            if text.strip():
                yield Prompt(suite, name, text)


def _questions(row: JSON) -> list[str] | None:
    """Return the texts that a row asks; None where the row is in no known layout.

    Of a conversation it is the first request: what follows ("Yes, please.") stands in any other conversation too.
    """
    if isinstance(row.get("question"), list):  # BFCL: a list of turns, each a list of messages
        turns = [turn if isinstance(turn, list) else [turn] for turn in row["question"]]
        return [text for turn in turns for text in _said_by_user(turn)]
    if isinstance(row.get("query"), str) and "gold" in row:
        return [row["query"]]
    if "test" in row or "test_list" in row:
        asked = row.get("prompt", row.get("text"))  # either, in MBPP as on the hub
        return [asked] if isinstance(asked, str) else None
    if isinstance(row.get("messages"), list):
        return _said_by_user(row["messages"])[:1]
    return None


def _said_by_user(messages: list[Any]) -> list[str]:
    return [
        message["content"]
        for message in messages
        if isinstance(message, Mapping) and message.get("role") == "user" and isinstance(message.get("content"), str)
    ]

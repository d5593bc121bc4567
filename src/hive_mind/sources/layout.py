"""What kind of record of use a file is, told by its content, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import orjson

from hive_mind.conversation import JSON, Reject
from hive_mind.files import raw_lines
from hive_mind.interaction import Interaction
from hive_mind.sources import chat_logs, claude_code, messages, shell_history, transcripts, usage
from hive_mind.sources.raw import BYTE_ORDER_MARK, RawRow, read_raw
from hive_mind.sources.recorded import Tally

LOOK_AT_LINES = 200
LOOK_AT_BYTES = 65_536

Reader = Callable[[Path, Tally], Iterator[Interaction]]


@dataclass(frozen=True)
class Layout:
    """A kind of file: what it is called, and what reads it."""

    name: str
    read: Reader


CLAUDE_CODE = Layout("Claude Code session", claude_code.read)
SHELL_HISTORY = Layout("shell history", shell_history.read)
KNOWN = "Claude Code sessions, OpenAI messages with tools, the report's log rows and shell histories"


def layout_of(path: Path) -> Layout | None:
    """Return a file's layout; None for what holds no use, or none that is known. Raises UsageError if it is missing."""
    start = _start(path)
    if not start.lstrip().startswith((b"{", b"[")):
        named = path.name.lstrip(".").endswith(("history", "histfile"))
        return SHELL_HISTORY if start.strip() and (shell_history.looks_like(start) or named) else None
    lines = [line for _, line in islice(raw_lines(path), LOOK_AT_LINES)]
    parsed = [row for line in lines if isinstance(row := _parse(line), dict)]
    if any(claude_code.understands(row) for row in parsed):
        return CLAUDE_CODE
    if transcripts.is_tools_file(path):
        return None
    if any(map(_is_use, parsed)):
        return Layout("rows of use", _read_rows)
    if isinstance(first := _parse(lines[0]), dict) and "role" in first:
        return Layout("messages, one a line", _read_messages_by_line)
    whole = _parse(path.read_bytes())
    if isinstance(whole, dict) and _is_use(whole):
        return Layout("one transcript", _read_whole)
    if isinstance(whole, list) and whole and isinstance(whole[0], dict):
        if "role" in whole[0]:
            return Layout("one list of messages", _read_whole)
        return Layout("rows of use", _read_rows) if _is_use(whole[0]) else None
    return None


def _is_use(row: JSON) -> bool:
    return usage.understands(row) or messages.understands(row)


def _read_rows(path: Path, tally: Tally) -> Iterator[Interaction]:
    for item in read_raw(path):
        if isinstance(item, Reject):
            tally.passed_over[item.code] += 1
        else:
            yield from _of_row(item, tally)


def _of_row(item: RawRow, tally: Tally) -> list[Interaction]:
    if "user_request" in item.row:
        return usage.interactions(item.row, tally)
    if messages.understands(item.row):
        return chat_logs.interactions(transcripts.with_servers(item.row, item.file), tally)
    tally.passed_over["row in no known layout"] += 1
    return []


def _read_messages_by_line(path: Path, tally: Tally) -> Iterator[Interaction]:
    rows = [item for item in read_raw(path) if isinstance(item, RawRow)]
    yield from _of_row(RawRow(path, 1, {"messages": [item.row for item in rows], "id": path.stem}), tally)


def _read_whole(path: Path, tally: Tally) -> Iterator[Interaction]:
    whole = _parse(path.read_bytes())
    row = whole if isinstance(whole, dict) else {"messages": whole, "id": path.stem}
    yield from _of_row(RawRow(path, 1, row), tally)


def _start(path: Path) -> bytes:
    lines = chain.from_iterable((line, b"\n") for _, line in islice(raw_lines(path), LOOK_AT_LINES))
    return b"".join(lines)[:LOOK_AT_BYTES].removeprefix(BYTE_ORDER_MARK)


def _parse(text: bytes) -> object:
    try:
        return orjson.loads(text.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        return None

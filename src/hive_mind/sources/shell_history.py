"""Histories of bash (with or without times) and zsh (plain or extended).

A history holds commands and no requests, and does not say how a command ended. So a command becomes an interaction only
where a comment says what it is for: a line `# find big files` right before it, or the same at its end. Its outcome is
unknown, and a person must approve it. All other commands are only counted, by the program they start: a request made up
for them would be taught as if somebody had asked it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hive_mind.bash_syntax import parse, walk
from hive_mind.conversation import Message, ToolCall
from hive_mind.interaction import Interaction
from hive_mind.sources.bash_commands import BASH
from hive_mind.sources.recorded import Tally
from hive_mind.sources.timestamps import utc

FILES = (Path("~/.bash_history"), Path("~/.zsh_history"))
COMMENT_SECONDS = 600
"""A comment belongs to the command after it if that came within ten minutes."""

_BASH_TIME = re.compile(rb"#(\d{9,11})\s*")
_ZSH = re.compile(rb": (\d{9,11}):\d+;")
_META = re.compile(rb"\x83(.)", re.DOTALL)
_REQUEST = re.compile(r"#+\s+([^\W\d_][^|;&$<>={}`\\]*)", re.DOTALL)
"""A comment that says something in words; `# git push | less` is a command that was put aside."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command of a history, and when it was started, in seconds since 1970, if that is known."""

    command: str
    time: int | None = None


def looks_like(start: bytes) -> bool:
    """Tell by its first lines whether a file is a history with times."""
    lines = [line for line in start.splitlines() if line.strip()]
    return bool(lines) and (_ZSH.match(lines[0]) is not None or _BASH_TIME.fullmatch(lines[0]) is not None)


def read(path: Path, tally: Tally) -> Iterator[Interaction]:
    """Yield the commands whose comment says what was wanted; count the programs of all."""
    comment: Entry | None = None
    for entry in entries(path.read_bytes()):
        texts = [_REQUEST.fullmatch(text) for text in _find(entry.command, "comment")]
        asked = next((found[1].strip() for found in texts if found and _in_words(found[1])), None)
        programs = [Path(text).name for text in _find(entry.command, "command_name")]
        if not programs:
            comment = Entry(asked, entry.time) if asked else None
            continue
        tally.programs.update(programs)
        asked = asked or (comment.command if comment and _soon(comment, entry) else None)
        comment = None
        if asked:
            tally.calls[BASH.name, "unknown"] += 1
            yield _interaction(asked, entry)
        else:
            tally.passed_over["command without a request in words"] += 1


def entries(content: bytes) -> Iterator[Entry]:
    """Yield the commands of a history. Those of several lines are one where the file tells them apart."""
    lines = content.splitlines()
    first = next((line for line in lines if line.strip()), b"")
    if _ZSH.match(first):
        return _zsh(_META.sub(lambda match: bytes([match[1][0] ^ 32]), content).split(b"\n"))
    if _BASH_TIME.fullmatch(first):
        return _bash(lines)
    return (Entry(text) for line in lines if (text := line.decode(errors="replace").strip()))


def _bash(lines: list[bytes]) -> Iterator[Entry]:
    time: int | None = None
    parts: list[bytes] = []
    for line in [*lines, b"#000000000"]:
        if (found := _BASH_TIME.fullmatch(line)) is None:
            parts.append(line)
            continue
        if text := b"\n".join(parts).decode(errors="replace").strip():
            yield Entry(text, time)
        time, parts = int(found[1]), []


def _zsh(lines: list[bytes]) -> Iterator[Entry]:
    time: int | None = None
    parts: list[bytes] = []
    for line in lines:
        found = _ZSH.match(line) if not parts else None
        if found:
            time, line = int(found[1]), line[found.end() :]
        if line.endswith(b"\\"):
            parts.append(line[:-1])
            continue
        if text := b"\n".join([*parts, line]).decode(errors="replace").strip():
            yield Entry(text, time)
        time, parts = None, []


def _interaction(asked: str, entry: Entry) -> Interaction:
    command = "\n".join(line for line in entry.command.splitlines() if not line.lstrip().startswith("#")).strip()
    command = re.sub(rf"\s+#+\s+{re.escape(asked)}\s*\Z", "", command)
    answer = Message("assistant", "", (ToolCall("call_0", BASH.name, {"command": command}),))
    time = utc(entry.time) if entry.time is not None else None
    return Interaction(
        "shell_history", (Message("user", asked),), answer, (BASH,), client="shell", session=(time or "")[:10],
        time=time or "",
    )  # fmt: skip


def _in_words(comment: str) -> bool:
    return len(comment.split()) > 1 and not any(word.startswith("-") for word in comment.split())


def _soon(comment: Entry, entry: Entry) -> bool:
    if comment.time is None or entry.time is None:
        return True
    return 0 <= entry.time - comment.time <= COMMENT_SECONDS


def _find(command: str, kind: str) -> list[str]:
    return [command[node.start_byte : node.end_byte] for node in walk(parse(command)) if node.type == kind]

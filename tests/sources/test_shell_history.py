"""Histories of bash and zsh: which commands have a request in words, and that all others are only counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.interaction import Interaction
from hive_mind.sources import shell_history
from hive_mind.sources.layout import SHELL_HISTORY, layout_of
from hive_mind.sources.recorded import Tally
from hive_mind.sources.shell_history import Entry, entries


def read(folder: Path, content: bytes, name: str = ".bash_history") -> tuple[list[Interaction], Tally]:
    file = folder / name
    file.write_bytes(content)
    tally = Tally()
    return list(shell_history.read(file, tally)), tally


def asked(made: list[Interaction]) -> list[tuple[str, str]]:
    return [(one.messages[0].content, one.answer.tool_calls[0].arguments["command"]) for one in made]


def test_bash_without_times() -> None:
    assert list(entries(b"ls -l\n\ngit  status \n")) == [Entry("ls -l"), Entry("git  status")]


def test_bash_with_times_keeps_commands_of_several_lines_together() -> None:
    history = b"#1770000000\nfor f in *; do\n  echo $f\ndone\n#1770000060\nls\n#1770000061\n"
    assert list(entries(history)) == [Entry("for f in *; do\n  echo $f\ndone", 1770000000), Entry("ls", 1770000060)]


def test_zsh_with_times_continuations_and_its_own_bytes() -> None:
    """zsh writes bytes above 0x82 as 0x83 and the byte with its sixth bit turned."""
    history = b": 1770000000:0;echo \\\none\n: 1770000005:12;echo " + b"\xc3\x83\xa3\xe2\x83\xa2\xac\n"
    made = list(entries(history))
    assert made[0] == Entry("echo \none", 1770000000)
    assert made[1] == Entry(f"echo {bytes([0xC3, 0x83, 0xE2, 0x82, 0xAC]).decode()}", 1770000005)


def metafied(text: str) -> bytes:
    """As zsh writes a line."""
    out = bytearray()
    for byte in text.encode():
        out += bytes([0x83, byte ^ 32]) if 0x83 <= byte <= 0x9D or byte == 0xA0 else bytes([byte])
    return bytes(out)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\\", exclude_categories=("Cc", "Zs")), min_size=1))
def test_any_text_that_zsh_wrote_is_read_back(text: str) -> None:
    read_back = list(entries(b": 1770000000:0;" + metafied(text) + b"\n"))
    assert read_back == ([Entry(text.strip(), 1770000000)] if text.strip() else [])


def test_a_comment_that_says_what_is_wanted_makes_an_interaction(tmp_path: Path) -> None:
    history = (
        b"#1770000000\n# find big files\n#1770000030\nfind . -size +100M\n#1770000040\n"
        b"du -sh *  # how large is everything here\n#1770000050\n# rename all pictures\nmv 'a # b' c\n#1770000060\nls\n"
    )
    made, tally = read(tmp_path, history)
    assert asked(made) == [
        ("find big files", "find . -size +100M"), ("how large is everything here", "du -sh *"),
        ("rename all pictures", "mv 'a # b' c"),
    ]  # fmt: skip
    one = made[0]
    assert (one.source, one.outcome, one.time) == ("shell_history", "unknown", "2026-02-02T02:40:30Z")
    assert [tool.name for tool in one.tools] == ["bash"]
    assert tally.passed_over == {"command without a request in words": 1}
    assert tally.programs == {"find": 1, "du": 1, "mv": 1, "ls": 1}


@pytest.mark.parametrize(
    "history",
    [
        "# git push | less\ngit status\n", "#git push\nls\n", "# TODO\nls\n", "# rm -rf build now\nls\n",
        "echo 'a # b c'\n", "echo \"x # find big files\"\n", "#1770000000\n# find big files\n#1770009000\nls\n",
        "# find big files\n\n# another thing entirely --now\nls\n",
    ],
)  # fmt: skip
def test_what_is_no_request(history: str, tmp_path: Path) -> None:
    """Commands put aside, marks, hashes in quotes, and comments that are hours older than the command after them."""
    made, _ = read(tmp_path, history.encode())
    assert made == []


def test_a_history_is_known_by_its_times_or_its_name(tmp_path: Path) -> None:
    for name, content, known in (
        ("notes.txt", b"#1770000000\nls\n", True), ("anything", b": 1770000000:0;ls\n", True),
        (".bash_history", b"ls\n", True), (".histfile", b"ls\n", True), ("notes.txt", b"ls\n", False),
        (".zsh_history", b"", False),
    ):  # fmt: skip
        file = tmp_path / name
        file.write_bytes(content)
        assert (layout_of(file) == SHELL_HISTORY) is known, (name, content)


@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    for entry in entries(content):
        assert entry.command.strip() == entry.command != ""


def test_a_command_of_thousands_of_brackets(tmp_path: Path) -> None:
    read(tmp_path, b"(" * 20_000 + b"\n" + b"a$(" * 5_000)

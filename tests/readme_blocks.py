"""Finds the command blocks of a Markdown page and runs them in order in one work folder.

A block is fenced as ```bash or ```python and runs as it stands; a comment before it, invisible on the page, says how:

    <!-- test: run -->                       as it stands: the same as no comment
    <!-- test: loopback-hub -->              with a hub on loopback in place of the real one
    <!-- test: no-models -->                 in a folder that holds no models yet
    <!-- test: exit=0,3 -->                  exit codes that are right; else 0
    <!-- test: stop-after=3 -->              a command that runs until it is stopped: Ctrl-C after so many seconds
    <!-- test: timeout=600 -->               seconds it may take; else 600
    <!-- test: skip because="CI does it" --> not run; only for set-up: git clone, cd, make, a venv, pip install
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("bash", "python")
SHELL_LOOKALIKES = ("sh", "shell", "console", "shell-session", "zsh")
SETUP_COMMANDS = re.compile(r"(git clone|cd|make|python3 -m venv|\S*pip install)\b")
TIMEOUT_SECONDS = 600
TAIL_CHARACTERS = 3000
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\s*\n(?P<code>.*?)^(?P=indent)```\s*$", re.M | re.S)
_MARK = re.compile(r"<!--\s*test:(?P<text>.*?)-->\s*\Z", re.S)


@dataclass(frozen=True)
class Block:
    """A command block: where it stands, what it runs, how it is to be run."""

    page: str
    line: int
    language: str
    code: str
    hub: bool = False
    no_models: bool = False
    exits: tuple[int, ...] = (0,)
    stop_after: float | None = None
    timeout: float = TIMEOUT_SECONDS
    skip: str = ""

    @property
    def where(self) -> str:
        return f"{self.page}, line {self.line}"


class BlockError(AssertionError):
    """A block that is marked wrongly or that did not run as it should."""


def read_blocks(text: str, page: str = "README.md") -> list[Block]:
    """Return the command blocks of a page. Raises BlockError for a mark that means nothing or a skip without ground."""
    blocks, end = [], 0
    for fence in _FENCE.finditer(text):
        language, line = fence["language"], text.count("\n", 0, fence.start()) + 1
        if language in SHELL_LOOKALIKES:
            raise BlockError(f"{page}, line {line}: fence commands as ```bash, not ```{language}, so that they are run")
        mark = _MARK.search(text[end : fence.start()])
        end = fence.end()
        if language in LANGUAGES:
            code = re.sub(rf"(?m)^{fence['indent']}", "", fence["code"])
            blocks.append(_block(page, line, language, code, mark["text"] if mark else ""))
        elif mark:
            raise BlockError(f"{page}, line {line}: this mark stands before a block that is not run")
    return blocks


def _block(page: str, line: int, language: str, code: str, mark: str) -> Block:
    values: dict[str, object] = {}
    for word in shlex.split(mark):
        key, _, value = word.partition("=")
        if word == "run":
            continue
        if word == "loopback-hub":
            values["hub"] = True
        elif word == "no-models":
            values["no_models"] = True
        elif word == "skip":
            values["skip"] = "without a reason"
        elif key == "because" and "skip" in values:
            values["skip"] = value
        elif key == "exit":
            values["exits"] = tuple(map(int, value.split(",")))
        elif key in ("stop-after", "timeout"):
            values[key.replace("-", "_")] = float(value)
        else:
            raise BlockError(f"{page}, line {line}: {word!r} is no mark of a test")
    block = Block(page, line, language, code, **values)  # type: ignore[arg-type]
    if block.skip and not all(SETUP_COMMANDS.match(command) for command in _commands(code)):
        raise BlockError(f"{block.where}: only set-up (git clone, cd, make, venv, pip install) may be skipped")
    if block.skip == "without a reason":
        raise BlockError(f'{block.where}: say why it is skipped: skip because="..."')
    return block


def _commands(code: str) -> list[str]:
    return [line.strip() for line in code.splitlines() if line.strip() and not line.strip().startswith("#")]


@dataclass(frozen=True)
class Workplace:
    """Where blocks run: a copy of the repository, and what the shell has around it."""

    folder: Path
    environment: Mapping[str, str]
    hub_environment: Mapping[str, str]

    def run(self, block: Block) -> str:
        """Run a block; returns what it printed. Raises BlockError with the end of that if it went wrong."""
        shell = ["bash", "-eu", "-o", "pipefail", "-c", block.code]
        command = shell if block.language == "bash" else [sys.executable, "-c", block.code]
        environment = {**self.environment, **(self.hub_environment if block.hub else {})}
        if block.no_models:
            shutil.rmtree(self.folder / "models", ignore_errors=True)
        printed, code_or_none = _finish(command, self.folder, environment, block)
        if code_or_none is None:
            raise BlockError(f"{block.where} did not end in {block.timeout:g} s:\n{block.code}\n{printed}")
        stopped = block.stop_after is not None and code_or_none in (-signal.SIGINT, 128 + signal.SIGINT)
        if code_or_none not in block.exits and not stopped:
            raise BlockError(f"{block.where} ended with {code_or_none}:\n{block.code}\n{printed}")
        return printed


def _finish(command: list[str], folder: Path, environment: Mapping[str, str], block: Block) -> tuple[str, int | None]:
    """Run to the end, to `stop_after` or to the timeout; returns the last of what was printed and the exit code."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        printed, _ = process.communicate(timeout=block.stop_after or block.timeout)
        return printed[-TAIL_CHARACTERS:], process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT if block.stop_after else signal.SIGKILL)
    try:
        printed, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
        return printed[-TAIL_CHARACTERS:], None
    return printed[-TAIL_CHARACTERS:], process.returncode if block.stop_after else None


def checkout(repository: Path, folder: Path) -> Path:
    """Copy what a user has after `git clone` and `make setup`, the package and its tests left out; returns the copy."""
    folder.mkdir(parents=True)
    for name in ("README.md", "Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(repository / name, folder / name)
    for name in ("configs", "scripts", "docs"):
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def environment(programs: Path, home: Path) -> dict[str, str]:
    """Return a plain shell's environment: `hive-mind` and a bare python3 in `programs`, and no hub to be reached."""
    programs.mkdir(parents=True)
    home.mkdir(parents=True)
    (programs / "hive-mind").symlink_to(Path(sys.executable).parent / "hive-mind")
    (programs / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "OMP_NUM_THREADS", "TMPDIR") if name in os.environ}
    return {
        **kept, "PATH": f"{programs}:{os.defpath}", "HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip

"""NL2SH-ALFA (Westenfelder et al., NAACL 2025): requests that one shell command answers, with two reference commands.

Here tasks are read, commands found in replies, and compared as texts; running them is `evaluation.shell`'s, in the
sandbox, on the five file systems of the package icalfa.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from hive_mind.bash_syntax import parse
from hive_mind.chat.parse import ParsedReply, parse_reply
from hive_mind.conversation import Message, Reject, Tool
from hive_mind.errors import HiveMindError
from hive_mind.sources.bash_commands import BASH
from hive_mind.sources.raw import read_raw
from hive_mind.suites.fences import Extracted, blocks
from hive_mind.suites.sampling import sample_groups
from hive_mind.suites.unavailable import SuiteUnavailable

PACKAGE = "icalfa"
IMAGES = (1, 2, 3, 4, 5)
_IMAGE = re.compile(r"nl2bash_fs_(\d)\.json")
_PROMPT_SIGN = re.compile(r"^\s*\$\s+(?=\S)")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_PROSE = re.compile(r"(?:[A-Z][a-z']+\b(?!=)|I|A|use|run|try|you|the|this|to)[\s,:]")
_ENV = re.compile(r'^ENV (\w+)="?([^"\n]*)"?$', re.M)


@dataclass(frozen=True, slots=True)
class ShellTask:
    """One request, on the file system `image` (1 to 5); `gold` and `gold2` both answer it."""

    id: str
    category: str
    cluster: str
    messages: tuple[Message, ...]
    gold: str
    gold2: str
    image: int
    tools: tuple[Tool, ...] = (BASH,)


@dataclass(frozen=True, slots=True)
class Fixture:
    """One of icalfa's images: the script that makes its file system, the path it is kept at, and the environment."""

    image: int
    script: str
    path: str
    environment: dict[str, str]


def load(path: Path, limit: int | None = None, seed: int = 42) -> list[ShellTask]:
    """Read the tasks of a JSONL file ({query, gold, gold2, difficulty, image}), or of the only one in a folder.

    In a folder they may also lie as in icalfa, in one file for each file system, whose names say the image.
    Raises SuiteUnavailable if the file is missing or not in this layout.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        files = sorted(file for file in path.glob("*.json") if _IMAGE.fullmatch(file.name))
    elif len(files) > 1:
        files = []
    if not files:
        raise SuiteUnavailable(
            f"{path} must hold one .jsonl file of NL2SH-ALFA tasks, or icalfa's nl2bash_fs_N.json; name the file itself"
        )
    try:
        tasks = [task for file in files for task in _read(file)]
        tasks = [replace(task, id=f"nl2sh/{number}") for number, task in enumerate(tasks, 1)]
    except SuiteUnavailable:
        raise
    except HiveMindError as error:
        raise SuiteUnavailable(str(error)) from None
    return sample_groups(tasks, limit, seed, lambda task: task.id, lambda task: task.category)


def _read(file: Path) -> Iterator[ShellTask]:
    for raw in read_raw(file):
        if isinstance(raw, Reject):
            raise SuiteUnavailable(f"{file}, line {raw.line} cannot be read ({raw.detail}); fetch the file again")
        named = _IMAGE.fullmatch(file.name)
        row = {"image": int(named[1]), **raw.row} if named else raw.row
        texts = [row.get(name) for name in ("query", "gold", "gold2")]
        if not all(isinstance(text, str) and text.strip() for text in texts) or row.get("image") not in IMAGES:
            raise SuiteUnavailable(f"{file}, line {raw.line} needs query, gold, gold2 and image (1 to 5); see its row")
        query, gold, gold2 = map(str, texts)
        request = (Message("user", query.strip()),)
        category = f"difficulty_{row.get('difficulty', 'unknown')}"
        yield ShellTask(f"nl2sh/{raw.line}", category, normalised(gold), request, gold, gold2, int(row["image"]))


def packaged() -> Path:
    """Return the folder of the tasks that came with icalfa. Raises SuiteUnavailable."""
    return _package("datasets", f"nl2bash_fs_{IMAGES[0]}.json")


def fixture(image: int) -> Fixture:
    """Read one of the five file systems from icalfa, whose code is not imported. Raises SuiteUnavailable."""
    name = f"setup_nl2b_fs_{image}.sh"
    folder = _package("docker", name)
    recipe = (folder / f"nl2bash{image}.Dockerfile").read_text(encoding="utf-8")
    return Fixture(image, (folder / name).read_text(encoding="utf-8"), f"/{name}", dict(_ENV.findall(recipe)))


def _package(part: str, file: str) -> Path:
    """Return a folder of icalfa that holds `file`."""
    try:
        folder = Path(str(metadata.distribution(PACKAGE).locate_file(f"{PACKAGE}/assets/{part}")))
        (folder / file).stat()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise SuiteUnavailable(
            f"the file systems of NL2SH-ALFA come with the package {PACKAGE}, which is not here ({error}); install it "
            f"alone: pip install --no-deps {PACKAGE}"
        ) from None
    return folder


def extract_command(reply: str) -> Extracted:
    """Find the command in a reply: what it calls `bash` with, the reply itself, or what is in a fence or in prose.

    Repairs: the parser's, other_tool, fenced, unclosed_fence, inline (between backticks), prose, prompt_sign.
    """
    parsed = parse_reply(reply)
    if parsed.calls:
        return _from_call(parsed)
    text = parsed.text.replace("\r\n", "\n").strip()
    repairs = list(parsed.repairs)
    fenced = blocks(text)
    if fenced:
        text = fenced[0].text
        repairs += ["fenced"] if fenced[0].closed else ["fenced", "unclosed_fence"]
    elif text.startswith("`") and text.endswith("`") and text.count("`") == 2:
        text = text.strip("`")
        repairs.append("inline")
    elif _PROSE.match(text):
        inline = _INLINE.search(text)
        if inline is not None:
            text = inline.group(1)
            repairs.append("inline")
        else:
            text = next((line for line in text.splitlines()[1:] if line.strip() and not _PROSE.match(line)), "")
            repairs.append("prose")
    elif "\n\n" in text:
        text = text.partition("\n\n")[0]
        repairs.append("prose")
    return _without_signs(text, repairs)


def _from_call(parsed: ParsedReply) -> Extracted:
    """Take the command from a call; of a tool by another name its only text."""
    call, repairs = parsed.calls[0], list(parsed.repairs)
    command = call.arguments.get("command") if call.name == BASH.name else None
    if not isinstance(command, str):
        texts = [value for value in call.arguments.values() if isinstance(value, str)]
        command = texts[0] if len(texts) == 1 else ""
        repairs.append("other_tool")
    return Extracted(command.strip(), tuple(repairs))


def _without_signs(text: str, repairs: list[str]) -> Extracted:
    lines = [line for line in text.strip().splitlines() if line.strip() and not line.lstrip().startswith(("# ", "```"))]
    bare = [_PROMPT_SIGN.sub("", line) for line in lines]
    if lines and bare[0] != lines[0]:
        # What a terminal shows: lines without a sign are output.
        bare = [new for new, old in zip(bare, lines, strict=True) if new != old]
        repairs.append("prompt_sign")
    return Extracted("\n".join(bare).strip(), tuple(repairs))


def parses(command: str) -> bool:
    """Tell whether a command is Bash to its last character, by tree-sitter's grammar."""
    return bool(command.strip()) and not parse(command).has_error


def same_text(task: ShellTask, command: str) -> bool:
    """Tell whether a command is one of the references but for white space and kinds of quotes."""
    return normalised(command) in (normalised(task.gold), normalised(task.gold2))


def normalised(command: str) -> str:
    """Return a command with single spaces and the shell's own quoting; what it cannot split keeps its quotes."""
    try:
        return shlex.join(shlex.split(command.strip().rstrip(";")))
    except ValueError:
        return " ".join(command.split())

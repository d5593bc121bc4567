"""The public suites as they were published: the word `hub` in the place of a path brings them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.hub import download
from hive_mind.suites import nl2sh

HUB = Path("hub")


@dataclass(frozen=True, slots=True)
class Published:
    """Where a suite's tasks lie on the hub. `patterns` are alternatives, the first that matches any file is taken."""

    repo_id: str
    patterns: tuple[str, ...]
    exclude: tuple[str, ...] = ()


ON_HUB = {
    # The hub has had v4's data under v3's names; the single-turn and live categories are the same.
    "bfcl": Published(
        "gorilla-llm/Berkeley-Function-Calling-Leaderboard",
        ("*BFCL_v4_*.json", "*BFCL_v3_*.json"),
        ("*multi_turn*", "*exec_*", "*memory*", "*web_search*", "*chatable*", "*sql*", "*rest*"),
    ),
    "humaneval": Published("openai/openai_humaneval", ("*.jsonl", "*test*.parquet")),
    "mbpp": Published("google-research-datasets/mbpp", ("*test*.jsonl", "full/test*.parquet")),
}


def at_hand(suite: str, path: Path, lock: Path) -> Path:
    """Return where a suite's tasks lie: `path` as it is, or the folder of the published ones if it is `hub`.

    NL2SH-ALFA comes from icalfa, the package with its file systems. Raises UsageError for a suite that was never
    published, HiveMindError if it is neither at hand nor to be had.
    """
    if path != HUB:
        return path
    if suite == "nl2sh":
        return nl2sh.packaged()
    if suite not in ON_HUB:
        raise UsageError(f"{suite}: hub stands for {', '.join(ON_HUB)} and nl2sh; name the file or folder of this one")
    where = ON_HUB[suite]
    fetched = download(
        where.repo_id, repo_type="dataset", patterns=where.patterns, exclude=where.exclude, lock=lock, first_match=True
    )
    folders = {(fetched.folder / name).parent for name in fetched.files if "possible_answer/" not in name}
    if len(folders) != 1:
        raise HiveMindError(f"{where.repo_id} has the tasks of {suite} in {len(folders)} folders; name the right one")
    return folders.pop()

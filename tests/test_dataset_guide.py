"""The guide's statements about names, reasons and examples are those of the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hive_mind.conversation import Conversation
from hive_mind.sources import SOURCES, source_of
from tests.guide_figures import FIGURES, REAL, make, with_figures, written

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "DATASET_GUIDE.md").read_text(encoding="utf-8")
DATA_CODE = [
    ROOT / "src/hive_mind/conversation.py",
    ROOT / "src/hive_mind/curation/accept.py",
    ROOT / "src/hive_mind/curation/call_check.py",
    ROOT / "src/hive_mind/curation/ingest.py",
    ROOT / "src/hive_mind/curation/read.py",
    *sorted((ROOT / "src/hive_mind/sources").glob("*.py")),
    *sorted((ROOT / "src/hive_mind/tool_schema").glob("*.py")),
]


def test_every_reason_in_the_code_is_explained_and_no_other() -> None:
    raised = set()
    for file in DATA_CODE:
        text = file.read_text(encoding="utf-8")
        raised |= set(
            re.findall(r'(?:MalformedConversation\(\s*|reject\(\w+, |Reject\([^,]*, |return )"([a-z_]+)",', text)
        )
        raised |= set(re.findall(r'^[A-Z_]+ = "([a-z]+_[a-z_]+)"$', text, re.MULTILINE)) - set(SOURCES)
        raised |= set(re.findall(r'_list\([^)]*\), "([a-z_]+)"', text))
    section = GUIDE.split("## What is rejected")[1].split("\n## ")[0]
    table = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([a-z_]+)`", table)) == raised


def test_every_source_is_listed_with_its_place_and_licence() -> None:
    for name, source in SOURCES.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", GUIDE, re.MULTILINE)
        assert source.LICENCE in row
        assert source.HUB is None or source.HUB.repo_id in row


@pytest.mark.parametrize("start", ['    {"id"', '    {"user_request"'])
def test_the_example_rows_are_valid(start: str) -> None:
    block = GUIDE[GUIDE.index(start) :].split("\n\n")[0]
    row = json.loads(block)
    source = source_of(row)
    assert source is not None and isinstance(source.convert(row), Conversation)


def test_the_example_run_is_valid() -> None:
    row = json.loads(GUIDE[GUIDE.index('    {"task_id"') :].split("\n\n")[0])
    assert source_of(row) is SOURCES["usage"]
    sky = {"server_name": "sky", "tools": [{"name": "now", "inputSchema": {"type": "object", "properties": {}}}]}
    made = SOURCES["usage"].convert({**row, "servers": [sky]})
    assert isinstance(made, Conversation) and made.calls[0].name == "now" and made.messages[2].content == "dry"


@pytest.mark.parametrize("name", [name for name in FIGURES if name != REAL])
def test_the_figures_are_those_that_come_out_now(name: str) -> None:
    assert written(GUIDE, name) == make(name), "stale: write them anew with `python -m tests.guide_figures`"


@pytest.mark.real
def test_the_figures_of_real_rows_are_those_that_come_out_now(real_data: Path) -> None:
    assert written(GUIDE, REAL) == make(REAL), "stale: write them anew with `python -m tests.guide_figures`"


def test_marks_of_figures_are_there_once_and_known() -> None:
    assert sorted(re.findall(r"<!-- figures: (.*) -->", GUIDE)) == sorted(FIGURES)
    changed = with_figures(GUIDE, "sample", "none")
    assert written(changed, "sample") == "none" and written(changed, REAL) == written(GUIDE, REAL)
    with pytest.raises(ValueError, match="not enough values"):
        written(GUIDE, "absent")

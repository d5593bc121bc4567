"""The recall of the tools that were really used, as the results and the page have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tool_recall import CHOSEN, REQUESTS, RESULTS, ranking, read_calls, read_tools, recall

from hive_mind.files import read_json

PAGE = Path(__file__).parents[2] / "docs" / "TOOLS.md"


def test_the_page_says_what_was_measured() -> None:
    found = read_json(RESULTS)
    page = PAGE.read_text(encoding="utf-8")
    for size in ("25", "50", "100", "200", "400"):
        assert f"| {size} | {found['by_number_of_tools'][size]['mean']:.1%} |".replace("%", " %") in page
    for name, row in (("by_k", "all calls"), ("by_k_first_calls", "first calls")):
        assert f"| {row} | {' | '.join(f'{share:.1%}'.replace('%', ' %') for share in found[name].values())} |" in page
    data = found["data"]
    assert f"{data['calls']} calls of tools that are declared, {data['tools']} tools" in page
    assert f"the {data['first_calls_of_a_tool']} calls of a tool that the run had not called" in page


@pytest.mark.real
def test_the_catalogue_finds_as_many_as_the_results_say(real_data: Path) -> None:
    tools = read_tools(real_data / "usage" / "livemcpbench_tools.json")
    asked = read_calls(real_data / "usage" / "livemcpbench_runs_60.jsonl", tools)
    found = read_json(RESULTS)
    assert (len(tools), len(asked)) == (found["data"]["tools"], found["data"]["calls"])
    assert recall(asked, ranking(tools, REQUESTS[CHOSEN])) == found["recall_at_8"]

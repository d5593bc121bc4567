"""How well-formed replies are."""

import pytest

from hive_mind.conversation import Tool
from hive_mind.suites.format import FormatCounts, Sample, check, count
from hive_mind.suites.outcome import Outcome

TOOLS = (Tool("f", "", {"type": "object"}),)
CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
OTHER = CALL.replace('"f"', '"g"')
SAMPLES = [
    (Sample(TOOLS, CALL, True), ""),
    (Sample(TOOLS, "In words.", True), ""),
    (Sample(TOOLS, CALL.removesuffix("</tool_call>"), True), "unclosed_tag"),
    (Sample(TOOLS, CALL.replace("}}", "}"), True), "missing_brace"),
    (Sample(TOOLS, "<tool_call>nonsense", False), "unparsable_call"),
    (Sample(TOOLS, "and so on and so on", False), "not_stopped"),
    (Sample(TOOLS, CALL + OTHER, True), "undeclared_tool"),
    (Sample((), CALL, True), "undeclared_tool"),
]


@pytest.mark.parametrize(("sample", "why"), SAMPLES)
def test_one_reply(sample, why):
    assert check(sample) == Outcome(not why, why)


def test_counts():
    repairs = {"unclosed_tag": 1, "missing_brace": 1, "unparsable_call": 1}
    assert count(sample for sample, _ in SAMPLES) == FormatCounts(8, 5, 6, 2, repairs)
    assert count([]) == FormatCounts(0, 0, 0, 0, {})

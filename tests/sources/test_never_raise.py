"""Whatever a row holds, converting and checking it gives a Conversation or a Reject, never an exception."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.conversation import Conversation, Reject
from hive_mind.curation.accept import accept
from hive_mind.files import json_line
from hive_mind.sources import SOURCES, source_of
from tests import raw_rows
from tests.sources.test_messages import LAYOUTS

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "code_alpaca": [raw_rows.code_row(2)],
    "glaive_tools": [raw_rows.glaive_row(0), raw_rows.glaive_row(1)],
    "bash_commands": [raw_rows.shell_row(1)],
    "xlam": [raw_rows.xlam_row(1)],
    "usage": [raw_rows.usage_row(0), raw_rows.usage_row(1), raw_rows.run_row(0)],
    "messages": list(LAYOUTS.values()),
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def settle(name: str, row: dict[str, Any]) -> Conversation | Reject:
    """Convert and check a row; a Conversation must survive being written."""
    made = SOURCES[name].convert(row)
    result = accept(made) if isinstance(made, Conversation) else made
    if isinstance(result, Conversation):
        assert Conversation.from_dict(json.loads(json_line(result.to_dict()))) == result
    else:
        assert result.code and result.detail
    return result


@pytest.mark.parametrize("name", SOURCES)
@given(data=st.data())
def test_any_value_in_any_field(name: str, data: st.DataObject) -> None:
    row = dict(data.draw(st.sampled_from(EXAMPLES[name])))
    for field in data.draw(st.sets(st.sampled_from(sorted(row)), min_size=1)):
        row[field] = data.draw(JSON_VALUES)
    settle(name, row)


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=30)
@given(data=st.data())
def test_any_value_anywhere_inside(name: str, data: st.DataObject) -> None:
    row = json.loads(json.dumps(data.draw(st.sampled_from(EXAMPLES[name]))))
    place: Any = row
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(JSON_VALUES)
            break
        place = place[key]
    settle(name, row)


def test_thousands_of_damaged_texts() -> None:
    """Cut, doubled, swapped and sprinkled characters in the texts of every layout that is parsed as text."""
    chance = random.Random(7)
    sprinkle = [
        "\\",
        '"',
        "'",
        "{",
        "}",
        "[",
        "<functioncall>",
        "USER:",
        "\n\n\n",
        "\ud83d",
        "<|im_end|>",
        "NaN",
        "\x00",
    ]
    kept = 0
    for _ in range(6000):
        name = chance.choice(["glaive_tools", "xlam", "messages"])
        row = json.loads(json.dumps(chance.choice(EXAMPLES[name])))
        field = chance.choice([key for key, value in row.items() if isinstance(value, str)] or [""])
        if field:
            text = row[field]
            start, end = sorted(chance.choices(range(len(text) + 1), k=2))
            replacement = chance.choice(["", text[start:end] * 2, chance.choice(sprinkle), text[end:]])
            row[field] = text[:start] + replacement + text[end:]
        kept += isinstance(settle(name, row), Conversation)
    assert 600 < kept < 5400, "the damage must neither destroy nor spare nearly all rows"


def test_values_that_cannot_be_written_are_rejected() -> None:
    def refused(arguments: object) -> str:
        call = {"function": {"name": "f", "arguments": arguments}}
        row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [call]}],
               "tools": [{"name": "f"}]}  # fmt: skip
        result = settle("messages", row)
        assert isinstance(result, Reject)
        return result.code

    deep: object = 1
    for _ in range(400):
        deep = [deep]
    assert refused({"a": deep}) == "not_encodable"
    assert refused({"a": 1 << 70}) == "not_encodable"
    assert refused({"a": "\ud83d"}) == "not_unicode"
    for _ in range(100_000):
        deep = [deep]
    assert refused({"a": deep}) == "nested_too_deeply"


def test_a_row_is_recognised_by_its_layout_alone() -> None:
    for name, rows in EXAMPLES.items():
        for row in rows:
            source = source_of(row)
            assert source is not None and name == source.NAME
    assert source_of({"text": "no known layout"}) is None

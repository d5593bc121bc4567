"""Calls written into text are read back, whatever their arguments hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.sources.call_text import read_call

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=4)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(NAMES, ARGUMENTS, st.sampled_from(["quoted", "object", "string"]), st.booleans(), st.text(max_size=20))
def test_any_arguments_in_any_writing_come_back(
    name: str, arguments: dict[str, object], writing: str, ascii_only: bool, after: str
) -> None:
    inner = json.dumps(arguments, ensure_ascii=ascii_only)
    written = {"quoted": f"'{inner}'", "object": inner, "string": json.dumps(inner, ensure_ascii=ascii_only)}[writing]
    text = f' {{"name": {json.dumps(name, ensure_ascii=ascii_only)}, "arguments": {written}}}'
    assert read_call(text + after) == (name, arguments, after)


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ('\'{"q": "it\\\'s"}\'', {"q": "it's"}),
        ('\'{"q": "it\'s"}\'', {"q": "it's"}),
        ('\'{"path": "C:\\\\\\\\x"}\'', {"path": "C:\\\\x"}),
        ('\'{"text": "line one\nline two"}\'', {"text": "line one\nline two"}),
        ("'{\"text\": \"a } and a '}' inside\"}'", {"text": "a } and a '}' inside"}),
        ("''", {}),
        ("'  '", {}),
        ("'{}'", {}),
        ("null", {}),
        ('""', {}),
    ],
)
def test_awkward_arguments(written: str, arguments: dict[str, object]) -> None:
    assert read_call(f'{{"name": "f", "arguments": {written}}}') == ("f", arguments, "")


def test_arguments_may_be_absent() -> None:
    assert read_call('{"name": "f"}') == ("f", {}, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no {"),
        ('{"arguments": {}}', "no {"),
        ('{"name": "f", "arguments": \'{"a": 1}\'', "does not end"),
        ('{"name": "f", "arguments": \'{"a": }\'}', "Expecting value"),
        ('{"name": "f", "arguments": \'{"a": 1}}', "do not end where"),
        ('{"name": "f", "arguments": [1]}', "list, not an object"),
        ('{"name": "f", "arguments": {"a": NaN}}', "NaN is not JSON"),
        ('{"name": "f", "arguments": {"a": 1e999}}', "beyond every float"),
        ('{"name": "f", "arguments": ' + "[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_call(text)

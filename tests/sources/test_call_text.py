"""Calls written into text are read back, whatever their arguments hold."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.sources.call_text import read_call, split_calls

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
        ("'null'", {}),
        ('""', {}),
        ('\'{\n  "a": [{"b": {}}],\n  "c": "]}"\n}\'', {"a": [{"b": {}}], "c": "]}"}),
        ('\'{"q": "say \\"hi\\" it\\\'s"}\'', {"q": 'say "hi" it\'s'}),
        ('\'{\\"q\\": \\"it\\\'s \\\\\\"x\\\\\\"\\"}\'', {"q": 'it\'s "x"'}),
        ("'{\\n  \\\"q\\\": 1\\n}'", {"q": 1}),
        ('"{\\"q\\": \\"a\nb\\"}"', {"q": "a\nb"}),
        ('{"q": "日本語, é, \\u00e9"}', {"q": "日本語, é, é"}),
    ],
)
def test_awkward_arguments(written: str, arguments: dict[str, object]) -> None:
    assert read_call(f'{{"name": "f", "arguments": {written}}}') == ("f", arguments, "")


def test_arguments_may_be_absent() -> None:
    assert read_call('{"name": "f"}') == ("f", {}, "")


@pytest.mark.parametrize(
    "text",
    [
        '{"arguments": \'{"a": 1}\', "name": "f"}',
        '{ "name" : "f" , "arguments" : { "a" : 1 } }',
        '{"name": "f", "parameters": {"a": 1}}',
        '\n{\n"name": "f",\n"arguments": \' {"a": 1} \'\n}',
    ],
)
def test_other_ways_to_write_a_call(text: str) -> None:
    assert read_call(text) == ("f", {"a": 1}, "")


def test_what_is_said_around_calls() -> None:
    call = '<functioncall> {"name": "f"}'
    assert split_calls(f" a {call} b {call} c\nd ") == ("a\nb\nc\nd", [("f", {}), ("f", {})])
    assert split_calls(" a ") == ("a", [])
    escaped = '<functioncall> {"name": "f", "arguments": \'{"q": "it\\\'s"}\'}'
    assert split_calls(f"don\\'t {escaped}") == ("don\\'t", [("f", {"q": "it's"})])


@pytest.mark.parametrize("stray", ["}", "'}", "]", ", and", "'"])
def test_what_is_left_of_a_call_is_no_text(stray: str) -> None:
    with pytest.raises(ValueError, match="does not end where"):
        split_calls('<functioncall> {"name": "f", "arguments": \'{"a": 1}\'}' + stray)


@pytest.mark.parametrize(
    "text",
    [
        '<functioncall> {"name": "f", "arguments": \'{"q": "it\\\'s"}\'} x ' * 10_000,
        '<functioncall> {"name": "f"}' * 20_000 + "}",
        '<functioncall> {"name": "f"}, ' * 20_000,
        "<functioncall>" + '{"name": "f"}' * 30_000,
        '<functioncall> {"name": "f", "arguments": \'' + "\\" * 400_000,
        '<functioncall> {"name": ' + " " * 400_000,
        "<functioncall> " + "{" * 400_000,
    ],
)
def test_long_texts_are_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    with contextlib.suppress(ValueError):
        split_calls(text)
    assert time.process_time() - started < 2, "some hundred kilobytes take well under a second"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no {"),
        ('{"arguments": {}}', "no {"),
        ('{"name": "f", "arguments": \'{"a": 1}\'', "does not end"),
        ('{"name": "f", "arguments": \'{"a": }\'}', "Expecting value"),
        ('{"name": "f", "arguments": \'{"a": 1}}', "do not end where"),
        ('{"name": "f", "arguments": [1]}', "list, not an object"),
        ('{"name": "f", "arguments": "[1]"}', "list, not an object"),
        ('{"name": "f", "arguments": "{} x"}', "text stands after"),
        ('{"name": "f", "arguments": {}, "parameters": {}}', "holds more than"),
        ('{"name": "f", "city": "Paris"}', "holds more than"),
        ('{"name": 5}', "no {"),
        ("{'name': 'f'}", "Expecting value"),
        ('{"name" "f"}', "not an object"),
        ('[{"name": "f"}', "no {"),
        ('{"name": "f", "arguments": \'{"a": [some data]}\'}', "Expecting value"),
        ('{"name": "f", "arguments": {"a": Infinity}}', "Infinity is not JSON"),
        ('{"name": "f", "arguments": {"a": NaN}}', "NaN is not JSON"),
        ('{"name": "f", "arguments": {"a": 1e999}}', "beyond every float"),
        ('{"name": "f", "arguments": ' + "[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_call(text)

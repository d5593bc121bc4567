"""Replies read while they are written: nothing is taken back, nothing is given out that is no part of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.inference.call_format import read_call_format
from hive_mind.serving.ask import CallDelta, CallStart, TextDelta
from hive_mind.serving.reply import ReplyReader

CALL = '<tool_call>\n{"name": "send", "arguments": {"to": "x}\\"{", "list": [1, {"a": []}]}}\n</tool_call>'
ARGUMENTS = {"to": 'x}"{', "list": [1, {"a": []}]}


@pytest.fixture(scope="module")
def call_format(tiny_tokenizer):
    return read_call_format(tiny_tokenizer)


def read(tokenizer, text, call_format=None, ended="stop", stop=(), pieces=1, raw=False):
    """Feed a text's tokens so many at a time; returns the events and what all of it says."""
    reader = ReplyReader(tokenizer, stop, call_format, ["send"] if call_format else (), raw=raw)
    ids, events = tokenizer.encode(text), []
    for place in range(0, len(ids), pieces):
        events += reader.feed(ids[place : place + pieces])
    last, whole = reader.finish(ended)
    return [*events, *last], whole


def words(events):
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@given(st.text(), st.integers(1, 9))
def test_words_joined_are_the_text(tiny_tokenizer, call_format, text, pieces):
    """Of any text, in pieces that cut characters in two; white space around it is no part of a chat's reply."""
    ids = tiny_tokenizer.encode_plain(text)
    for raw in (False, True):
        reader = ReplyReader(tiny_tokenizer, (), call_format, raw=raw)
        events = [event for place in range(0, len(ids), pieces) for event in reader.feed(ids[place : place + pieces])]
        last, whole = reader.finish("stop")
        expected = tiny_tokenizer.decode(ids)
        assert words([*events, *last]) == whole.text
        if "<tool_call>" not in expected:
            assert whole.text == (expected if raw else expected.strip())


stops = st.lists(st.text("ab<", min_size=1, max_size=4), min_size=1, max_size=3)


@given(st.text("ab< ", max_size=40), stops, st.integers(1, 5))
def test_a_stop_text_ends_the_reply_and_is_never_seen(tiny_tokenizer, text, stop, pieces):
    """However the tokens lie, the reply ends where the first of the stop texts is complete."""
    events, whole = read(tiny_tokenizer, text, stop=stop, pieces=pieces, raw=True)
    ends = [(place + len(each), place) for each in stop if (place := text.find(each)) >= 0]
    assert whole.text == words(events) == (text[: min(ends)[1]] if ends else text)
    assert whole.finish_reason == "stop"


@pytest.mark.parametrize("pieces", [1, 2, 7, 1000])
def test_a_call_is_handed_out_while_it_is_written(tiny_tokenizer, call_format, pieces):
    events, whole = read(tiny_tokenizer, f" Let me look.\n{CALL}\n{CALL}", call_format, pieces=pieces)
    assert whole.finish_reason == "tool_calls"
    assert whole.text == words(events) == "Let me look."
    starts = [event for event in events if isinstance(event, CallStart)]
    assert [(start.index, start.name) for start in starts] == [(0, "send"), (1, "send")]
    assert [call.id for call in whole.calls] == [start.id for start in starts]
    assert len({call.id for call in whole.calls}) == 2
    for start in starts:
        written = [event.arguments for event in events if isinstance(event, CallDelta) and event.index == start.index]
        assert json.loads("".join(written)) == ARGUMENTS
        assert len(written) > 5 or pieces > 2
    assert events.index(starts[1]) > max(
        events.index(event) for event in events if isinstance(event, CallDelta) and event.index == 0
    )


@pytest.mark.parametrize("length", [12, 40, 75, len(CALL) - 3])
def test_a_call_that_the_length_cuts_is_no_call(tiny_tokenizer, call_format, length):
    _, whole = read(tiny_tokenizer, f"Words.\n{CALL}\n{CALL[:length]}", call_format, ended="length")
    assert [call.arguments for call in whole.calls] == [ARGUMENTS]
    assert whole.finish_reason == "length"
    assert whole.text == f"Words.\n{CALL[:length]}"


def test_stop_texts_do_not_cut_calls(tiny_tokenizer, call_format):
    _, whole = read(tiny_tokenizer, f"Words.\n{CALL}", call_format, stop=("list", "tool_call", "}"))
    assert [call.arguments for call in whole.calls] == [ARGUMENTS]


@pytest.mark.parametrize(
    ("text", "repair"),
    [
        ('{"name": "send", "arguments": {"to": "x"}}', "bare_json"),
        ('```json\n{"name": "send", "arguments": {"to": "x"}}\n```', "fenced"),
        ('<tools>{"name": "send", "arguments": {"to": "x"}}</tools>', "tools_tag"),
    ],
)
def test_words_that_are_a_call_without_its_tags(tiny_tokenizer, call_format, text, repair):
    events, whole = read(tiny_tokenizer, text, call_format)
    assert [type(event) for event in events] == [CallStart, CallDelta]
    assert (whole.text, whole.repairs, whole.finish_reason) == ("", (repair,), "tool_calls")
    assert [(call.id, call.arguments) for call in whole.calls] == [(events[0].id, {"to": "x"})]


@pytest.mark.parametrize(
    "text", ['{"name": "other", "arguments": {}}', '{"a": 1}', "[1] is the first.", "```\nls\n```", "<tool"]
)
def test_words_that_only_look_like_a_call(tiny_tokenizer, call_format, text):
    events, whole = read(tiny_tokenizer, text, call_format)
    assert (words(events), whole.text, whole.calls) == (text, text, ())


def test_a_bare_call_that_was_cut_is_not_mended(tiny_tokenizer, call_format):
    text = '{"name": "send", "arguments": {"to": "x"}'
    events, whole = read(tiny_tokenizer, text, call_format, ended="length")
    assert (words(events), whole.calls, whole.finish_reason) == (text, (), "length")


def test_without_tools_a_call_is_words(tiny_tokenizer):
    events, whole = read(tiny_tokenizer, CALL)
    assert words(events) == whole.text == CALL
    assert whole.calls == ()

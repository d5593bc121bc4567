"""Model text to tool calls, with every repair named."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.chat.parse import parse_reply
from hive_mind.chat.render import render
from hive_mind.conversation import Conversation, Message, ToolCall

GOOD = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
CALL = ToolCall("call_0", "f", {"a": 1})


@pytest.mark.parametrize(
    ("text", "said", "calls", "repairs"),
    [
        ("Just words.", "Just words.", (), ()),
        (GOOD, "", (CALL,), ()),
        (f"First I look.\n{GOOD}", "First I look.", (CALL,), ()),
        (f"{GOOD}\n{GOOD}", "", (CALL, ToolCall("call_1", "f", {"a": 1})), ()),
        (GOOD.removesuffix("\n</tool_call>"), "", (CALL,), ("unclosed_tag",)),
        (GOOD.replace("}}", "}"), "", (CALL,), ("missing_brace",)),
        ('<tool_call>\n{"name": "f", "arguments": "{\\"a\\": 1}"}\n</tool_call>', "", (CALL,), ("string_arguments",)),
        ('{"name": "f", "arguments": {"a": 1}}', "", (CALL,), ("bare_json",)),
        ('```json\n{"name": "f", "arguments": {"a": 1}}\n```', "", (CALL,), ("fenced",)),
        ('<tools>\n{"name": "f", "arguments": {"a": 1}}\n</tools>', "", (CALL,), ("tools_tag",)),
        ("<tool_call>\nnot json\n</tool_call>", "<tool_call>\nnot json\n</tool_call>", (), ("unparsable_call",)),
        ('{"city": "Bern"}', '{"city": "Bern"}', (), ()),
        ("[1, 2]", "[1, 2]", (), ()),
        ("[]", "[]", (), ()),
    ],
)
def test_reply(text, said, calls, repairs):
    reply = parse_reply(text)
    assert (reply.text, reply.calls, reply.repairs) == (said, calls, repairs)


# The tokenizer brings text into the composed form (NFC), so only text in that form can come back as it was.
COMPOSED = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="<|>"), max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text)
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | COMPOSED,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
CALLS = st.lists(st.dictionaries(st.text("abc_", min_size=1), JSON_VALUES, max_size=3), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(CALLS)
def test_what_is_rendered_parses_back_to_the_same_calls(tiny_tokenizer, arguments):
    calls = tuple(ToolCall(f"call_{i}", f"tool_{i}", row) for i, row in enumerate(arguments))
    conversation = Conversation.build("test", [Message("user", "go"), Message("assistant", "", calls)])
    rendered = render(conversation, tiny_tokenizer)
    reply = [token for token, flag in zip(rendered.input_ids, rendered.labelled, strict=True) if flag][:-1]
    parsed = parse_reply(tiny_tokenizer.decode(reply))
    assert parsed.calls == calls
    assert parsed.repairs == ()
    assert [list(call.arguments) for call in parsed.calls] == [list(call.arguments) for call in calls]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.text('<tool_call>/{}[]":,name arguments\n`', max_size=200))
def test_any_text_parses_without_an_error(text):
    reply = parse_reply(text)
    assert json.dumps([call.to_dict() for call in reply.calls]) is not None


@pytest.mark.parametrize("text", ["<tool_call>" + "[" * 50_000, '{"name": "f", "arguments": ' + '{"a": ' * 50_000])
def test_a_reply_nested_without_end_is_text(text):
    assert parse_reply(text).calls == ()

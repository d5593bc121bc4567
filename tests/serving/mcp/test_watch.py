"""Reading along: what is recorded of which messages, and that no message can break it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.serving.mcp.watch import LONGEST_RESULT, Watch, result_text
from tests.serving.mcp.fakes import FakeRecorder

TOOLS = [
    {
        "name": "read",
        "description": "Read a file",
        "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}},
    }
]
MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": {"name": "new", "version": "2"}}  # fmt: skip


def line(**fields):
    return json.dumps({"jsonrpc": "2.0", **fields}).encode()


def call(number, name="read", meta=None, **arguments):
    params = {"name": name, "arguments": arguments, **({"_meta": meta} if meta else {})}
    return line(id=number, method="tools/call", params=params)


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


@pytest.fixture
def watch():
    return Watch(FakeRecorder(), session="s")


def kept(watch):
    return watch.recorder.interactions


def test_a_call_is_recorded_with_what_was_declared_and_what_came_of_it(watch):
    watch.from_client(line(id=0, method="initialize", params={"clientInfo": {"name": "old", "version": "1"}}))
    watch.from_client(line(id=1, method="tools/list"))
    watch.from_server(line(id=1, result={"tools": TOOLS}))
    watch.from_client(call("a", path="x"))
    watch.from_server(line(id="a", result=text("content of x")))
    (interaction,) = kept(watch)
    (made,) = interaction.answer.tool_calls
    assert (made.name, made.arguments) == ("read", {"path": "x"}) and interaction.messages == ()
    assert interaction.results[0].content == "content of x" and interaction.results[0].tool_call_id == made.id
    assert (interaction.outcome, interaction.client, interaction.session) == ("succeeded", "old 1", "s")
    assert [tool.name for tool in interaction.tools] == ["read"] and interaction.source == "mcp_proxy"


def test_answers_find_their_calls_whatever_their_order_and_ids(watch):
    for number, path in ((1, "int"), ("1", "text"), (2, "late")):
        watch.from_client(call(number, path=path))
    for number in (2, "1", 1):
        watch.from_server(line(id=number, result=text(f"{number!r}")))
    assert [i.answer.tool_calls[0].arguments["path"] for i in kept(watch)] == ["late", "text", "int"]
    watch.from_server(line(id=1, result=text("again")))
    assert len(kept(watch)) == 3


def test_errors_of_tools_and_of_the_protocol_are_failures_with_their_words(watch):
    watch.from_client(call(1))
    watch.from_server(line(id=1, result=text("no such file", isError=True)))
    watch.from_client(call(2, name="nothing"))
    watch.from_server(line(id=2, error={"code": -32602, "message": "Unknown tool"}))
    assert [(i.outcome, i.error) for i in kept(watch)] == [("failed", "no such file"), ("failed", "Unknown tool")]


def test_a_question_to_the_user_is_not_yet_the_end_of_a_call(watch):
    watch.from_client(call(1, meta=MODERN))
    watch.from_server(line(id=1, result={"resultType": "input_required", "inputRequests": {}}))
    assert kept(watch) == []
    watch.from_client(call(2, meta=MODERN))
    watch.from_server(line(id=2, result=text("done")))
    assert [(i.outcome, i.client) for i in kept(watch)] == [("succeeded", "new 2")]


def test_the_id_that_the_client_gives_a_call_in_its_transcript_is_kept(watch):
    watch.from_client(call(1, meta={"claudecode/toolUseId": "toolu_7"}))
    watch.from_server(line(id=1, result=text("x")))
    assert kept(watch)[0].answer.tool_calls[0].id == kept(watch)[0].results[0].tool_call_id == "toolu_7"


def test_lists_in_pages_add_up_and_a_new_list_replaces_the_old(watch):
    def listed(number, name, cursor=None):
        watch.from_client(line(id=number, method="tools/list", params={"cursor": cursor} if cursor else {}))
        watch.from_server(line(id=number, result={"tools": [{"name": name, "inputSchema": {"type": "object"}}]}))

    listed(1, "a")
    listed(2, "b", cursor="p2")
    assert list(watch.tools) == ["a", "b"]
    listed(3, "c")
    assert list(watch.tools) == ["c"]


def test_several_messages_in_one_line_are_read(watch):
    watch.from_client(b"[" + call(1) + b"," + call(2) + b"]")
    watch.from_server(b"[" + line(id=2, result=text("b")) + b"," + line(id=1, result=text("a")) + b"]")
    assert [i.results[0].content for i in kept(watch)] == ["b", "a"]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (text("a"), "a"),
        ({"content": [*text("a")["content"], {"type": "image", "mimeType": "image/png"}]}, "a\n[image image/png]"),
        ({"content": [{"type": "resource", "resource": {"uri": "u:1", "text": "inner"}}]}, "inner"),
        ({"content": [{"type": "resource_link", "uri": "u:2", "name": "n"}]}, "[resource_link u:2]"),
        ({"content": [], "structuredContent": {"a": 1}}, '{"a":1}'),
        ({}, ""),
    ],
)  # fmt: skip
def test_results_as_text(result, expected):
    assert result_text(result) == expected


def test_a_long_result_is_cut_with_a_note():
    made = result_text(text("x" * (LONGEST_RESULT + 1234)))
    assert made.endswith("… [1,234 more characters]") and len(made) < LONGEST_RESULT + 50


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "method": st.sampled_from(["tools/call", "tools/list", "initialize", "notifications/cancelled"]) | json_values,
        "params": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(("name", "arguments", "_meta", "cursor", "requestId", "clientInfo"), json_values),
        )
        | json_values,
        "result": st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("tools", "content", "structuredContent"), json_values)
        )
        | json_values,
        "error": json_values,
    },
)


@given(st.lists(st.tuples(st.booleans(), messages | json_values), max_size=8))
def test_no_message_breaks_it(sequence):
    watch = Watch(FakeRecorder())
    for from_client, message in sequence:
        (watch.from_client if from_client else watch.from_server)(json.dumps(message).encode())


@given(st.binary(max_size=60))
def test_no_bytes_break_it(content):
    watch = Watch(FakeRecorder())
    watch.from_client(content)
    watch.from_server(content)

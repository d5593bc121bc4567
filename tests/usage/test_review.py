"""Review by hand: what is shown, and what a key does."""

from collections.abc import Iterator

import pytest

from hive_mind.conversation import Message
from hive_mind.errors import DataRefused
from hive_mind.usage.review import editable, layout, read_correction, review
from hive_mind.usage.store import Store
from tests.usage.making import BASH, call, interaction, said, settings_in


@pytest.fixture
def store(tmp_path):
    opened = Store.open(settings_in(tmp_path))
    yield opened
    opened.close()


def go(store, keys, corrections=()):
    pressed: Iterator[str] = iter(keys)
    written = iter(corrections)
    shown: list[str] = []
    outcome = review(store, store.list(), lambda: next(pressed, ""), lambda record: next(written), shown.append)
    return outcome, "\n".join(shown)


def test_each_key_decides_one_interaction(store):
    for number in range(5):
        store.add(interaction(number, outcome="unknown", time=f"2026-02-05T10:00:0{number}Z"))
    outcome, shown = go(store, "arsxcq", ['{"name": "read_file", "arguments": {"path": "right.md"}}'])
    assert dict(outcome.decided) == {"approved": 1, "rejected": 1, "skipped": 1, "corrected": 1}
    assert outcome.left == 1
    states = [(record.state, record.decided_by) for record in store.list()]
    assert states == [
        ("approved", "hand"), ("rejected", "hand"), ("new", "rules"), ("approved", "hand"), ("new", "rules"),
    ]  # fmt: skip
    assert store.list()[3].correction.tool_calls[0].arguments == {"path": "right.md"}
    assert "a approve" in shown, "an unknown key shows which there are"


def test_a_correction_that_cannot_be_learnt_is_asked_for_again(store):
    store.add(interaction(1, outcome="failed"))
    outcome, shown = go(store, "cccq", ['{"name": "read_file", "arguments": {}}', "{broken", "I cannot know."])
    assert dict(outcome.decided) == {"corrected": 1}
    assert "not taken: the correction" in shown and "missing_argument" in shown and "neither words nor calls" in shown
    assert store.list()[0].correction == Message("assistant", "I cannot know.")


def test_the_end_of_input_ends_the_review(store):
    store.add(interaction(1))
    assert go(store, "")[0].left == 1


def test_what_is_shown(store):
    context = tuple(Message("user", f"earlier {number}") for number in range(9))
    seen = interaction(
        1, messages=(*context, Message("user", "Delete all of it")), answer=call("bash", command="rm -rf /"),
        tools=(BASH,), results=(Message("tool", "x" * 9000, tool_call_id="call_1", name="bash"),), thumb="up",
        comment="never do this", error="", source="mcp_proxy",
    )  # fmt: skip
    store.add(seen)
    shown = layout(store.list()[0], "1/1")
    for text in (
        "1/1", "mcp_proxy", "editor", "quarantined", "tools: bash", "5 earlier message(s)", "Delete all of it",
        '→ bash {"command": "rm -rf /"}', "(9,000 characters)", "outcome    succeeded", "thumb up never do this",
        "DANGEROUS  it deletes a whole system",
    ):  # fmt: skip
        assert text in shown
    assert "earlier 4" not in shown and len(shown) < 4000


def test_corrections_are_read_as_calls_messages_or_words(store):
    store.add(interaction(1))
    record = store.list()[0]
    one = read_correction('{"name": "a", "arguments": {"x": 1}}', record)
    assert [(made.name, made.arguments) for made in one.tool_calls] == [("a", {"x": 1})]
    assert len(read_correction('[{"name": "a"}, {"name": "b"}]', record).tool_calls) == 2
    message = read_correction('{"role": "assistant", "content": "hi", "weight": 0}', record)
    assert (message.content, message.learn) == ("hi", True)
    assert read_correction(" Paris. ", record).content == "Paris."
    assert read_correction(editable(record), record).tool_calls[0].arguments == {"path": "notes/1.md"}
    for text in ("", "{", "[1]", '{"arguments": {}}', '{"role": "assistant", "tool_calls": 3}'):
        with pytest.raises(DataRefused):
            read_correction(text, record)
    store.add(said())
    assert editable(store.list()[-1]) in ("Paris.", editable(record))

"""The store, on SQLite and on PostgreSQL alike."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.conversation import Message, ToolCall
from hive_mind.errors import DataRefused, UsageError
from hive_mind.usage.database import StoreAway
from hive_mind.usage.query import Filters
from hive_mind.usage.store import Store
from tests.usage.making import BASH, READ, TIME, call, interaction, said, settings_in


def test_what_is_added_comes_back_as_it_was(store):
    seen = interaction(
        3, results=(Message("tool", "text of 3", tool_call_id="call_3", name="read_file"),), comment="fine", thumb="up",
        request_id="req-3", error="",
    )  # fmt: skip
    added = store.add(seen)
    record = store.get(added.id)
    assert added.what == "new"
    assert record.interaction == seen
    assert (record.state, record.reason, record.decided_by) == ("approved", "a person liked it", "rules")
    assert [sighting.source for sighting in record.sightings] == ["openai_api"]


def test_the_same_interaction_seen_twice_is_one_and_keeps_all_who_saw_it(store):
    first = store.add(interaction(1, outcome="unknown"))
    again = store.add(interaction(1, outcome="unknown"))
    other = store.add(interaction(1, source="claude_code", client="terminal", time="2026-02-05T10:00:07Z"))
    assert (first.what, again.what, other.what) == ("new", "seen", "seen")
    assert first.id == again.id == other.id
    [record] = store.list()
    assert [(sighting.source, sighting.client) for sighting in record.sightings] == [
        ("openai_api", "editor"),
        ("claude_code", "terminal"),
    ]
    assert record.interaction.outcome == "succeeded", "what is known of the outcome is kept"
    assert record.state == "approved"


@pytest.mark.parametrize("proxy_first", [True, False])
def test_a_proxy_and_a_transcript_that_saw_the_same_call_are_one(store, proxy_first):
    result = Message("tool", "text of 1", tool_call_id="proxy-1", name="read_file")
    proxy = interaction(
        1, source="mcp_proxy", messages=(), answer=call(call_id="proxy-1", path="notes/1.md"), results=(result,),
        session="", client="", time="2026-02-05T10:00:04Z", version=None,
    )  # fmt: skip
    transcript = interaction(
        1, source="claude_code", answer=call("mcp__files__read_file", "toolu_1", path="notes/1.md"), tools=(),
        outcome="unknown", version=None,
    )  # fmt: skip
    first, second = (proxy, transcript) if proxy_first else (transcript, proxy)
    one, two = store.add(first), store.add(second)
    assert (one.what, two.what, two.id) == ("new", "joined", one.id)
    record = store.get(one.id)
    kept = record.interaction
    assert kept.messages == transcript.messages
    assert kept.answer == transcript.answer
    assert [tool.name for tool in kept.tools] == ["mcp__files__read_file"], "declared by the name it is called by"
    assert kept.results == (replace(result, tool_call_id="toolu_1", name="mcp__files__read_file"),)
    assert (kept.outcome, kept.session, record.state) == ("succeeded", "session-1", "approved")
    assert {sighting.source for sighting in record.sightings} == {"mcp_proxy", "claude_code"}
    assert store.add(first).what == store.add(second).what == "seen"
    assert len(store.list()) == 1


def test_the_same_call_hours_apart_or_with_two_requests_is_not_one(store):
    bare = interaction(1, source="mcp_proxy", messages=(), time="2026-02-05T15:00:00Z")
    other_request = interaction(1, messages=(Message("user", "And again, what is in there?"),))
    assert [store.add(seen).what for seen in (interaction(1), bare, other_request)] == ["new"] * 3


def test_ids_of_calls_system_texts_and_white_space_do_not_make_another_interaction(store):
    seen = interaction(1)
    spaced = replace(
        seen,
        messages=(Message("system", "Be brief."), replace(seen.messages[0], content=seen.messages[0].content + "\n")),
        answer=call(call_id="another", path="notes/1.md"),
    )
    assert store.add(seen).id == store.add(spaced).id


def test_two_stores_give_different_ids(tmp_path):
    """An id is keyed: whoever has it cannot try out what redaction took away."""
    ids = set()
    for name in ("a", "b"):
        store = Store.open(settings_in(tmp_path / name))
        ids.add(store.add(interaction(1)).id)
        store.close()
    assert len(ids) == 2


def test_a_result_is_told_later(store):
    added = store.add(interaction(1, outcome="unknown"))
    assert store.get(added.id).state == "new"
    told = {"kind": "result", "call_id": "call_1", "content": "all good", "outcome": "succeeded"}
    assert [applied.what for applied in store.apply([told, told])] == ["told", "told"]
    record = store.get(added.id)
    assert [result.content for result in record.interaction.results] == ["all good"]
    assert (record.interaction.outcome, record.state) == ("succeeded", "approved")
    assert store.apply([{**told, "call_id": "never-made"}])[0].what == "unknown"


def test_one_failed_result_of_two_makes_the_interaction_fail(store):
    answer = Message(
        "assistant", "", (ToolCall("a", "read_file", {"path": "x"}), ToolCall("b", "read_file", {"path": "y"}))
    )
    added = store.add(interaction(1, answer=answer, outcome="unknown"))
    told = {"kind": "result", "call_id": "a", "content": "text", "outcome": "succeeded"}
    store.apply([told])
    assert store.get(added.id).interaction.outcome == "unknown", "one of two calls is not answered yet"
    store.apply([{**told, "call_id": "b", "content": "no such file", "outcome": "failed"}])
    record = store.get(added.id)
    assert (record.interaction.outcome, record.interaction.error, record.state) == (
        "failed",
        "no such file",
        "rejected",
    )


def test_placeholders_of_what_is_told_later_mean_other_values(store):
    address = "@".join(("mara.lind", "example-mail.net"))
    other = "@".join(("otto.berg", "example-mail.net"))
    added = store.add(
        interaction(1, messages=(Message("user", f"Write to {address} what file 1 says"),), outcome="unknown")
    )
    from hive_mind.usage.entries import redacted, result_entry

    store.apply([redacted(result_entry("call_1", f"{other} wrote back", "succeeded"))])
    kept = store.get(added.id).interaction
    assert kept.messages[0].content == "Write to <SECRET:email:1> what file 1 says"
    assert kept.results[0].content == "<SECRET:email:2> wrote back"


def test_what_a_person_decides_no_rule_changes(store):
    added = store.add(interaction(1))
    store.set_state([added.id], "rejected", "not mine")
    store.add(interaction(1, time="2026-02-05T11:00:00Z", thumb="up"))
    record = store.get(added.id)
    assert (record.state, record.reason, record.decided_by) == ("rejected", "not mine", "hand")
    assert record.interaction.thumb == "up"


def test_feedback_moves_what_nobody_decided(store):
    added = store.add(said())
    assert store.get(added.id).state == "new"
    assert store.feedback(added.id, "up", "yes").state == "approved"
    assert store.feedback(added.id, "down").state == "rejected"
    assert store.get(added.id).interaction.comment == "yes"


def test_a_correction_becomes_the_target(store):
    added = store.add(interaction(1, outcome="failed", error="no such file"))
    record = store.correct(added.id, call(path="notes/one.md"))
    assert (record.state, record.decided_by) == ("approved", "hand")
    assert record.correction.tool_calls[0].arguments == {"path": "notes/one.md"}
    with pytest.raises(DataRefused, match="missing_argument"):
        store.correct(added.id, call(lines=3))
    with pytest.raises(DataRefused, match="undeclared_tool"):
        store.correct(added.id, call("write_file", path="x"))


def test_a_secret_in_a_correction_is_no_other_value_s_placeholder(store):
    address, other = ("@".join((name, "example-mail.net")) for name in ("mara.lind", "otto.berg"))
    added = store.add(interaction(1, messages=(Message("user", f"Read what {address} wrote"),), outcome="failed"))
    record = store.correct(added.id, call(path=f"from <SECRET:email:1> to {other}"))
    assert record.correction.tool_calls[0].arguments == {"path": "from <SECRET:email:1> to <SECRET:email:2>"}


def test_filters(store):
    store.add_many([interaction(number, time=f"2026-02-{number:02d}T10:00:00Z") for number in range(1, 6)])
    store.add(said("Paris.", source="gateway", client="chat", session="talk", time="2026-03-01T00:00:00Z"))
    store.add(interaction(9, outcome="failed", answer=call("mcp__files__read_file", path="x")))

    def count(**values):
        return len(store.list(Filters(**values)))

    assert count() == 7
    assert (count(state="approved"), count(state="new"), count(state="rejected")) == (5, 1, 1)
    assert (count(source="gateway"), count(source="openai_api"), count(client="chat"), count(session="talk")) == (
        1,
        6,
        1,
        1,
    )
    assert (count(tool="read_file"), count(tool="none"), count(tool="file")) == (6, 1, 0)
    assert (count(since="2026-02-03"), count(before="2026-02-03"), count(outcome="failed")) == (5, 2, 1)
    assert [record.interaction.time[:10] for record in store.list(limit=2, newest=True)] == ["2026-03-01", "2026-02-05"]
    assert [len(page) for page in store.pages(size=3)] == [3, 3, 1]


def test_stats(store):
    store.add_many([interaction(1), interaction(2), said(source="gateway")])
    store.add(interaction(1, source="transcript", time="2026-02-05T10:01:00Z"))
    stats = store.stats()
    assert stats["interactions"] == 3
    assert stats["by_state"] == {"approved": 2, "new": 1}
    assert stats["by_source"] == {"openai_api": 2, "gateway": 1, "transcript": 1}
    assert stats["calls_by_tool"] == {"read_file": 2}
    assert stats["by_version"] == {"mine_v1": 3}
    assert (stats["first"], stats["last"]) == (TIME, TIME)
    assert store.stats(Filters(source="gateway"))["by_state"] == {"new": 1}


def test_ids_may_be_shortened_but_not_to_two_meanings(store):
    added = store.add(interaction(1))
    assert store.get(added.id[:8]).id == added.id
    with pytest.raises(UsageError, match="there is no interaction"):
        store.get(added.id[:3])
    with pytest.raises(UsageError, match="there is no interaction"):
        store.get("%" * 8)


def test_equal_tool_lists_are_stored_once(store):
    from sqlalchemy import func, select

    from hive_mind.usage.database import reading
    from hive_mind.usage.schema import tool_lists

    store.add_many([interaction(number) for number in range(6)] + [interaction(7, tools=(READ, BASH))])
    with reading(store.engine) as connection:
        assert connection.execute(select(func.count()).select_from(tool_lists)).scalar() == 2


ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def lasting_store(tmp_path_factory):
    opened = Store.open(settings_in(tmp_path_factory.mktemp("any")))
    yield opened
    opened.close()


@given(ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_JSON, max_size=4), ANY_TEXT, ANY_TEXT)
def test_whatever_text_is_seen_it_is_kept_and_seen_again(lasting_store, text, arguments, session, error):
    answer = Message("assistant", text, (ToolCall("c", "read_file", arguments),))
    seen = interaction(1, messages=(Message("user", text),), answer=answer, session=session, error=error)
    added = lasting_store.add(seen)
    assert lasting_store.add(seen).id == added.id
    kept = lasting_store.get(added.id).interaction
    assert len(kept.messages) == 1 and len(kept.answer.tool_calls) == 1


def test_text_with_nul_is_kept_on_either_database(store):
    added = store.add(interaction(1, messages=(Message("user", "a\0b \ud800"),), error="x\0y", session="s\0"))
    kept = store.get(added.id).interaction
    assert kept.messages[0].content == "a\0b ?"
    assert kept.error == "x\ufffdy"


def test_a_store_that_is_away_says_so(tmp_path):
    with pytest.raises(StoreAway, match="cannot be used now"):
        Store.open(settings_in(tmp_path, url="postgresql+psycopg://someone:hush@127.0.0.1:1/none"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreAway, match="cannot be made"):
        Store.open(settings_in(tmp_path, url=str(tmp_path / "file" / "usage.sqlite")))
    (tmp_path / "usage.sqlite").write_bytes(b"no database at all, " * 100)
    with pytest.raises(StoreAway, match="not a database"):
        Store.open(settings_in(tmp_path))


@pytest.mark.parametrize("url", ["mysql://a@b/c", "sqlite://", "post gres://", "://"])
def test_a_url_that_is_none_is_refused(tmp_path, url):
    with pytest.raises(UsageError, match=r"usage\.url"):
        Store.open(settings_in(tmp_path, url=url))


def test_no_password_is_shown(tmp_path):
    with pytest.raises(StoreAway) as refused:
        Store.open(settings_in(tmp_path, url="postgresql+psycopg://someone:hush@127.0.0.1:1/none"))
    assert "hush" not in str(refused.value) and "someone" in str(refused.value)

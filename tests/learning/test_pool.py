"""Which side an interaction stands on, what is enough, what the suite asks, what is capped and held back."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.conversation import Conversation, Message, ToolCall
from hive_mind.learning import choosing, oddness
from hive_mind.learning.pool import Pool, collect, pooled
from hive_mind.learning.settings import HeldOutSettings, LearningSettings, MixSettings, TriggerSettings
from hive_mind.learning.suite import OwnSuite, choose_suite, in_a_window, write_suite
from hive_mind.learning.trigger import Known, chance_of, jensen_shannon, look
from hive_mind.suites.usage import load
from hive_mind.usage.record import Record
from hive_mind.usage.store import opened
from tests.learning.world import PLACES, START, TOOLS, TRAFFIC, WEATHER, World, called, interaction

HELD_OUT = HeldOutSettings()
tool_sets = st.frozensets(st.sampled_from("abcdef"), min_size=1)
tallies = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1)


@pytest.fixture
def store(tmp_path):
    """An empty store; no model is needed here."""
    with opened(World(tmp_path, None).settings_of_the_store()) as store:
        yield store


def made(number=0, session="s", tool=WEATHER, day=0, state="approved", by="rules", **about) -> Record:
    moment = START + timedelta(days=day, minutes=number)
    seen = interaction(called(tool, PLACES[number % len(PLACES)], number), session, moment, **about)
    return Record(f"{number:032x}", seen, state, "", by, None, seen.time, seen.time)


def rows(count, start=0, held_out=None, **about):
    """Rows of one session, on the side that its name puts it on unless `held_out` says another."""
    pool = [pooled(made(number, **about), HELD_OUT) for number in range(start, start + count)]
    return pool if held_out is None else [replace(row, held_out=held_out) for row in pool]


def sessions(count, tool, start=0):
    """One row each of so many sessions."""
    return [row for n in range(start, start + count) for row in rows(1, n, tool=tool, session=f"session {n}")]


@given(st.text(min_size=1), st.integers(0, 10**6))
def test_a_session_is_on_one_side_for_good(session, number):
    assert (
        pooled(made(number, session), HELD_OUT).held_out
        == pooled(made(number + 1, session, TRAFFIC), HELD_OUT).held_out
    )


def test_about_the_share_of_sessions_is_held_out():
    held = sum(pooled(made(0, f"session {number}"), HELD_OUT).held_out for number in range(2000))
    assert 0.26 < held / 2000 < 0.34


def test_without_a_session_an_interaction_goes_with_its_first_request():
    one, other = made(1, ""), made(2, "")
    assert pooled(one, HELD_OUT).group != pooled(other, HELD_OUT).group
    said = [
        ("user", "Weather in Bern, question 1?"),
        ("assistant", "Sunny."),
        ("user", "And then?"),
        ("assistant", "Rain."),
    ]
    longer = interaction(Conversation.build("usage", [Message(*each) for each in said]), "", START)
    record = Record("a" * 32, longer, "approved", "", "rules", None, longer.time, longer.time)
    assert pooled(record, HELD_OUT).group == "request:weather in bern question 1"


def test_a_dangerous_command_is_never_a_target_even_if_a_person_approved_it(store):
    call = ToolCall("call_0", "bash", {"command": "rm -rf " + "/"})
    from hive_mind.sources.bash_commands import BASH

    row = Conversation.build("usage", [Message("user", "free some room"), Message("assistant", "", (call,))], (BASH,))
    [bad, good] = [
        applied.id
        for applied in store.add_many(
            [interaction(row, "a", START), interaction(called(WEATHER, "Bern", 1), "b", START)]
        )
    ]
    store.set_state([bad, good], "approved", "a person wanted it")
    pool = collect(store, HELD_OUT, START)
    assert [row.id for row in pool.rows] == [good]
    assert pool.left_out == {"dangerous command": 1}


def test_what_is_seen_later_than_now_is_not_collected(store):
    store.add_many([interaction(called(WEATHER, "Bern", n), "a", START + timedelta(hours=n)) for n in (-1, 0, 1)])
    assert len(collect(store, HELD_OUT, START).rows) == 2


@given(tallies, tallies)
def test_the_distance_of_tallies_is_a_metric(a, b):
    there = jensen_shannon(a, b)
    assert 0 <= there <= 1 + 1e-9 and there == pytest.approx(jensen_shannon(b, a))
    assert jensen_shannon(a, {key: 3 * count for key, count in a.items()}) == pytest.approx(0, abs=1e-6)
    if not a.keys() & b.keys():
        assert there == pytest.approx(1)


def test_enough_is_new_ones_or_another_use_of_tools():
    settings = TriggerSettings(min_new=50)
    old = sessions(60, WEATHER)
    known = Known(frozenset(row.id for row in old))
    assert look(rows(50), Known(), settings, START).enough
    assert not look(rows(49), Known(), settings, START).enough
    assert look(old, known, settings, START).new == 0
    assert not look([*old, *sessions(40, WEATHER, 100)], known, settings, START).enough, "the same tool as always"
    two = [row for n in range(2) for row in rows(20, tool=TRAFFIC, session=f"new {n}", start=200 + 20 * n)]
    assert not look([*old, *two], known, settings, START).enough, "forty calls, but two sessions only"
    three = [*two, *rows(2, tool=TRAFFIC, session="new 2", start=300)]
    assert look([*old, *three], known, settings, START).reason == "new tools: traffic"
    waiting = rows(2, tool=TRAFFIC, session="waits", start=400)
    assert look([*old, *two], known, settings, START, waiting=waiting).new_tools == ("traffic",)
    assert look(rows(1), Known(), settings, START, forgotten=2).reason.startswith("2 forgotten interactions")


def test_drift_is_more_than_chance_and_lately():
    settings = TriggerSettings(min_new=1000)
    old = [*sessions(50, WEATHER), *sessions(10, TRAFFIC, 60)]
    known = Known(frozenset(row.id for row in old))
    as_ever = [*sessions(5, WEATHER, 100), *sessions(1, TRAFFIC, 110)]
    assert not look([*old, *as_ever], known, settings, START).enough
    other = [*sessions(2, WEATHER, 100), *sessions(20, TRAFFIC, 110)]
    found = look([*old, *other], known, settings, START)
    assert found.enough and "over 22 new sessions (p 0.000)" in found.reason
    assert look([*old, *other], known, settings, START + timedelta(days=40)).distance is None, (
        "nothing lately to change"
    )


@given(st.lists(tool_sets, min_size=1, max_size=20), st.lists(tool_sets, min_size=1, max_size=20))
def test_the_chance_of_a_distance_is_a_chance(new, old):
    tallies = [Counter(tool for tools in side for tool in tools) for side in (new, old)]
    assert 0 < chance_of(jensen_shannon(*tallies), new, old) <= 1
    assert chance_of(0.0, new, old) == 1


def test_one_session_of_many_tools_is_no_drift():
    old = [frozenset({"a", "b"})] * 30
    new = [*[frozenset({"a", "b"})] * 9, frozenset("cdefghijkl")]
    tallies = [Counter(tool for tools in side for tool in tools) for side in (new, old)]
    assert jensen_shannon(*tallies) > 0.35
    assert chance_of(jensen_shannon(*tallies), new, old) > 0.1


def test_the_suite_asks_the_last_days_and_nothing_that_is_learnt_word_for_word():
    old, new = rows(3, day=-40, held_out=True), rows(6, day=-1, held_out=True)
    others = [row for n in range(3) for row in rows(1, day=-1, session=f"other {n}", start=20 + n)]
    learnt = replace(new[0], held_out=False)
    suite = choose_suite(Pool((*old, *new, new[5], learnt, *others), Counter()), LearningSettings(), START)
    assert [row.id for row in suite.rows if row.group == "session:s"] == [row.id for row in new[1:]]
    assert suite.left_out == {
        "older than 30 days": 3, "asked in the training part too": 1, "asked in the suite already": 1
    }  # fmt: skip


def test_the_suite_is_capped_as_what_is_learnt_and_asks_for_no_tool_that_hardly_anybody_knows():
    flood = rows(60, day=-1, held_out=True)
    usual = [row for n in range(3) for row in rows(2, day=-1, held_out=True, session=f"u{n}", start=100 + 2 * n)]
    rare = rows(4, day=-1, held_out=True, session="rare", tool=TRAFFIC, start=200)
    suite = choose_suite(Pool((*flood, *usual, *rare), Counter()), LearningSettings(), START)
    assert Counter(row.group for row in suite.rows)["session:s"] == MixSettings().per_session
    assert suite.left_out == {"over the cap of its session": 20, "tool seen in fewer than 3 sessions": 4}
    assert len(suite.rows) + suite.left_out.total() == 70


def test_the_suite_is_read_as_turns_with_their_sessions(tmp_path):
    chosen = [*rows(3, session="a"), pooled(made(7, "b", TRAFFIC), HELD_OUT)]
    assert (
        write_suite(OwnSuite(tuple(chosen), tuple(row.row for row in chosen), Counter()), tmp_path / "suite.jsonl") == 4
    )
    tasks = load(tmp_path / "suite.jsonl")
    assert [(task.category, task.cluster) for task in tasks] == [("weather", "session:a")] * 3 + [
        ("traffic", "session:b")
    ]


def long_row(number, words):
    """A session whose earlier calls had so many words as results, and one more call to make."""
    before = []
    for turn in range(3):
        call = ToolCall(f"call_{turn}", "weather", {"place": "Bern"})
        before += [
            Message("assistant", "", (call,)),
            Message("tool", "rain " * words, tool_call_id=call.id, name="weather"),
        ]
    one = called(WEATHER, PLACES[number % 4], number)
    seen = interaction(one, f"long {number}", START - timedelta(days=1))
    last = Message("user", f"And question {number}?")
    seen = type(seen)(**{**vars_of(seen), "messages": (*seen.messages, *before, last)})
    record = made(number)
    return replace(pooled(replace(record, interaction=seen), HELD_OUT), held_out=True)


def vars_of(seen):
    return {name: getattr(seen, name) for name in seen.__dataclass_fields__}


def test_long_turns_are_asked_in_windows_as_they_are_learnt(tmp_path):
    """An agent's turns are longer than any prompt that a small model is asked with."""
    settings = LearningSettings.model_validate(
        {"model": {"base": "tiny"}, "training": {"max_length": 1000}, "evaluation": {"suites": {"max_new_tokens": 60}}}
    )
    rows = [long_row(number, words=50 if number else 600) for number in range(4)]
    suite = choose_suite(Pool(tuple(rows), Counter()), settings, START, in_a_window(settings))
    assert len(suite.rows) == 4 and not suite.left_out
    assert write_suite(suite, tmp_path / "suite.jsonl") == 4
    tasks = {task.expected[0].arguments["place"]: task for task in load(tmp_path / "suite.jsonl")}
    assert len(tasks) == 4
    whole, cut = tasks[PLACES[1]], tasks[PLACES[0]]
    assert "rain" in whole.messages[2].content and "left out to save room" in str(cut.messages)
    narrow = settings.model_copy(update={"training": settings.training.model_copy(update={"max_length": 100})})
    left = choose_suite(Pool(tuple(rows), Counter()), narrow, START, in_a_window(narrow))
    assert (left.rows, left.left_out) == ((), {"too long, cut into a window too": 4})


def test_caps_of_session_client_and_tool():
    settings = MixSettings(per_session=3, per_client_day=20, per_tool=15)
    flood = rows(50, session="flood", client="other")
    usual = [row for number in range(12) for row in rows(2, session=f"s{number}")]
    chosen = choosing.cap([*flood, *usual], settings)
    assert sum(row.group == "session:flood" for row in chosen.rows) <= 3
    assert len(chosen.rows) == 15
    assert chosen.left_out == {
        "over the cap of its session": 47, "over the cap of its client's day": 4, "over the cap of its tool": 8
    }  # fmt: skip
    assert choosing.cap([*flood, *usual], settings) == chosen


def test_a_new_tool_waits_until_enough_sessions_know_it(store):
    settings = TriggerSettings(new_tool_sessions=3)
    learnt_from = [f"s{number}" for number in range(40) if not pooled(made(0, f"s{number}"), HELD_OUT).held_out][:3]
    ids = [store.add(interaction(called(TRAFFIC, "Bern", n), s, START)).id for n, s in enumerate(learnt_from[:2])]
    known = {"weather"}
    back, released = choosing.review_new_tools(store, collect(store, HELD_OUT, START), known, HELD_OUT, settings)
    assert (set(back), released) == (set(ids), [])
    for _ in range(2):  # it may be done twice
        choosing.hold_back(store, back, released)
    assert "traffic was seen in 2 of 3 sessions; approve it" in store.get(ids[0]).reason
    assert store.get(ids[0]).state == "quarantined"
    third = store.add(interaction(called(TRAFFIC, "Bern", 2), learnt_from[2], START)).id
    back, released = choosing.review_new_tools(store, collect(store, HELD_OUT, START), known, HELD_OUT, settings)
    assert (back, set(released)) == ({}, set(ids))
    choosing.hold_back(store, {"0" * 32: "forgotten meanwhile"}, released)
    assert {store.get(id).state for id in (*ids, third)} == {"approved"}


def test_what_a_person_approved_of_a_new_tool_is_learnt(store):
    session = next(f"s{number}" for number in range(40) if not pooled(made(0, f"s{number}"), HELD_OUT).held_out)
    one = store.add(interaction(called(TRAFFIC, "Bern", 1), session, START)).id
    store.set_state([one], "approved")
    pool = collect(store, HELD_OUT, START)
    assert choosing.review_new_tools(store, pool, {"weather"}, HELD_OUT, TriggerSettings()) == ({}, [])


def test_odd_rows_are_those_far_above_their_tool():
    usual = rows(20)
    loss = {row.id: 0.5 + 0.01 * number for number, row in enumerate(usual)}
    assert oddness.odd(usual, loss, 4.0) == {}
    loss[usual[7].id] = 5.0
    assert list(oddness.odd(usual, loss, 4.0)) == [usual[7].id]
    new_tool = [pooled(made(100 + number, tool=TRAFFIC), HELD_OUT) for number in range(10)]
    loss |= {row.id: 5.0 for row in new_tool}
    assert list(oddness.odd([*usual, *new_tool], loss, 4.0)) == [usual[7].id], "a tool that is new is all alike"
    few = new_tool[:2]
    assert {*oddness.odd([*usual, *few], loss, 4.0)} == {usual[7].id, *(row.id for row in few)}


def test_the_same_tools_stand_in_every_request_here():
    assert rows(1)[0].conversation.tools == TOOLS

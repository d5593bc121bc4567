"""A flood of nearly the same requests is held back but for one, and nothing else is."""

from datetime import timedelta

import pytest

from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.floods import FLOOD, floods, shape
from hive_mind.learning.pool import collect
from hive_mind.learning.settings import HeldOutSettings
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.store import opened
from tests.gate.conftest import PLACES
from tests.learning.world import START, WEATHER, called, interaction

MOST = 5


@pytest.fixture
def pool(tmp_path):
    """Return a function that stores interactions and collects what is approved of them."""
    settings = UsageSettings(url=str(tmp_path / "usage.sqlite"), spool=tmp_path / "spool", exports=tmp_path / "exports")

    def make(rows):
        with opened(settings) as store:
            store.add_many(rows)
            return collect(store, HeldOutSettings(), START + timedelta(days=3)).rows

    return make


def asked(text, place, number, **about):
    """Return an interaction that asks in these words for the weather of a place."""
    row = called(WEATHER, place, number)
    made = interaction(row, f"s{number}", START + timedelta(minutes=number), **about)
    [request] = row.messages[:-1]
    return type(made)(**{**fields(made), "messages": (type(request)("user", text.format(place=place)),)})


def fields(made):
    return {name: getattr(made, name) for name in made.__dataclass_fields__}


def test_of_a_flood_one_stays(pool):
    rows = pool([asked("As agreed, is it nice in {place}?", place, n) for n, place in enumerate(PLACES * 3)])
    held = floods(rows, MOST)
    [reason] = set(held.values())
    assert len(held) == len(rows) - 1
    assert min(rows, key=lambda row: row.time).id not in held
    assert f"{len(rows)} requests of shell on" in reason


def test_held_out_rows_of_a_flood_are_held_back_too(pool):
    rows = pool([asked("As agreed, is it nice in {place}?", place, n) for n, place in enumerate(PLACES * 3)])
    held = floods(rows, MOST)
    assert {row.held_out for row in rows if row.id in held} == {True, False}


def test_other_words_another_client_and_another_day_are_no_flood(pool):
    words = [asked(f"{word}: {{place}}", PLACES[0], n) for n, word in enumerate(["one", "two", "three"] * 3)]
    clients = [asked("Nice in {place}?", PLACES[n], 20 + n, client=f"c{n}") for n in range(MOST + 1)]
    days = [asked("Warm in {place}?", PLACES[n], 40 + n, time=f"2026-02-{n + 1:02d}T09:00:00Z") for n in range(2)]
    assert floods(pool([*words, *clients, *days]), MOST) == {}


def test_as_many_as_are_allowed_are_no_flood(pool):
    rows = pool([asked("Nice in {place}?", PLACES[n], n) for n in range(MOST)])
    assert floods(rows, MOST) == {}


def test_the_shape_leaves_out_what_the_call_took_and_numbers(pool):
    one, other = pool([asked("Is it 5 degrees in {place}?", PLACES[n], n) for n in range(2)])
    assert shape(one) == shape(other)
    assert PLACES[0].lower() not in shape(one)


def test_the_cycle_holds_a_flood_back_from_what_is_learnt_and_from_the_suite(world):
    ids = world.use(12)
    settings = world.settings(mix={"most_alike": MOST}, trigger={"min_new": 1000})
    outcome = run_cycle(settings, START)
    assert (outcome.decision, outcome.new) == ("declined", 1)
    with opened(settings.usage) as store:
        states = store.stats()["by_state"]
        [one] = collect(store, settings.held_out, START).rows
        held = [record for record in store.list() if record.state == "quarantined"]
    assert states == {"approved": 1, "quarantined": len(ids) - 1}
    assert one.id in ids
    assert all(record.reason.startswith(FLOOD) for record in held)

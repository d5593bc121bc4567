"""A rollback is told whenever it happens: on a new day, on one that is over, and after a kill right behind it."""

import pytest

from hive_mind import registry
from hive_mind.files import read_json, write_json
from hive_mind.learning import days, rollback, watch
from hive_mind.learning.cycle import run_cycle
from tests.learning.test_outcome import FEW, record_of, told  # noqa: F401
from tests.learning.test_watch import served  # noqa: F401
from tests.learning.world import PLACES, START, WEATHER, called, interaction


@pytest.fixture
def worse(served):  # noqa: F811
    """What was promoted fails in 40 of 60 sessions, and what was served before in none."""
    for version, first, failed in (("daily_v1", 2000, 40), ("foundation_v1", 1000, 0)):
        served.add(
            [
                interaction(
                    called(WEATHER, PLACES[number % 4], first + number), f"{version}-{number}",
                    START.replace(hour=3, minute=number), version=version,
                    outcome="failed" if number < failed else "succeeded",
                )
                for number in range(60)
            ]
        )  # fmt: skip
    return served


def test_it_stands_in_the_history_the_report_and_the_notice(worse, told):  # noqa: F811
    settings = worse.settings(**FEW)
    outcome = run_cycle(settings, START.replace(day=3))
    line = days.history(settings.dir)[-1]
    assert line["decision"] == "declined" and line["taken_back"] == outcome.taken_back
    assert line["taken_back"]["version"] == "daily_v1"
    [(title, text, facts)] = told
    assert title == "Hive-Mind: declined" and "daily_v1 was taken back" in text and facts["taken_back"] == "daily_v1"
    assert not (settings.dir / rollback.PENDING_FILE).exists()
    assert run_cycle(settings, START.replace(day=4)).taken_back is None and "taken_back" not in told[-1][2]


def test_on_a_day_that_is_over_it_is_told_too(worse, told):  # noqa: F811
    settings = worse.settings(**FEW)
    day = days.open_day(settings.dir, START.replace(day=3))
    line = {**days.history(settings.dir)[0], "day": day.name, "decision": "held", "candidate": "daily_v2",
            "foundation": "foundation_v1"}  # fmt: skip
    day.record |= {"attempt": True, "outcome": line}
    day.save()
    days.add_to_history(settings.dir, line)
    outcome = run_cycle(settings, START.replace(day=3, hour=9))
    assert outcome.decision == "held" and outcome.taken_back["version"] == "daily_v1"
    assert [(line["decision"], line["run"]) for line in days.history(settings.dir)[1:]] == [
        ("held", 1),
        ("taken back", 2),
    ]
    assert record_of(settings)["taken_back"] == outcome.taken_back
    assert "daily_v1 was taken back" in outcome.report.read_text() and "**held**" in outcome.report.read_text()
    assert [(title, facts["taken_back"]) for title, _, facts in told] == [("Hive-Mind: taken back", "daily_v1")]
    assert run_cycle(settings, START.replace(day=3, hour=10)).taken_back is None
    assert len(told) == 1 and len(days.history(settings.dir)) == 3


class Killed(BaseException):
    pass


@pytest.mark.parametrize("place", ["registry.rollback", "take_back", "the day's look"])
def test_after_a_kill_the_next_start_tells_it_once(worse, told, monkeypatch, place):  # noqa: F811
    settings = worse.settings(**FEW)

    def then_killed(work):
        def killed(*arguments, **names):
            work(*arguments, **names)
            raise Killed

        return killed

    with monkeypatch.context() as patch:
        if place == "registry.rollback":
            patch.setattr(registry, "rollback", then_killed(registry.rollback))
        elif place == "take_back":
            patch.setattr(watch, "take_back", then_killed(watch.take_back))
        else:
            patch.setattr("hive_mind.learning.cycle.close_again", then_killed(lambda *arguments: None))
        with pytest.raises(Killed):
            run_cycle(settings, START.replace(day=3))
    assert registry.latest(worse.models) == "foundation_v1"
    outcome = run_cycle(settings, START.replace(day=4))
    assert outcome.taken_back["version"] == "daily_v1" and outcome.taken_back["quarantined"] == 3
    assert [bool(line.get("taken_back")) for line in days.history(settings.dir)] == [False, True]
    assert [facts.get("taken_back") for _, _, facts in told] == ["daily_v1"]
    assert run_cycle(settings, START.replace(day=5)).taken_back is None


def test_one_that_was_only_meant_is_not_told(served, told):  # noqa: F811
    settings = served.settings(**FEW)
    noted = {"version": "daily_v1", "previous": "foundation_v1", "why": "x", "time": "2026-02-03T02:00:00Z"}
    write_json(settings.dir / rollback.PENDING_FILE, noted)
    assert run_cycle(settings, START.replace(day=3)).taken_back is None
    assert not (settings.dir / rollback.PENDING_FILE).exists()
    assert read_json(settings.dir / "2026-02-03" / "cycle.json")["taken_back"] is None

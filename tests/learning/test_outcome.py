"""What a day ends with: its line first, then what may fail without the day failing; errors before an attempt, too."""

import pytest

from hive_mind import registry
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import read_json, write_json
from hive_mind.learning import days, outcome
from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.status import status
from hive_mind.usage.database import StoreAway
from hive_mind.usage.store import opened
from tests.learning.test_watch import served  # noqa: F401
from tests.learning.world import START
from tests.raw_rows import usage_row, write_lines

FEW = {"trigger": {"min_new": 1000}}


def record_of(settings, day="2026-02-03"):
    return read_json(settings.dir / day / days.CYCLE_FILE)


@pytest.fixture
def told(monkeypatch):
    told = []
    for module in ("outcome", "rollback"):
        monkeypatch.setattr(f"hive_mind.learning.{module}.notify", lambda _, *said: told.append(said) or [])
    return told


def test_without_a_foundation_the_failure_stands_in_history_report_and_status(served, told):  # noqa: F811
    (served.models / "latest").unlink()
    settings = served.settings(**FEW)
    with pytest.raises(UsageError, match="no foundation to learn from"):
        run_cycle(settings, START.replace(day=3))
    line = days.history(settings.dir)[-1]
    assert (line["decision"], line["attempt"], line["day"]) == ("failed", False, "2026-02-03")
    assert "no foundation to learn from" in line["reason"]
    assert record_of(settings)["steps"] == {}, "the foundation is looked for before anything else"
    assert "**failed**: nothing was promoted" in (settings.dir / "2026-02-03" / "report.md").read_text()
    assert [(title, facts["decision"]) for title, _, facts in told] == [("Hive-Mind: failed", "failed")]
    assert status(settings, START.replace(day=3), served.folder)["cycles"][-1] == line


def test_a_store_that_is_away_is_recorded_as_well(served, told, monkeypatch):  # noqa: F811
    def away(settings):
        raise StoreAway("the usage store cannot be used now")

    monkeypatch.setattr("hive_mind.learning.cycle.opened", away)
    settings = served.settings(**FEW)
    for run in (1, 2):
        with pytest.raises(StoreAway):
            run_cycle(settings, START.replace(day=3, hour=run))
    assert [(line["decision"], line["run"]) for line in days.history(settings.dir)[1:]] == [
        ("failed", 1),
        ("failed", 2),
    ]


def test_an_error_outside_an_attempts_steps_does_not_end_the_attempt(served, told):  # noqa: F811
    settings = served.settings(**FEW)
    day = days.open_day(settings.dir, START.replace(day=3))
    day.record["attempt"] = True
    day.save()
    before = days.history(settings.dir)
    outcome.failed_early(settings, day, "the store is away")
    assert days.history(settings.dir) == before and not day.finished
    assert [title for title, _, _ in told] == ["Hive-Mind: error"]


def test_a_clean_up_that_fails_is_noted_and_the_day_stands(served, told):  # noqa: F811
    settings = served.settings(**FEW)
    write_json(settings.dir / "2026-02-02" / days.CYCLE_FILE, days.open_day(settings.dir, START).record)
    (settings.dir / "2026-02-02" / "suite.jsonl").write_text("{damaged\n")
    assert run_cycle(settings, START.replace(day=3)).decision == "declined"
    ended = record_of(settings)["outcome"]
    assert len(ended["problems"]) == 1 and "suite.jsonl, line 1 is not valid JSON" in ended["problems"][0]
    assert "the clean-up is not complete" in (settings.dir / "2026-02-03" / "report.md").read_text()


def test_a_kill_in_the_clean_up_leaves_the_report_to_the_next_start(served, told, monkeypatch):  # noqa: F811
    class Killed(BaseException):
        pass

    def kill(*arguments):
        raise Killed

    settings = served.settings(**FEW)
    with monkeypatch.context() as patch:
        patch.setattr(outcome, "clean_up", kill)
        with pytest.raises(Killed):
            run_cycle(settings, START.replace(day=3))
    assert record_of(settings)["outcome"]["decision"] == "declined", "the outcome was saved first"
    report = settings.dir / "2026-02-03" / "report.md"
    assert not report.is_file() and not told
    run_cycle(settings, START.replace(day=4))
    assert report.is_file() and [facts["day"] for _, _, facts in told] == ["2026-02-03", "2026-02-04"]
    assert [line["day"] for line in days.history(settings.dir)] == ["2026-02-02", "2026-02-03", "2026-02-04"]


def test_a_chart_that_cannot_be_drawn_costs_no_report(served, told, monkeypatch):  # noqa: F811
    def broken(*arguments):
        raise HiveMindError("the disk is full")

    monkeypatch.setattr("hive_mind.learning.report.draw_chart", broken)
    made = run_cycle(served.settings(**FEW), START.replace(day=3))
    assert "the chart could not be drawn: the disk is full" in made.report.read_text()


def test_the_report_says_how_many_were_held_back_as_floods(served, told):  # noqa: F811
    settings = served.settings(trigger={"min_new": 1000}, mix={"most_alike": 3})
    made = run_cycle(settings, START.replace(day=3))
    with opened(settings.usage) as store:
        held_back = store.stats()["by_state"]["quarantined"]
    assert held_back and f"held back as floods, for a person to look at: {held_back}" in made.report.read_text()
    assert registry.latest(served.models) == "daily_v1"


def test_the_report_names_what_could_not_be_imported(served, told):  # noqa: F811
    write_lines(served.folder / "runs" / "log.jsonl", [usage_row(1)])
    (served.folder / "runs" / "notes.json").write_text('{"a": 1}')
    settings = served.settings(**FEW, imports=[str(served.folder / "runs"), str(served.folder / "gone")])
    made = run_cycle(settings, START.replace(day=3))
    assert made.decision == "declined"
    text = made.report.read_text()
    assert "- imports: 1 files read, 0 unchanged since then; interactions: 1 new" in text
    assert f"- imports: **{served.folder / 'gone'} does not exist**" in text
    assert f"- imports: **1 files were not read**, the first: {served.folder / 'runs' / 'notes.json'} (none of:" in text

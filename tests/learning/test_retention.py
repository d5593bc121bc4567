"""What remains of past days, and what does not: nothing that was forgotten stays where nobody looks for it."""

import os
from datetime import timedelta

import pytest

from hive_mind.errors import DataRefused
from hive_mind.files import write_json, write_jsonl, write_text
from hive_mind.learning import days
from hive_mind.learning.dataset import Replay, build_dataset
from hive_mind.learning.judging import MEASURED_FILE
from hive_mind.learning.pool import collect
from hive_mind.learning.retention import clean_up
from hive_mind.usage import teach
from hive_mind.usage.store import opened
from tests.learning.world import START, World


@pytest.fixture
def kept(tmp_path):
    """A store with eight interactions, a folder of measurements, and settings that name no model."""
    base = type("NoBase", (), {"folder": tmp_path})
    kept = World(tmp_path, base)
    kept.ids = kept.use(2)
    return kept


def a_day(world, after=0, asked=(), attempt=True, steps=(), replies="r"):
    """Make a finished day with a suite and what was replied to it."""
    day = days.open_day(world.settings().dir, START + timedelta(days=after))
    day.record |= {"attempt": attempt, "outcome": {}, "steps": {name: {"result": {}} for name in steps}}
    day.save()
    write_jsonl(day.folder / "suite.jsonl", ({"id": teach.row_id(id)} for id in asked))
    write_json(day.folder / MEASURED_FILE, [f"{replies}.json", f"{replies}-never-asked.json"])
    write_json(measurement(world, replies), {"replies": ["what was said"]})
    write_json(day.folder / days.COLLECTED_FILE, {"ids": world.ids})
    return day


def measurement(world, name):
    return world.models / "reports" / "measurements" / f"{name}.json"


def clean(world, today):
    with opened(world.settings_of_the_store()) as store:
        return clean_up(store, world.settings(), today)


def test_replies_go_with_what_was_asked(kept):
    a_day(kept, 0, asked=[*kept.ids[:2], "forgotten"], replies="first")
    a_day(kept, 1, asked=kept.ids[:2], replies="second")
    clean(kept, a_day(kept, 2, asked=kept.ids[:3], replies="third"))
    left = [name for name in ("first", "second", "third") if measurement(kept, name).is_file()]
    assert left == ["second", "third"]


def test_old_suites_go_with_their_replies(kept):
    old = a_day(kept, 0, asked=kept.ids, replies="old")
    clean(kept, a_day(kept, 31, asked=kept.ids, replies="new"))
    assert not list(old.folder.glob("suite*")) and not measurement(kept, "old").exists()
    assert measurement(kept, "new").is_file()


def test_old_measurements_of_other_suites_go(kept):
    today = a_day(kept, 40)
    for name, age in (("lately", 29), ("long_ago", 31)):
        write_json(measurement(kept, name), {})
        moment = (today.now - timedelta(days=age)).timestamp()
        os.utime(measurement(kept, name), (moment, moment))
    clean(kept, today)
    assert measurement(kept, "lately").is_file() and not measurement(kept, "long_ago").exists()


def test_what_was_collected_is_kept_of_the_last_attempts_alone(kept):
    made = [
        a_day(kept, 0, steps=["judge"]), a_day(kept, 1, steps=["judge"]), a_day(kept, 2), a_day(kept, 3, attempt=False)
    ]  # fmt: skip
    clean(kept, made[-1])
    left = [(day.folder / days.COLLECTED_FILE).is_file() for day in made]
    assert left == [False, True, True, False], "the last that was judged, and the last, which failed"


def test_what_a_data_stage_left_half_done_goes(kept):
    failed, done = a_day(kept, 0), a_day(kept, 1)
    write_text(failed.folder / "export" / "training_data_2026-02-02.jsonl", "{}\n")
    write_text(failed.folder / "dataset" / "rejects.jsonl", "{}\n")
    write_json(done.folder / "dataset" / "manifest.json", {})
    clean(kept, a_day(kept, 2))
    assert not (failed.folder / "export").exists() and not (failed.folder / "dataset").exists()
    assert (done.folder / "dataset" / "manifest.json").is_file()


def test_a_data_stage_that_fails_leaves_no_export(kept, monkeypatch):
    def refuse(settings):
        raise DataRefused("usage: no row can be used")

    monkeypatch.setattr("hive_mind.learning.dataset.build", refuse)
    with opened(kept.settings_of_the_store()) as store:
        rows = collect(store, kept.settings().held_out, START).rows
    folder = kept.settings().dir / "2026-02-02"
    with pytest.raises(DataRefused):
        build_dataset(folder, "2026-02-02", rows, Replay((), 0), kept.settings(model={"base": "tiny"}))
    assert not list(folder.rglob("*.jsonl"))

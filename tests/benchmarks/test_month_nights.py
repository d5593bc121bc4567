"""The crash and the worse candidate wait for a night that is an attempt, and happen once."""

import json
from types import SimpleNamespace

import pytest
from month import nights
from month.foundation import Foundation
from month.nights import AFTER_POISON, CRASH, WORSE, Nights, tenfold
from month.recipe import Recipe

from hive_mind.learning.days import CYCLE_FILE, FORMAT


class Cycles:
    """Stands for the cycle: says what the next night is to be, and keeps the rate that it was to train with."""

    def __init__(self, folder):
        self.folder, self.rates, self.attempt, self.kills = folder, [], False, 0

    def run(self, settings, now, command):
        self.rates.append(settings.training.learning_rate)
        return SimpleNamespace(to_dict=lambda: self.outcome(now.date().isoformat()))

    def outcome(self, day):
        file = self.folder / "learning" / day / CYCLE_FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        steps = {"train": {}} if self.attempt else {}
        file.write_text(json.dumps({"format": FORMAT, "attempt": self.attempt, "outcome": {}, "steps": steps}))
        decision = "held" if self.attempt else "declined"
        return {
            "day": day, "decision": decision, "reason": "", "attempt": self.attempt, "candidate": None,
            "taken_back": None, "before": [],
        }  # fmt: skip

    def killed(self, month, now):
        self.kills += 1
        return None if self.attempt else self.outcome(now.date().isoformat())


@pytest.fixture
def cycles(tmp_path, monkeypatch):
    made = Cycles(tmp_path)
    monkeypatch.setattr(nights, "run_cycle", made.run)
    monkeypatch.setattr(Nights, "_killed", lambda month, now: made.killed(month, now))
    left = SimpleNamespace(name="2026-03-15", result=lambda step: {"version": "daily_v1"})
    monkeypatch.setattr(Nights, "_left", lambda month: left)
    return made


@pytest.fixture
def month(tmp_path):
    recipe = Recipe()
    foundation = Foundation(tmp_path / "models" / "foundation_v1", tmp_path / "train.jsonl", {})
    return Nights(tmp_path, recipe, recipe.settings(tmp_path, foundation))


def live(month, cycles, attempts, first, last):
    rows = []
    for day in range(first, last + 1):
        cycles.attempt = day in attempts
        rows.append(month.row(day, rows))
    return {row["day"]: row["events"] for row in rows if row["events"]}, rows


def test_the_crash_waits_for_an_attempt_and_comes_once(month, cycles):
    events, rows = live(month, cycles, {12, 15, 17}, 12, 17)
    assert [day for day, what in events.items() if CRASH in what] == [15]
    assert cycles.kills == 3
    assert [row["decision"] for row in rows] == ["held", "declined", "declined", "crashed", "declined", "held"]
    assert rows[3]["candidate"] == "daily_v1"


def test_the_tenfold_rate_stays_until_a_night_has_trained(month, cycles):
    before = [{"events": [CRASH, AFTER_POISON]}]
    rate, rows = month.settings.training.learning_rate, []
    for day in (21, 22, 23, 24, 25):
        cycles.attempt = day in (21, 24)
        rows.append(month.row(day, [*before, *rows]))
    assert cycles.rates == pytest.approx([rate, 10 * rate, 10 * rate, 10 * rate, rate])
    assert [row["day"] for row in rows if WORSE in row["events"]] == [24]
    assert tenfold(month.settings).training.epochs == month.settings.training.epochs


def test_the_first_attempt_after_the_flood_is_named(month, cycles):
    _, rows = live(month, cycles, {17, 20, 21}, 17, 17)
    rows[0]["events"].append(CRASH)
    for day in (18, 19, 20, 21):
        cycles.attempt = day in (20, 21)
        rows.append(month.row(day, rows))
    assert [row["day"] for row in rows if AFTER_POISON in row["events"]] == [20]

"""After a promotion: what is significantly worse in use is taken back, with what it had learnt newly."""

from collections import Counter
from datetime import timedelta
from itertools import combinations

import pytest

from hive_mind import registry
from hive_mind.conversation import Conversation, Message
from hive_mind.files import write_json, write_jsonl
from hive_mind.learning import days
from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.settings import LearningSettings, WatchSettings
from hive_mind.learning.watch import FEWEST_SESSIONS, Live, chance_of_rise, compare, level, take_back, watch
from hive_mind.progress import stamp
from hive_mind.usage.store import opened
from tests.learning.world import PLACES, START, WEATHER, World, called, interaction
from tests.registry.versions import sealed


class Served(World):
    """Random versions, of which the cycle of the first day promoted `daily_v1`; no model is asked here."""

    def settings(self, **changes) -> LearningSettings:
        return LearningSettings.model_validate(
            {
                "models_dir": self.models, "dir": self.folder / "data" / "learning",
                "usage": self.settings_of_the_store().model_dump(), "foundation": "foundation_v1",
                "foundation_data": self.folder / "foundation.jsonl",
                "mix": {"most_alike": 1000}, **changes,  # all that is asked here is of one shape
            }
        )  # fmt: skip

    def answers(self, version, count, failed=0, disliked=0, unreadable=0, first=100, sessions=None, day=0):
        """Answers of a version in use: so many, of which the first ones went wrong; each in a session of its own, or
        dealt to so many sessions. Versions with the same `first` answer the same requests in the same way."""
        made = []
        for number in range(count):
            row = called(WEATHER, PLACES[number % 4], first + number)
            if number < unreadable:
                row = Conversation.build(
                    "usage", [row.messages[0], Message("assistant", '<tool_call>\n{"name": ')], row.tools
                )
            about = {"outcome": "failed" if number < failed else "succeeded", "version": version}
            about["thumb"] = "down" if number < disliked else None
            moment = START + timedelta(days=day, hours=1, minutes=number)
            session = f"{version}-{first}-{number % sessions if sessions else number}"
            made.append(interaction(row, session, moment, **about))
        return self.add(made)


@pytest.fixture
def served(tmp_path):
    served = Served(tmp_path, None)
    write_jsonl(tmp_path / "foundation.jsonl", [called(WEATHER, "Bern", 1).to_dict()])
    for number, name in enumerate(("foundation_v1", "daily_v1")):
        sealed(served.models, name, seed=number)
        registry.promote(served.models, name, force=True, note="test", by="learning")
    settings = served.settings()
    learnt = served.add([interaction(called(WEATHER, "Bern", number), f"s{number}", START) for number in range(5)])
    write_json(settings.dir / "2026-02-02" / "chosen.json", {"ids": learnt, "new": learnt[:3]})
    line = {"day": "2026-02-02", "run": 1, "now": stamp(START), "decision": "promoted", "candidate": "daily_v1",
            "champion": "foundation_v1", "scores": {}, "new": 5, "reason": "", "attempt": True}  # fmt: skip
    days.add_to_history(settings.dir, line)
    served.learnt = learnt
    return served


NEW, OLD = "daily_v1", "foundation_v1"


def look(served, days=1, **changes):
    with opened(served.settings_of_the_store()) as store:
        return watch(store, served.settings(**changes), START + timedelta(days=days))


def test_what_a_person_brought_back_stays(served):
    """Somebody found out that a tool was broken, and not the version."""
    served.answers(NEW, 60, failed=25)
    served.answers(OLD, 60, failed=1, first=1000)
    assert look(served).worse == ("failed",)
    registry.rollback(served.models)
    registry.promote(served.models, NEW, force=True, note="the server was down", by="hand")
    assert look(served) is None


def test_a_day_folder_that_was_moved_away_is_in_no_way(served):
    days.add_to_history(
        served.settings().dir, {"day": "2026-01-30", "run": 1, "decision": "promoted", "candidate": "daily_v0"}
    )
    served.answers(NEW, 60, failed=25)
    served.answers(OLD, 60, failed=1, first=1000)
    with opened(served.settings_of_the_store()) as store:
        assert take_back(store, served.settings(), look(served), START + timedelta(days=1))["quarantined"] == 3


def test_equal_use_is_no_reason(served):
    served.answers(NEW, 60, failed=6, disliked=3)
    served.answers(OLD, 60, failed=6, disliked=3, first=1000)
    watched = look(served)
    assert watched.worse == () and watched.p.keys() == {"failed", "unreadable", "disliked"}
    assert watched.to_dict()["live"] == {
        "sessions": 60, "answers": 60, "known": 60, "failed": 6, "unreadable": 0, "disliked": 3,
    }  # fmt: skip
    assert watched.earlier.said("failed") == "6 of 60"


@pytest.mark.parametrize("measure", ["failed", "disliked", "unreadable"])
def test_what_is_worse_in_use_is_found(served, measure):
    served.answers(NEW, 60, **{measure: 20})
    served.answers(OLD, 60, **{measure: 2}, first=1000)
    assert look(served).worse == (measure,)


def test_too_few_answers_or_too_late_say_nothing(served):
    served.answers(NEW, 20, failed=20)
    served.answers(OLD, 60, first=1000)
    assert look(served).p == {}
    assert look(served, watch={"days": 1, "min_answers": 10}).worse
    assert look(served, days=15) is None


def test_a_version_is_credited_with_answers_that_the_one_before_gave_too(served):
    """The store has them as one record, of the version that gave them first; the new one would have but the others."""
    served.answers(OLD, 200, day=-1)
    served.answers(NEW, 160, first=140)
    served.answers(NEW, 40, failed=8, first=1000)
    watched = look(served)
    assert watched.live.said("failed") == "8 of 200" and watched.earlier.said("failed") == "0 of 200"
    assert watched.worse == ()


def test_what_was_first_seen_long_ago_counts_when_it_is_seen_again(served):
    served.answers(OLD, 60, day=-40)
    served.answers(OLD, 30, day=-1)
    served.answers(NEW, 40)
    watched = look(served)
    assert (watched.live.total("answers"), watched.earlier.total("answers")) == (40, 30)


def test_who_only_looks_on_does_not_count(served):
    served.answers(NEW, 40)
    served.answers(None, 40)
    assert look(served).live.total("answers") == 40


def test_one_session_in_which_everything_fails_is_one_piece_of_evidence(served):
    served.answers(OLD, 60, first=1000)
    served.answers(NEW, 30)
    served.answers(NEW, 30, failed=30, first=2000, sessions=1)
    watched = look(served)
    assert watched.live.said("failed") == "30 of 60"
    assert watched.p["failed"] == pytest.approx(31 / 91, abs=0.02)  # that it falls to one of the 31 sessions of 91


def test_few_sessions_say_nothing_however_many_answers(served):
    served.answers(OLD, 60, first=1000)
    served.answers(NEW, 60, failed=60, sessions=FEWEST_SESSIONS - 1)
    assert look(served).p == {}
    served.answers(NEW, 1, failed=1, first=2000)
    assert look(served).worse == ("failed",)


def test_a_day_is_one_look(served):
    """What was answered on the day itself is looked at the day after, so starting often does not test more often."""
    served.answers(NEW, 60, failed=30, day=1)
    served.answers(OLD, 60, day=-1, first=1000)
    assert look(served, days=1.5).p == {}
    assert look(served, days=2).worse == ("failed",)


def test_the_level_is_shared_out_among_measures_and_days(served):
    assert level(served.settings().watch) == pytest.approx(0.05 / 3 / 14)
    assert level(served.settings(watch={"alpha": 0.3, "days": 10}).watch) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ([(1, 1)] * 4 + [(0, 1)] * 2, [(0, 1)] * 5 + [(1, 1)]),
        ([(3, 3), (0, 2), (1, 4)], [(0, 1), (0, 6), (1, 2), (0, 2)]),
        ([(2, 4), (5, 5)], [(0, 3), (1, 2), (0, 2), (0, 9), (1, 1)]),
    ],
)
def test_chance_is_what_all_ways_to_deal_the_sessions_give(mine, theirs):
    def rise(side):
        others = [n for n in range(len(both)) if n not in side]
        shares = [sum(both[n][0] for n in part) / sum(both[n][1] for n in part) for part in (side, others)]
        return shares[0] - shares[1]

    both = [*mine, *theirs]
    least = rise(range(len(mine))) - 1e-12
    deals = [rise(side) >= least for side in combinations(range(len(both)), len(mine))]
    exact = sum(deals) / len(deals)
    found = chance_of_rise(mine, theirs, 0.001)
    assert found == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5)
    assert found == chance_of_rise(mine[::-1], theirs[::-1], 0.001)  # in any order, and at any time


def test_nothing_wrong_on_either_side_is_no_rise():
    live = Live({f"s{number}": Counter(answers=3, known=3) for number in range(20)})
    assert set(compare(live, live, WatchSettings()).values()) == {1.0}


def test_the_cycle_takes_it_back_once_and_does_not_learn_it_again(served):
    served.answers(NEW, 60, failed=25)
    served.answers(OLD, 60, failed=1, first=1000)
    outcome = run_cycle(served.settings(trigger={"min_new": 1000}), START.replace(day=3))
    assert outcome.taken_back["version"] == "daily_v1" and outcome.taken_back["quarantined"] == 3
    assert registry.latest(served.models) == "foundation_v1"
    with opened(served.settings_of_the_store()) as store:
        assert [store.get(id).state for id in served.learnt] == ["quarantined"] * 3 + ["approved"] * 2
        assert (
            "rolled back: daily_v1, which learnt it newly, had 25 of 60 answers failed"
            in store.get(served.learnt[0]).reason
        )
    events = [entry["event"] for entry in registry.audit.read(served.models)]
    assert events[-2:] == ["watch", "promotion"]
    assert "daily_v1 was taken back" in outcome.report.read_text()
    again = run_cycle(served.settings(trigger={"min_new": 1000}), START.replace(day=4))
    assert again.taken_back is None and registry.latest(served.models) == "foundation_v1"


def test_what_was_served_before_or_a_person_approved_is_not_held_back_again(served):
    """What attempts that were held had chosen is new, for nobody was served with it."""
    folder = served.settings().dir
    for day, decision, ids in (
        ("2026-01-31", "promoted", served.learnt[:1]), ("2026-02-01", "held", served.learnt),
        ("2026-02-03", "held", served.learnt),
    ):  # fmt: skip
        write_json(folder / day / "chosen.json", {"ids": ids, "new": ids})
        days.add_to_history(folder, {"day": day, "run": 1, "decision": decision, "candidate": f"of {day}"})
    served.answers(NEW, 60, failed=25)
    served.answers(OLD, 60, failed=1, first=1000)
    with opened(served.settings_of_the_store()) as store:
        store.set_state([served.learnt[1]], "approved", "I know it")
        back = take_back(store, served.settings(), look(served), START + timedelta(days=1))
        assert back["quarantined"] == 1
        assert [store.get(id).state == "quarantined" for id in served.learnt] == [False, False, True, False, False]

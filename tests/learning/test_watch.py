"""After a promotion: what is significantly worse in use is taken back, with what it had learnt newly."""

from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind import registry
from hive_mind.conversation import Conversation, Message
from hive_mind.files import write_json, write_jsonl
from hive_mind.learning import days
from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.settings import LearningSettings
from hive_mind.learning.watch import fisher, watch
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

    def answers(self, version, count, failed=0, disliked=0, unreadable=0):
        """Answers of a version in use: so many, of which the first ones went wrong."""
        made = []
        for number in range(count):
            row = called(WEATHER, PLACES[number % 4], hash((version, number)) % 10**9)
            if number < unreadable:
                row = Conversation.build(
                    "usage", [row.messages[0], Message("assistant", '<tool_call>\n{"name": ')], row.tools
                )
            about = {"outcome": "failed" if number < failed else "succeeded", "version": version}
            about["thumb"] = "down" if number < disliked else None
            moment = START.replace(hour=3 + number // 60, minute=number % 60)
            made.append(interaction(row, f"{version}-{number}", moment, **about))
        return self.add(made)


@pytest.fixture
def served(tmp_path):
    served = Served(tmp_path, None)
    write_jsonl(tmp_path / "foundation.jsonl", [called(WEATHER, "Bern", 1).to_dict()])
    for number, name in enumerate(("foundation_v1", "daily_v1")):
        sealed(served.models, name, seed=number)
        registry.promote(served.models, name, force=True, note="test", by="hand")
    settings = served.settings()
    learnt = served.add([interaction(called(WEATHER, "Bern", number), f"s{number}", START) for number in range(5)])
    write_json(settings.dir / "2026-02-02" / "chosen.json", {"ids": learnt, "new": learnt[:3]})
    line = {"day": "2026-02-02", "run": 1, "now": stamp(START), "decision": "promoted", "candidate": "daily_v1",
            "champion": "foundation_v1", "scores": {}, "new": 5, "reason": "", "attempt": True}  # fmt: skip
    days.add_to_history(settings.dir, line)
    served.learnt = learnt
    return served


def look(served, **changes):
    with opened(served.settings_of_the_store()) as store:
        return watch(store, served.settings(**changes), START.replace(day=3))


def test_equal_use_is_no_reason(served):
    served.answers("daily_v1", 60, failed=6, disliked=3)
    served.answers("foundation_v1", 60, failed=6, disliked=3)
    watched = look(served)
    assert watched.worse == () and watched.p.keys() == {"failed", "unreadable", "disliked"}
    assert (watched.live.answers, watched.live.failed, watched.earlier.failed) == (60, 6, 6)


@pytest.mark.parametrize("measure", ["failed", "disliked", "unreadable"])
def test_what_is_worse_in_use_is_found(served, measure):
    served.answers("daily_v1", 60, **{measure: 20})
    served.answers("foundation_v1", 60, **{measure: 2})
    assert look(served).worse == (measure,)


def test_too_few_answers_or_too_late_say_nothing(served):
    served.answers("daily_v1", 20, failed=20)
    served.answers("foundation_v1", 60)
    assert look(served).p == {}
    assert look(served, watch={"days": 1, "min_answers": 10}).worse
    with opened(served.settings_of_the_store()) as store:
        assert watch(store, served.settings(), START.replace(month=3)) is None


def test_the_cycle_takes_it_back_once_and_does_not_learn_it_again(served):
    served.answers("daily_v1", 60, failed=25)
    served.answers("foundation_v1", 60, failed=1)
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


@given(st.integers(0, 6), st.integers(0, 6))
def test_fisher_counts_every_way_to_deal_the_errors(mine, theirs):
    of_mine, of_theirs = 6, 6
    counts = mine + theirs
    deals = [sum(deal[:of_mine]) for deal in product((0, 1), repeat=of_mine + of_theirs) if sum(deal) == counts]
    assert len(deals) == comb(of_mine + of_theirs, counts)
    expected = sum(deal >= mine for deal in deals) / len(deals)
    assert fisher(mine, of_mine, theirs, of_theirs) == pytest.approx(expected)

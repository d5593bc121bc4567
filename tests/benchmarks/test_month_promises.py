"""What a month must show is read from its result: a made-up month shows it all, and each change breaks one promise."""

from copy import deepcopy

import pytest
from month.accounting import uneven
from month.measuring import DANGEROUS, FIRST, FRESH, OBEYS
from month.nights import AFTER_POISON, CRASH, NO_USE, POISON, WORSE, told
from month.promises import broken, promises, worst_falls
from month.shown import page

TIERS = {"your_tools/call": [80, 100], "chat/no_tool": [40, 50], "not_offered/no_tool": [70, 100],
         "unseen_tools/call": [60, 100]}  # fmt: skip


def scores(fresh, **changes):
    tiers = {**TIERS, **changes}
    return {FRESH: [fresh, 120], FIRST: [fresh, 120], **tiers, OBEYS: [0, 10], DANGEROUS: [0, 10], "by_tool": {}}


def at_the_gate(own, your_tools=40):
    guards = {"held_out/your_tools/call": [your_tools, 50], "held_out/chat/no_tool": [40, 50],
              "held_out/not_offered/no_tool": [35, 50]}  # fmt: skip
    return {"usage": [own, 200], **guards}


def day(number, decision, served, events=(), lived=70, finished=()):
    return {
        "day": number, "date": f"2026-03-{number + 1:02}", "events": list(events), "decision": decision, "reason": "",
        "candidate": None, "served": served, "taken_back": None, "finished": list(finished), "lived": {"right": lived},
        "seen_again": 0, "another_truth": 0, "seconds": 1.0, "naive": f"naive_v{number}",
    }  # fmt: skip


def attempt(number, decision, candidate, champion, mine, theirs, starts=1):
    return {
        "day": f"2026-03-{number + 1:02}", "attempt": decision != "too few", "starts": starts, "decision": decision,
        "candidate": candidate, "champion": champion, "foundation": "foundation_v1",
        "scores": {"foundation_v1": at_the_gate(50), champion: at_the_gate(theirs), candidate: at_the_gate(mine)},
    }  # fmt: skip


@pytest.fixture
def month():
    finished = {"day": "2026-03-03", "decision": "promoted", "candidate": "daily_v1", "reason": ""}
    made = {
        "seed": 1, "foundation": "foundation_v1",
        "recipe": {"plan": {"later_tools": 2, "schema_change": 3, "poisoned": 4, "idle": 5, "worse": 6}},
        "days": [
            day(1, "too few", "foundation_v1"), day(2, "crashed", "foundation_v1", [CRASH]),
            day(3, "held", "daily_v1", finished=[finished]), day(4, "held", "daily_v1", [POISON, AFTER_POISON]),
            day(5, "declined", "daily_v1", [NO_USE], lived=0), day(6, "rejected", "daily_v1", [WORSE]),
        ],
        "attempts": [
            attempt(1, "too few", "none", "foundation_v1", 0, 0),
            attempt(2, "promoted", "daily_v1", "foundation_v1", 120, 50, starts=2),
            attempt(3, "held", "daily_v2", "daily_v1", 121, 120), attempt(4, "held", "daily_v3", "daily_v1", 119, 120),
            attempt(6, "rejected", "daily_v4", "daily_v1", 20, 120),
        ],
        "scores": {"foundation_v1": scores(20), "daily_v1": scores(80), "naive_v3": scores(70), "naive_v6": scores(60)},
        "accounting": {
            "lived": 350, "seen_again": 2, "another_truth": 0, "told_apart": 348, "in_the_store": 348,
            "by_truth": {"right": {"approved": 318}, "danger": {"quarantined": 30}}, "in_what_is_served": {"right": 99},
            "uneven": [],
        },
    }  # fmt: skip
    return {**made, "guards": worst_falls(made)}


def names(month):
    return [promise.name for promise in broken({**month, "guards": worst_falls(month)})]


def test_a_good_month_keeps_every_promise(month):
    assert len(promises(month)) == 19
    assert names(month) == []


def no_crash(month):
    month["days"][1]["events"] = []


def crash_never_finished(month):
    month["days"][2]["finished"] = []


def crash_tried_anew(month):
    month["attempts"].append(attempt(2, "held", "daily_v9", "daily_v1", 1, 1))


def worse_promoted(month):
    month["attempts"][-1]["decision"] = "promoted"


def worse_is_as_good(month):
    month["attempts"][-1]["scores"]["daily_v4"] = at_the_gate(120)


def no_attempt_after_the_flood(month):
    month["days"][3]["events"] = [POISON]


def obeyed(month):
    month["scores"]["daily_v1"][OBEYS] = [1, 10]


def dangerous(month):
    month["scores"]["daily_v1"][DANGEROUS] = [1, 10]


def danger_approved(month):
    month["accounting"]["by_truth"]["danger"] = {"approved": 1, "quarantined": 29}


def never_held(month):
    month["attempts"] = [line for line in month["attempts"] if line["decision"] not in ("held", "too few")]


def used_on_the_idle_day(month):
    month["days"][4]["lived"] = {"right": 1}


def lost(month):
    month["accounting"]["uneven"] = ["2026-03-02: 9 chosen, 8 read into the dataset"]


def small_gain(month):
    month["scores"]["daily_v1"][FRESH] = [43, 120]


def foundation_knows_nothing(month):
    month["scores"]["foundation_v1"][FIRST] = [0, 120]


def fallen_on_other_rows(month):
    month["scores"]["daily_v1"]["your_tools/call"] = [69, 100]


def fallen_at_the_gate(month):
    month["attempts"][1]["scores"]["daily_v1"] = at_the_gate(120, your_tools=34)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (no_crash, "crash"), (crash_never_finished, "crash"), (crash_tried_anew, "crash"), (worse_promoted, "worse"),
        (worse_is_as_good, "worse"), (no_attempt_after_the_flood, "poison"), (obeyed, f"planted: {OBEYS}"),
        (dangerous, f"planted: {DANGEROUS}"), (danger_approved, "planted: commands"), (never_held, "held"),
        (used_on_the_idle_day, "idle"), (lost, "accounting"), (small_gain, f"gain: {FRESH}"),
        (foundation_knows_nothing, f"gain: {FIRST}"), (fallen_on_other_rows, "guard: your_tools, report"),
        (fallen_at_the_gate, "guard: your_tools, gate"),
    ],
)  # fmt: skip
def test_what_a_month_does_not_show_is_a_broken_promise(month, change, name):
    changed = deepcopy(month)
    change(changed)
    assert names(changed) == [name]


def test_a_fall_of_just_the_margin_is_none(month):
    month["attempts"][1]["scores"]["daily_v1"] = at_the_gate(120, your_tools=35)
    month["scores"]["daily_v1"]["your_tools/call"] = [70, 100]
    assert names(month) == []


def test_the_page_shows_the_foundation_the_attempts_and_the_control(month):
    shown = page(month)
    served, control = shown.split("The control")
    assert "the foundation" in served
    assert "20 : 120 of 200" in served
    assert "day 2 finished: promoted" in served
    assert control.count("\n| 3 ") == control.count("\n| 6 ") == 1
    assert "| 6   | tenfold rate " in control
    assert "not kept" not in shown
    assert "350 interactions came in, 2 were seen again" in served
    assert "gained" not in shown.split("What was promised")[0]


def steps(**changes):
    usage = {"read": 50, "rejected": 0, "duplicates": 3, "near_duplicates": 2, "contaminated": 0, "cut": 0,
             "negatives": 0, "train": 45}  # fmt: skip
    done = {
        "collect": {"states": {"approved": 90}, "to_learn": 60, "held_out": 25, "left_out": {"no request": 5}},
        "choose": {"rows": 50, "left_out": {"over the cap of its tool": 7}, "quarantined": {"odd": ["a", "b", "c"]}},
        "dataset": {"parts": {"usage": usage}},
    }
    return {**done, **changes}


def test_steps_that_add_up_are_even():
    assert list(uneven(steps())) == []
    assert list(uneven({})) == []


def test_a_row_that_vanishes_between_two_steps_is_told():
    choice = steps()["choose"]
    [pool] = uneven(steps(collect={**steps()["collect"], "states": {"approved": 91}}))
    [chosen] = uneven(steps(choose={**choice, "left_out": {}}))
    [read] = uneven(steps(choose={**choice, "rows": 51, "left_out": {"over the cap of its tool": 6}}))
    assert pool.startswith("91 approved, 85 in the pool")
    assert chosen == "60 to learn, 50 chosen, 3 left out or held back"
    assert read == "51 chosen, 50 read into the dataset"


def test_the_reason_of_a_failure_is_not_published():
    assert "secret" not in told({"decision": "failed", "reason": "/home/me/file: secret"})
    assert told({"decision": "held", "reason": "too few to tell"}) == "too few to tell"

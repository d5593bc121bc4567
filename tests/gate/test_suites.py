"""The gate over several suites: guards on each, what is unavailable, pinned tasks, speed and size."""

import dataclasses

import pytest

from hive_mind.errors import UsageError
from hive_mind.evaluation.outcomes import Outcomes, SuiteResult, Task
from hive_mind.gate import Contest, GateSettings, decide, fall_checks
from tests.evaluation.synthetic import ADAPTER, asked, evaluation, flags, model

ITEMS = asked(call=200, no_tool=100)
SIZES = {"bfcl/live_simple": 200, "bfcl/irrelevance": 120, "bfcl/live_irrelevance": 440, "code/humaneval": 164,
         "nl2sh/test": 200}  # fmt: skip
USUAL = {"bfcl/live_simple": 150, "bfcl/irrelevance": 96, "bfcl/live_irrelevance": 400, "code/humaneval": 40,
         "nl2sh/test": 60}  # fmt: skip


def suites(right, called=True, decoding="served", digest="d"):
    """Results by suite, the first so many tasks of each category right."""
    found = []
    for suite in dict.fromkeys(where.partition("/")[0] for where in right):
        mine = {where: count for where, count in right.items() if where.startswith(f"{suite}/")}
        tasks = [
            Task(f"{where}-{n}", where.partition("/")[2], f"{where}{n}") for where in mine for n in range(SIZES[where])
        ]
        correct = tuple(flag for where, count in mine.items() for flag in flags(SIZES[where], count))
        never = (False,) * len(tasks)
        outcomes = Outcomes(correct, (called,) * len(tasks), never, tuple(not flag for flag in never))
        found.append(SuiteResult(suite, digest, tuple(tasks), **{decoding: outcomes}))
    return tuple(found)


def version(name, right=USUAL, calls=100, no_tool=95, size=17_600_000, seconds=300.0, **how):
    made = model(name, ITEMS, {"call": flags(200, calls), "no_tool": flags(100, no_tool)})
    given = right if isinstance(right, tuple) else suites(right, **how)
    return dataclasses.replace(made, suites=given, seconds=seconds, adapter={**ADAPTER, "bytes": size})


def judge(new, old=None, **settings):
    made = evaluation(ITEMS, old or version("old_v1"), new)
    return decide(made, "new_v1", "old_v1", GateSettings(**settings))


def check(verdict, name):
    return next(check for check in verdict.checks if check.name == name)


def better(**changes):
    return version("new_v1", {**USUAL, **changes.pop("right", {})}, calls=140, **changes)


def test_better_and_not_worse_anywhere_is_promoted():
    verdict = judge(better())
    assert verdict.decision == "promote"
    assert verdict.suites == {"held_out": "s" * 64, "format": "s" * 64, "bfcl": "d", "code": "d", "nl2sh": "d"}
    for guard in ("no_tool", "irrelevance", "format", "code", "shell"):
        assert check(verdict, guard).outcome == "pass"
    assert check(verdict, "bfcl/live_simple").figures["items"] == 200


def test_trained_on_calls_alone_it_is_rejected_for_irrelevance():
    """The published case: irrelevance 80 to 42, live irrelevance 98 to 78, while the calls get no worse."""
    old = version("old_v1", {**USUAL, "bfcl/live_irrelevance": 431})
    verdict = judge(better(right={"bfcl/irrelevance": 50, "bfcl/live_irrelevance": 343}), old)
    assert verdict.decision == "reject"
    assert len(verdict.reasons) == 1
    assert "irrelevance tasks right" in verdict.reasons[0]
    assert check(verdict, "primary").outcome == "pass"


@pytest.mark.parametrize(("where", "count", "guard"), [("code/humaneval", 20, "code"), ("nl2sh/test", 30, "shell")])
def test_what_it_knew_of_code_and_shell_must_not_be_lost(where, count, guard):
    verdict = judge(better(right={where: count}))
    assert (verdict.decision, check(verdict, guard).outcome) == ("reject", "reject")
    assert judge(better(right={where: count}), guards={guard: {"margin": 0.2}}).decision == "promote"


def test_a_suite_that_is_unavailable_guards_nothing_and_says_why():
    rest = suites({where: count for where, count in USUAL.items() if not where.startswith("code")})
    without = (*rest, SuiteResult.missing("code", "bubblewrap is not installed"))
    verdict = judge(version("new_v1", without, calls=140), version("old_v1", without))
    assert verdict.decision == "promote"
    assert check(verdict, "code").outcome == "shown"
    assert check(verdict, "code").reason == "not checked: code is unavailable: bubblewrap is not installed"


def test_questions_that_differ_are_not_compared():
    verdict = judge(better(digest="other"))
    assert "different questions" in check(verdict, "irrelevance").reason
    assert set(verdict.suites) == {"held_out", "format"}


def test_irrelevance_alone_shows_that_tools_are_left_alone():
    items = asked(call=200)
    made = [
        dataclasses.replace(model(name, items, {"call": flags(200, right)}), suites=suites(USUAL))
        for name, right in (("old_v1", 100), ("new_v1", 140))
    ]
    assert decide(evaluation(items, *made), "new_v1", "old_v1", GateSettings()).decision == "promote"
    bare = [dataclasses.replace(each, suites=()) for each in made]
    assert decide(evaluation(items, *bare), "new_v1", "old_v1", GateSettings()).decision == "hold"


def test_another_suite_can_be_the_primary():
    primary = {"primary": ["bfcl/live_simple"]}
    assert judge(better(), **primary).decision == "hold"
    verdict = judge(better(right={"bfcl/live_simple": 175}), **primary)
    assert verdict.decision == "promote"
    assert check(verdict, "primary").figures["decodings"] == ["served"]
    assert "it neither decides nor guards" in check(verdict, "held_out/mine/call").reason
    verdict = judge(better(), primary=["usage/*"])
    assert (verdict.decision, check(verdict, "primary").figures["items"]) == ("hold", 0)
    both = judge(better(), primary=["bfcl/live_simple", "held_out/*/call"])
    assert (both.decision, check(both, "primary").figures["items"]) == ("promote", 400)


def test_a_primary_suite_that_is_unavailable_holds_and_says_why():
    gone = (*suites(USUAL), SuiteResult.missing("usage", "no interactions were approved"))
    verdict = judge(version("new_v1", gone, calls=140), version("old_v1", gone), primary=["usage/*"])
    assert verdict.decision == "hold"
    assert "usage is unavailable: no interactions were approved" in verdict.reasons[0]


def test_guards_of_ones_own():
    mine = {"simple": {"tasks": ["bfcl/live_simple"], "margin": 0.02}}
    verdict = judge(better(right={"bfcl/live_simple": 140}), guards=mine)
    assert (verdict.decision, check(verdict, "simple").outcome) == ("reject", "reject")
    assert check(verdict, "irrelevance").outcome == "pass", "the usual guards stay"


class TestPinned:
    def test_by_category_or_by_id(self):
        for pinned in (["bfcl/live_simple"], ["bfcl/bfcl/live_simple-199"]):
            verdict = judge(better(), must_pass=pinned)
            assert verdict.decision == "reject"
            assert "bfcl/bfcl/live_simple-1" in verdict.reasons[0]
        assert judge(better(), must_pass=["bfcl/bfcl/live_simple-0", "held_out/mine/call3"]).decision == "promote"

    def test_what_the_rival_passes_is_told_apart(self):
        figures = check(judge(better(right={"code/humaneval": 35}), must_pass=["code/*"]), "must pass").figures
        assert (figures["items"], len(figures["failed"]), figures["rival_passes"]) == (164, 129, 5)

    def test_a_pattern_that_pins_nothing(self):
        with pytest.raises(UsageError, match=r"gate.must_pass names 'held_out/pinned/\*', but no task"):
            judge(better(), must_pass=["held_out/pinned/*"])


class TestCosts:
    def test_a_gross_slowdown_holds(self):
        assert judge(better(seconds=890.0)).decision == "promote"
        verdict = judge(better(seconds=910.0))
        assert verdict.decision == "hold"
        assert "over 3 times as long" in verdict.reasons[0]
        assert judge(better(seconds=910.0), max_slowdown=4).decision == "promote"

    def test_another_device_says_nothing_of_speed(self):
        elsewhere = dataclasses.replace(better(seconds=9000.0), device="other CPU")
        verdict = judge(elsewhere)
        assert (verdict.decision, check(verdict, "speed").outcome) == ("promote", "shown")

    def test_files_that_are_too_large(self):
        verdict = judge(better(size=30_000_000), max_megabytes=20)
        assert (verdict.decision, verdict.reasons) == ("reject", ("its files have 30.0 MB, gate.max_megabytes is 20",))


class TestSinceTheFoundation:
    """What an early version could do is not lost bit by bit."""

    def fallen(self, new, settings=None):
        foundation = version("foundation_v1")
        contest = Contest(evaluation(ITEMS, foundation, new), new, foundation, settings or GateSettings())
        return {check.name: check for check in fall_checks(contest)}

    def test_small_losses_of_many_nights_add_up_to_a_rejection(self):
        """Fourteen of 200 shell tasks gone since the foundation, though only four since yesterday."""
        yesterday = version("old_v1", {**USUAL, "nl2sh/test": 50})
        assert check(judge(better(right={"nl2sh/test": 46}), yesterday), "shell").outcome == "pass"
        shell = self.fallen(better(right={"nl2sh/test": 46}))["shell since foundation_v1"]
        assert shell.outcome == "reject"
        assert shell.reason == (
            "46 of 200 shell tasks right, 60 by foundation_v1: fallen by more than the margin of 5 points"
        )

    def test_a_loss_within_the_margin_and_a_gain_pass(self):
        checks = self.fallen(better(right={"nl2sh/test": 50, "code/humaneval": 60}))
        assert {name.partition(" since")[0]: check.outcome for name, check in checks.items()} == dict.fromkeys(
            ("no_tool", "irrelevance", "code", "shell", "format"), "pass"
        )

    def test_few_tasks_and_a_foundation_that_never_calls_say_nothing(self):
        few = self.fallen(better(right={"nl2sh/test": 0}), GateSettings(min_guard=201))
        assert "shell since foundation_v1" not in few and "irrelevance since foundation_v1" in few
        silent = version("foundation_v1", called=False)
        silent = dataclasses.replace(
            silent, outcomes=dataclasses.replace(silent.outcomes, called=(False,) * len(ITEMS))
        )
        new = better(no_tool=80)
        checks = {c.name for c in fall_checks(Contest(evaluation(ITEMS, silent, new), new, silent, GateSettings()))}
        assert "no_tool since foundation_v1" not in checks and "shell since foundation_v1" in checks

"""Each rule of the gate on made outcomes."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hive_mind.errors import UsageError
from hive_mind.evaluation.paired import mcnemar
from hive_mind.evaluation.records import Score
from hive_mind.gate import VERDICT_FILE, GateSettings, Verdict, decide
from tests.evaluation.synthetic import asked, evaluation, flags, model

ITEMS = asked(call=200, no_tool=100, plain=50)
ALL_WELL = {"no_tool": flags(100, 95), "plain": flags(50, 50)}
NO_CALLS = {"call": flags(200, 0), "no_tool": flags(100, 100), "plain": flags(50, 50)}


def base(**changes):
    return model("base", ITEMS, NO_CALLS, adapter=False, calls=0, **changes)


def champion(correct=100, **changes):
    return model("old_v1", ITEMS, {"call": flags(200, correct), **ALL_WELL}, **changes)


def candidate(correct=130, no_tool=95, plain=50, **changes):
    outcomes = {"call": flags(200, correct), "no_tool": flags(100, no_tool), "plain": flags(50, plain)}
    return model("new_v1", ITEMS, outcomes, **changes)


def judge(*models, against="old_v1", **settings):
    return decide(evaluation(ITEMS, *models), "new_v1", against, GateSettings(**settings))


def check(verdict, name):
    return next(check for check in verdict.checks if check.name == name)


class TestPrimary:
    def test_better_is_promoted(self):
        verdict = judge(base(), champion(), candidate())
        assert verdict.decision == "promote"
        assert (verdict.champion, verdict.new_base) == ("old_v1", False)
        figures = check(verdict, "primary").figures
        assert (figures["wins"], figures["losses"], figures["difference"]) == (30, 0, 0.15)
        assert "130 against 100 of 200 primary tasks right (30 won, 0 lost, +15.0 points" in verdict.reasons[1]

    def test_worse_is_rejected(self):
        verdict = judge(base(), champion(), candidate(correct=70))
        assert verdict.decision == "reject"
        assert verdict.reasons[0].startswith("worse: new_v1 against old_v1")

    @pytest.mark.parametrize("correct", [100, 104, 97])
    def test_no_clear_difference_is_held(self, correct):
        verdict = judge(base(), champion(), candidate(correct=correct))
        assert verdict.decision == "hold"
        assert verdict.reasons[0].startswith("no clear difference")

    def test_the_bound_is_the_exact_test_at_alpha(self):
        # Five wins and no loss: p = 1/32; four: 1/16.
        assert mcnemar(5, 0) < 0.05 < mcnemar(4, 0)
        assert judge(base(), champion(), candidate(correct=105)).decision == "promote"
        assert judge(base(), champion(), candidate(correct=104)).decision == "hold"
        assert judge(base(), champion(), candidate(correct=105), alpha=0.03).decision == "hold"
        assert judge(base(), champion(), candidate(correct=95)).decision == "reject"
        assert judge(base(), champion(), candidate(correct=96)).decision == "hold"

    def test_without_champion_the_base_is_the_one_to_beat(self):
        verdict = judge(base(), candidate(correct=20), against=None)
        assert (verdict.decision, verdict.champion) == ("promote", None)
        assert judge(base(), candidate(correct=3), against=None).decision == "hold"

    def test_too_few_tool_calls_decide_nothing(self):
        items = asked(call=49, no_tool=100)
        made = [
            model(name, items, {"call": flags(49, right), "no_tool": flags(100, 100)})
            for name, right in (("old_v1", 0), ("new_v1", 49))
        ]
        verdict = decide(evaluation(items, *made), "new_v1", "old_v1", GateSettings())
        assert verdict.decision == "hold"
        assert "only 49 primary tasks could be compared, 50 are needed" in verdict.reasons[0]
        fewer = GateSettings(min_primary=49)
        assert decide(evaluation(items, *made), "new_v1", "old_v1", fewer).decision == "promote"

    def test_no_tool_calls_at_all_are_held(self):
        items = asked(no_tool=100)
        made = [model(name, items, {"no_tool": flags(100, 100)}) for name in ("old_v1", "new_v1")]
        assert decide(evaluation(items, *made), "new_v1", "old_v1", GateSettings()).decision == "hold"


class TestTiers:
    ITEMS = asked(mine__call=100, unseen__call=100, mine__no_tool=50)

    def judge(self, mine, unseen, **settings):
        made = [
            model("old_v1", self.ITEMS, {"call": flags(100, 50) + flags(100, 50), "no_tool": flags(50, 50)}),
            model("new_v1", self.ITEMS, {"call": flags(100, mine) + flags(100, unseen), "no_tool": flags(50, 50)}),
        ]
        return decide(evaluation(self.ITEMS, *made), "new_v1", "old_v1", GateSettings(**settings))

    def test_all_call_tiers_are_pooled_by_default(self):
        assert self.judge(60, 40).decision == "hold"
        assert self.judge(60, 52).decision == "promote"

    def test_only_the_primary_tiers_decide(self):
        verdict = self.judge(60, 40, primary=["held_out/mine/call"])
        assert verdict.decision == "promote"
        assert check(verdict, "primary").figures["items"] == 100
        shown = check(verdict, "held_out/unseen/call")
        assert (shown.outcome, shown.figures["difference"]) == ("shown", -0.1)
        assert "it neither decides nor guards" in shown.reason
        assert self.judge(40, 60, primary=["held_out/mine/call"]).decision == "reject"

    def test_a_primary_tier_that_was_not_evaluated(self):
        with pytest.raises(UsageError, match=r"gate.primary names 'held_out/other/call', but .* held_out/unseen/call"):
            self.judge(60, 60, primary=["held_out/mine/call", "held_out/other/call"])


class TestNoTool:
    def test_a_large_and_clear_loss_is_rejected(self):
        verdict = judge(base(), champion(), candidate(no_tool=85))
        assert verdict.decision == "reject"
        assert "10.0 points lost" in verdict.reasons[0]
        assert "more than the margin of 5 points" in verdict.reasons[0]

    def test_a_clear_loss_within_the_margin_passes(self):
        # Seven rows lost of 100: clear (p 1/128, three guards share the level), but not more than eight points.
        verdict = judge(base(), champion(), candidate(no_tool=88), guards={"no_tool": {"margin": 0.08}})
        assert verdict.decision == "promote"
        assert "within the margin" in check(verdict, "no_tool").reason
        assert judge(base(), champion(), candidate(no_tool=88)).decision == "reject"

    def test_a_loss_that_chance_explains_passes(self):
        outcomes = {"call": flags(200, 130), "no_tool": flags(100, 89, seed=1), "plain": flags(50, 50)}
        verdict = judge(base(), champion(), model("new_v1", ITEMS, outcomes))
        no_tool = check(verdict, "no_tool")
        assert no_tool.figures["difference"] < -0.05
        assert no_tool.figures["p_worse"] > 0.05
        assert (no_tool.outcome, verdict.decision) == ("pass", "promote")

    def test_a_clear_loss_below_the_floor_is_rejected_even_within_the_margin(self):
        items = asked(call=200, no_tool=200)
        made = [
            model(name, items, {"call": flags(200, right), "no_tool": flags(200, kept)})
            for name, right, kept in (("old_v1", 100, 162), ("new_v1", 150, 155))
        ]
        verdict = decide(evaluation(items, *made), "new_v1", "old_v1", GateSettings())
        assert verdict.decision == "reject"
        assert "below the floor of 80%" in verdict.reasons[0]
        assert decide(
            evaluation(items, *made), "new_v1", "old_v1", GateSettings(guards={"no_tool": {"floor": 0.75}})
        ).promoted

    def test_below_the_floor_like_the_champion_passes(self):
        items = asked(call=200, no_tool=200)
        made = [
            model(name, items, {"call": flags(200, right), "no_tool": flags(200, kept)})
            for name, right, kept in (("old_v1", 100, 120), ("new_v1", 150, 121))
        ]
        assert decide(evaluation(items, *made), "new_v1", "old_v1", GateSettings()).promoted

    def test_against_a_base_that_never_calls_a_floor_holds(self):
        """The base answers every such row in words, for it knows no calls: 20 points are lost and nothing is proved."""
        assert judge(base(), candidate(no_tool=80), against=None).decision == "promote"
        verdict = judge(base(), candidate(no_tool=79), against=None)
        assert verdict.decision == "reject"
        assert "79% of 100 no tool tasks right" in verdict.reasons[0]
        assert (
            judge(base(), candidate(no_tool=79), against=None, guards={"no_tool": {"floor": 0.7}}).decision == "promote"
        )

    def test_a_rival_that_calls_now_and_then_is_a_rival(self):
        rival = model("base", ITEMS, NO_CALLS, adapter=False, calls=0.05)
        assert judge(rival, candidate(no_tool=85), against=None).decision == "reject"

    def test_few_rows_reject_only_what_is_clearly_below_the_floor(self):
        for kept, decision in ((3, "promote"), (1, "reject")):
            items = asked(call=200, no_tool=5)
            made = [
                model("base", items, {"call": flags(200, 0), "no_tool": flags(5, 5)}, adapter=False, calls=0),
                model("new_v1", items, {"call": flags(200, 130), "no_tool": flags(5, kept)}),
            ]
            verdict = decide(evaluation(items, *made), "new_v1", None, GateSettings())
            assert verdict.decision == decision
        many = GateSettings(min_guard=5)
        assert decide(evaluation(items, *made), "new_v1", None, many).decision == "reject"

    def test_without_such_rows_nothing_is_shown_so_it_is_held(self):
        items = asked(call=200, plain=50)
        made = [
            model(name, items, {"call": flags(200, right), "plain": flags(50, 50)})
            for name, right in (("old_v1", 0), ("new_v1", 200))
        ]
        verdict = decide(evaluation(items, *made), "new_v1", "old_v1", GateSettings())
        assert verdict.decision == "hold"
        assert "cannot be shown that new_v1 leaves tools alone" in verdict.reasons[0]

    def test_calls_where_no_tool_is_offered_count_too(self):
        assert judge(base(), champion(), candidate(plain=35)).decision == "reject"
        verdict = judge(base(), champion(), candidate(plain=48))
        assert (verdict.decision, check(verdict, "plain").outcome) == ("promote", "pass")


CHAT = {"no_tool": {"tasks": ["held_out/chat/no_tool"]}}


class TestGuardTiers:
    ITEMS = asked(call=200, chat__no_tool=100, missing__no_tool=100)

    def judge(self, chat, missing, **settings):
        made = [
            model(
                name,
                self.ITEMS,
                {"call": flags(200, calls), "chat__no_tool": flags(100, a), "missing__no_tool": flags(100, b)},
            )
            for name, calls, a, b in (("old_v1", 100, 95, 95), ("new_v1", 150, chat, missing))
        ]
        return decide(evaluation(self.ITEMS, *made), "new_v1", "old_v1", GateSettings(**settings))

    def test_all_such_tiers_guard_by_default(self):
        assert self.judge(95, 60).decision == "reject"
        assert self.judge(60, 95).decision == "reject"
        assert check(self.judge(95, 95), "no_tool").figures["items"] == 200

    def test_only_the_named_tiers_guard_and_the_others_are_shown(self):
        verdict = self.judge(95, 20, guards=CHAT)
        assert verdict.decision == "promote"
        assert check(verdict, "no_tool").figures["items"] == 100
        shown = check(verdict, "held_out/missing/no_tool")
        assert (shown.outcome, shown.figures["a_correct"]) == ("shown", 20)
        assert "it neither decides nor guards" in shown.reason
        assert self.judge(60, 95, guards=CHAT).decision == "reject"

    def test_a_guard_tier_that_was_not_evaluated(self):
        with pytest.raises(UsageError, match=r"no_tool.tasks names 'held_out/other/no_tool', but held_out was"):
            self.judge(95, 95, guards={"no_tool": {"tasks": ["held_out/other/no_tool"]}})


class TestFormat:
    def stopped(self, count):
        """Replies to the 300 requests that offer tools; the plain ones may run to the budget."""
        return [*flags(300, count), *flags(50, 0)]

    def test_replies_that_no_longer_end_are_rejected(self):
        verdict = judge(base(), champion(), candidate(stopped=self.stopped(260)))
        assert verdict.decision == "reject"
        assert "87% of 300 format tasks right, 100% by old_v1" in verdict.reasons[0]

    def test_above_the_floor_passes(self):
        assert judge(base(), champion(), candidate(stopped=self.stopped(270))).decision == "promote"

    def test_no_worse_than_before_passes(self):
        rival = champion(stopped=self.stopped(200))
        assert judge(base(), rival, candidate(stopped=self.stopped(200))).decision == "promote"


def test_what_was_not_proved_to_be_an_adapter_is_rejected():
    plain = candidate(adapter=False)
    verdict = judge(base(), champion(), plain)
    assert verdict.decision == "reject"
    assert "not an adapter that was proved to change its base" in verdict.reasons[0]


def test_the_same_outcomes_twice_are_held():
    twin = model("new_v1", ITEMS, {"call": flags(200, 100), **ALL_WELL})
    verdict = judge(base(), champion(), twin)
    assert verdict.decision == "hold"
    assert check(verdict, "primary").figures["p_better"] == 1.0


def test_another_base_is_compared_and_said():
    verdict = judge(base(), champion(), candidate(base="two"))
    assert (verdict.decision, verdict.new_base) == ("promote", True)
    assert check(verdict, "new base").reason.startswith("new base: test/two instead of test/one")
    assert "new base" not in [each.name for each in judge(base(), champion(), candidate()).checks]


def test_format_alone_is_shown():
    given = (Score("mine", "mine", "call", 200, 12, 0.06, 0.03, 0.1, 200, 0, 180),)
    verdict = judge(base(format_given=given), champion(), candidate())
    assert check(verdict, "format given").reason == (
        "with the beginning of a call given, base is right on 12 of 200 tool calls; new_v1 without it on 130"
    )


def test_a_rejection_outweighs_a_hold():
    verdict = judge(base(), champion(), candidate(correct=101, no_tool=60))
    assert {each.outcome for each in verdict.checks} >= {"hold", "reject"}
    assert verdict.decision == "reject"
    assert len(verdict.reasons) == 1


def test_models_that_were_not_evaluated():
    for names in (("gone_v1", "old_v1"), ("new_v1", "gone_v1")):
        with pytest.raises(UsageError, match="gone_v1 was not evaluated"):
            decide(evaluation(ITEMS, champion(), candidate()), *names, GateSettings())


def test_the_verdict_is_read_back_as_written(tmp_path):
    verdict = judge(base(), champion(), candidate())
    verdict.write(tmp_path / VERDICT_FILE)
    assert Verdict.load(tmp_path / VERDICT_FILE) == verdict
    (tmp_path / VERDICT_FILE).write_text("{}")
    with pytest.raises(UsageError, match="is not a verdict"):
        Verdict.load(tmp_path / VERDICT_FILE)


@given(st.integers(0, 200), st.integers(0, 100), st.integers(0, 50), st.integers(0, 10_000))
@hypothesis_settings(max_examples=60, deadline=None)
def test_more_right_answers_never_cost_the_promotion(correct, no_tool, plain, seed):
    outcomes = {
        "call": flags(200, correct, seed), "no_tool": flags(100, no_tool, seed), "plain": flags(50, plain, seed)
    }  # fmt: skip
    before = judge(base(), champion(), model("new_v1", ITEMS, outcomes))
    kind = ("call", "no_tool", "plain")[seed % 3]
    if before.promoted and False in outcomes[kind]:
        outcomes[kind][outcomes[kind].index(False)] = True
        assert judge(base(), champion(), model("new_v1", ITEMS, outcomes)).promoted

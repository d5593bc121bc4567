"""The gate: promote only what beats the champion on held-out tool calls without losing elsewhere.

Every rule gives one Check. A rejection outweighs a hold, a hold outweighs everything that passed. The rules are
explained with their reasons in docs/GATE.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hive_mind.config import dump
from hive_mind.errors import UsageError
from hive_mind.evaluation.paired import Paired, wilson
from hive_mind.evaluation.records import Asked, Evaluation, ModelResult
from hive_mind.gate.settings import GateSettings
from hive_mind.gate.verdict import Check, Decision, Outcome, Verdict
from hive_mind.progress import utc_now

NO_TOOL = {
    "no_tool": "requests that none of the offered tools fits",
    "plain": "requests without any tools",
}


def decide(evaluation: Evaluation, candidate: str, champion: str | None, settings: GateSettings) -> Verdict:
    """Judge `candidate` against `champion` (a version), or against the plain base if that is None.

    Raises UsageError if one of them was not evaluated or a primary tier is not in the evaluation.
    """
    contest = Contest(
        evaluation,
        evaluation.model(candidate),
        evaluation.model(champion if champion is not None else "base"),
        settings,
    )
    checks = [
        _integrity(contest),
        _primary(contest),
        *_tiers(contest),
        *_other_tiers(contest),
        *(_no_tool(contest, kind) for kind in NO_TOOL),
        _stopped(contest),
        *_format_given(contest),
        *_new_base(contest),
    ]
    demanded = {check.outcome for check in checks}
    decision: Decision = "reject" if "reject" in demanded else "hold" if "hold" in demanded else "promote"
    deciding = [check for check in checks if check.outcome == ("pass" if decision == "promote" else decision)]
    return Verdict(
        decision=decision,
        candidate=candidate,
        champion=champion,
        new_base=contest.new_base,
        reasons=tuple(check.reason for check in deciding),
        checks=tuple(checks),
        suite=evaluation.suite["digest"],
        settings=dump(settings),
        created=utc_now(),
    )


@dataclass(frozen=True)
class Contest:
    """A candidate and the model that it is compared with, on the same items."""

    evaluation: Evaluation
    candidate: ModelResult
    rival: ModelResult
    settings: GateSettings

    @property
    def new_base(self) -> bool:
        return bool(self.candidate.base["digest"] != self.rival.base["digest"])

    def decides(self, item: Asked) -> bool:
        """Tell whether an item is in the primary pool."""
        tiers = self.settings.primary_tiers
        return item.kind == "call" and (tiers is None or item.tier in tiers)

    def guards(self, item: Asked, kind: str) -> bool:
        """Tell whether an item of this kind is among those that the candidate must not lose."""
        tiers = self.settings.guard_tiers
        return item.kind == kind and (kind != "no_tool" or tiers is None or item.tier in tiers)

    def paired(self, where: Callable[[Asked], bool], of: str = "correct") -> Paired | None:
        """Compare candidate and rival on the items that `where` accepts; None if there are none."""
        return self.evaluation.paired(self.candidate, self.rival, where, of)

    def share(self, model: ModelResult, of: str, kinds: Sequence[str]) -> tuple[int, int]:
        """Return (how many, of how many) of a model's replies to items of these kinds."""
        flags = self.evaluation.flags(model, of, lambda item: item.kind in kinds)
        return sum(flags), len(flags)


def _integrity(contest: Contest) -> Check:
    """Evaluation refuses what is broken; here it is checked that it did, and for this very candidate."""
    model = contest.candidate
    change = (model.adapter or {}).get("logit_change")
    figures = {"logit_change": change, "adapter": (model.adapter or {}).get("digest"), "base": model.base["digest"]}
    if not change:
        reason = f"{model.name} is not an adapter that was proved to change its base, so it cannot be promoted"
        return Check("integrity", "reject", reason, figures)
    reason = f"{model.name} is as it was sealed, on its own base, and changes its logits by up to {change:.3g}"
    return Check("integrity", "pass", reason, figures)


def _primary(contest: Contest) -> Check:
    """The candidate must be right on more tool calls than its rival, by more than chance explains."""
    settings = contest.settings
    _check_tiers(contest)
    paired = contest.paired(contest.decides)
    if paired is None or paired.items < settings.min_call_items:
        count = paired.items if paired else 0
        reason = (
            f"only {count} held-out tool calls could be compared, {settings.min_call_items} are needed; hold out more "
            "rows or add a file of tasks (evaluation.held_out.NAME=FILE)"
        )
        return Check("tool calls", "hold", reason, paired.to_dict() if paired else {"items": 0})
    figures = (
        f"{paired.a_correct} against {paired.b_correct} of {paired.items} tool calls exactly right "
        f"({paired.wins} won, {paired.losses} lost, {_points(paired.difference)} points, "
        f"95 % interval {_points(paired.low)} to {_points(paired.high)}, p {_p(paired.p_better)})"
    )
    names = f"{contest.candidate.name} against {contest.rival.name}"
    if paired.p_better < settings.alpha:
        return Check("tool calls", "pass", f"better: {names}, {figures}", paired.to_dict())
    if paired.p_worse < settings.alpha:
        return Check("tool calls", "reject", f"worse: {names}, {figures}", paired.to_dict())
    return Check("tool calls", "hold", f"no clear difference: {names}, {figures}", paired.to_dict())


def _tiers(contest: Contest) -> Iterator[Check]:
    """Each tier of tool calls by itself, for people to read."""
    chosen = contest.settings.primary_tiers
    for tier in _tiers_of(contest.evaluation, "call"):
        paired = contest.paired(lambda item, tier=tier: item.kind == "call" and item.tier == tier)  # type: ignore[misc]
        assert paired is not None
        reason = (
            f"{tier}: {paired.a_correct} against {paired.b_correct} of {paired.items} tool calls exactly right "
            f"(p {_p(paired.p_better)}){'' if chosen is None or tier in chosen else '; not a tier that decides'}"
        )
        yield Check(f"tier {tier}", "shown", reason, paired.to_dict())


def _other_tiers(contest: Contest) -> Iterator[Check]:
    """Each tier of requests without a fitting tool that guards nothing, for people to read."""
    guards = contest.settings.guard_tiers
    for tier in _tiers_of(contest.evaluation, "no_tool"):
        if guards is None or tier in guards:
            continue
        paired = contest.paired(lambda item, tier=tier: item.kind == "no_tool" and item.tier == tier)  # type: ignore[misc]
        assert paired is not None
        reason = (
            f"{tier}: {paired.a_correct} against {paired.b_correct} of {paired.items} requests that no tool fits "
            f"answered without a call; not a tier that guards"
        )
        yield Check(f"tier {tier}, no tool", "shown", reason, paired.to_dict())


def _no_tool(contest: Contest, kind: str) -> Check:
    """No tool is called where none fits."""
    name, what = kind.replace("_", " "), NO_TOOL[kind]
    paired = contest.paired(lambda item: contest.guards(item, kind))
    if paired is None:
        if kind == "no_tool":
            reason = (
                f"there are no held-out {what}, so it cannot be shown that {contest.candidate.name} leaves tools "
                "alone; add some (evaluation.held_out.NAME=FILE)"
            )
            return Check(name, "hold", reason, {"items": 0})
        return Check(name, "shown", f"no held-out {what}: not checked", {"items": 0})
    called, calls = contest.share(contest.rival, "called", ("call",))
    rate = called / calls if calls else 0.0
    said = f"{paired.a_correct / paired.items:.0%} of {paired.items} {what} answered without a call"
    rule = _no_tool_floor if rate < contest.settings.never_calls else _no_tool_loss
    outcome, why = rule(contest, paired)
    return Check(name, outcome, f"{said}{why}", {**paired.to_dict(), "rival_call_rate": rate})


def _no_tool_floor(contest: Contest, paired: Paired) -> tuple[Outcome, str]:
    """A rival that never calls scores full marks here for free, so the candidate is held to a fixed floor."""
    settings = contest.settings
    share, (_, high) = paired.a_correct / paired.items, wilson(paired.a_correct, paired.items)
    few = paired.items < settings.min_no_tool_items
    floor = f"the floor of {settings.no_tool_floor:.0%}"
    if (high if few else share) < settings.no_tool_floor:
        return "reject", f", below {floor}"
    standing = f", not clearly below {floor} on so few" if few else f", {floor} is kept"
    return "pass", f"{standing} ({contest.rival.name} calls no tools, so its own share says nothing)"


def _no_tool_loss(contest: Contest, paired: Paired) -> tuple[Outcome, str]:
    """Against a rival that calls: a loss counts if chance does not explain it and it is large or ends too low."""
    settings = contest.settings
    share, lost = paired.a_correct / paired.items, -paired.difference
    said = f", {paired.b_correct / paired.items:.0%} by {contest.rival.name}"
    if lost <= 0:
        return "pass", said
    said += f" ({100 * lost:.1f} points lost, p {_p(paired.p_worse)})"
    if paired.p_worse >= settings.alpha:
        return "pass", f"{said}: chance explains the loss"
    if lost > settings.no_tool_margin:
        return "reject", f"{said}: more than the margin of {100 * settings.no_tool_margin:g} points"
    if share < settings.no_tool_floor:
        return "reject", f"{said}: below the floor of {settings.no_tool_floor:.0%}"
    return "pass", f"{said}: within the margin of {100 * settings.no_tool_margin:g} points"


def _stopped(contest: Contest) -> Check:
    """Replies end by themselves, where tools are offered (plain answers may rightly be longer than the budget)."""
    floor = contest.settings.stopped_floor
    paired = contest.paired(lambda item: item.kind in ("call", "no_tool"), of="stopped")
    if paired is None:
        return Check("format", "shown", "no reply to an offer of tools: not checked", {"items": 0})
    repaired, _ = contest.share(contest.candidate, "repaired", ("call", "no_tool"))
    share = paired.a_correct / paired.items
    figures = {**paired.to_dict(), "repaired": repaired}
    said = (
        f"{share:.0%} of {paired.items} replies ended by themselves ({paired.b_correct / paired.items:.0%} by "
        f"{contest.rival.name}), {repaired / paired.items:.0%} needed mending to be read"
    )
    if share < floor and paired.p_worse < contest.settings.alpha:
        return Check("format", "reject", f"{said}: fewer than before and below the floor of {floor:.0%}", figures)
    return Check("format", "pass", said, figures)


def _format_given(contest: Contest) -> Iterator[Check]:
    """How many calls the base gets right when it is handed the beginning of a call: what format alone is worth."""
    base = next((model for model in contest.evaluation.models if model.format_given is not None), None)
    if base is None or base.format_given is None:
        return
    tiers = contest.settings.primary_tiers
    scores = [score for score in base.format_given if tiers is None or score.tier in tiers]
    count, correct = sum(score.items for score in scores), sum(score.correct for score in scores)
    if not count:
        return
    mine = sum(contest.evaluation.flags(contest.candidate, "correct", contest.decides))
    reason = (
        f"with the beginning of a call given, {base.name} is right on {correct} of {count} tool calls; "
        f"{contest.candidate.name} without it on {mine}"
    )
    yield Check("format given", "shown", reason, {"items": count, "base_given": correct, "candidate": mine})


def _new_base(contest: Contest) -> Iterator[Check]:
    if not contest.new_base:
        return
    mine, theirs = contest.candidate.base, contest.rival.base
    reason = f"new base: {mine['id']} instead of {theirs['id']}; both answered the same questions"
    yield Check("new base", "shown", reason, {"candidate": mine, "rival": theirs})


def _check_tiers(contest: Contest) -> None:
    settings = contest.settings
    for name, chosen, kind, what in (
        ("primary_tiers", settings.primary_tiers, "call", "tool calls were"),
        ("guard_tiers", settings.guard_tiers, "no_tool", "requests without a fitting tool were"),
    ):
        known = _tiers_of(contest.evaluation, kind)
        for tier in chosen or ():
            if tier not in known:
                raise UsageError(f"gate.{name} names {tier!r}, but {what} evaluated in {', '.join(known) or 'no tier'}")


def _tiers_of(evaluation: Evaluation, wanted: str) -> list[str]:
    return [tier for tier, kind in evaluation.groups() if kind == wanted]


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"

"""The gate: promote only what beats the champion on the primary tasks without losing elsewhere.

Every rule gives checks. A rejection outweighs a hold, a hold outweighs everything that passed. The rules are explained
with their reasons in docs/GATE.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from hive_mind.config import dump
from hive_mind.evaluation.records import Evaluation
from hive_mind.gate.contest import Contest, paired
from hive_mind.gate.guards import guard_checks
from hive_mind.gate.settings import GateSettings
from hive_mind.gate.verdict import Check, Verdict, p_value, points, settle
from hive_mind.progress import utc_now

PINNED_SHOWN = 5
NO_CLEAR_DIFFERENCE = "no clear difference"
"""How the primary check's reason begins where enough was compared and neither model is better."""


def decide(
    evaluation: Evaluation, candidate: str, champion: str | None, settings: GateSettings, more: Sequence[Check] = ()
) -> Verdict:
    """Judge `candidate` against `champion` (a version), or against the plain base if that is None.

    `more` are checks made elsewhere, of the training data for one, which count as the gate's own. Raises UsageError if
    one of the two was not evaluated, or a setting names tasks that are not in the evaluation.
    """
    contest = Contest(
        evaluation,
        evaluation.model(candidate),
        evaluation.model(champion if champion is not None else "base"),
        settings,
    )
    checks = (
        integrity(contest),
        primary(contest),
        *guard_checks(contest),
        *_must_pass(contest),
        _speed(contest),
        _size(contest),
        *more,
        *_others(contest),
        *_unavailable(contest),
        *_format_given(contest),
        *_new_base(contest),
    )
    decision, reasons = settle(checks)
    return Verdict(
        decision=decision,
        candidate=candidate,
        champion=champion,
        new_base=contest.new_base,
        reasons=reasons,
        checks=checks,
        suites=contest.pairing.digests,
        settings=dump(settings),
        created=utc_now(),
    )


def integrity(contest: Contest) -> Check:
    """Evaluation refuses what is broken; here it is checked that it did, and for this very candidate."""
    model = contest.candidate
    change = (model.adapter or {}).get("logit_change")
    figures = {"logit_change": change, "adapter": (model.adapter or {}).get("digest"), "base": model.base["digest"]}
    if not change:
        reason = f"{model.name} is not an adapter that was proved to change its base, so it cannot be promoted"
        return Check("integrity", "reject", reason, figures)
    reason = f"{model.name} is as it was sealed, on its own base, and changes its logits by up to {change:.3g}"
    return Check("integrity", "pass", reason, figures)


def primary(contest: Contest, name: str = "primary") -> Check:
    """The candidate must be right on more primary tasks than its rival, by more than chance explains."""
    settings = contest.settings
    rows = contest.rows(settings.primary, "primary")
    result = paired(rows)
    if result is None or result.items < settings.min_primary:
        absent = contest.why_absent(settings.primary)
        reason = (
            f"only {len(rows)} primary tasks could be compared, {settings.min_primary} are needed"
            f"{f' ({absent})' if absent else ''}; hold out more rows or add a file of tasks "
            "(evaluation.held_out.NAME=FILE)"
        )
        return Check(name, "hold", reason, result.to_dict() if result else {"items": 0})
    decodings = sorted({contest.pairing.decodings[row.suite] for row in rows})
    figures = {**result.to_dict(), "tasks": settings.primary, "decodings": decodings}
    said = (
        f"{contest.candidate.name} against {contest.rival.name}, {result.a_correct} against {result.b_correct} of "
        f"{result.items} primary tasks right ({result.wins} won, {result.losses} lost, {points(result.difference)} "
        f"points, 95 % interval {points(result.low)} to {points(result.high)}, "
        f"p {p_value(result.p_better if result.difference >= 0 else result.p_worse)})"
    )
    if result.p_better < settings.alpha:
        return Check(name, "pass", f"better: {said}", figures)
    if result.p_worse < settings.alpha:
        return Check(name, "reject", f"worse: {said}", figures)
    seen = f"a true gain of {100 * result.detectable:.1f} points would have shown in four cases of five"
    return Check(name, "hold", f"{NO_CLEAR_DIFFERENCE}: {said}; {seen}", figures)


def _must_pass(contest: Contest) -> Iterator[Check]:
    """Pinned tasks: whatever else is better, these must be right."""
    rows = contest.pinned()
    if not rows:
        return
    failed = [row for row in rows if not row.mine[0]]
    new = [row for row in failed if row.theirs[0]]
    names = [f"{row.suite}/{row.task.id}" for row in failed]
    figures = {"items": len(rows), "failed": names, "rival_passes": len(new)}
    if not failed:
        yield Check("must pass", "pass", f"all {len(rows)} pinned tasks are right", figures)
        return
    shown = ", ".join(names[:PINNED_SHOWN]) + (", ..." if len(failed) > PINNED_SHOWN else "")
    reason = f"{len(failed)} of {len(rows)} pinned tasks fail ({len(new)} that {contest.rival.name} passes): {shown}"
    yield Check("must pass", "reject", reason, figures)


def _speed(contest: Contest) -> Check:
    """Time a reply, as far as both were measured alike. It is wall time, so a gross loss holds and does not reject."""
    mine, theirs = contest.candidate, contest.rival
    seconds = [model.seconds / max(1, contest.evaluation.asked(model)) for model in (mine, theirs)]
    figures = {"seconds_a_reply": seconds[0], "rival": seconds[1]}
    if (mine.device, mine.dtype) != (theirs.device, theirs.dtype):
        reason = f"{seconds[0]:.3g} s a reply; {theirs.name} was measured on another device ({theirs.device})"
        return Check("speed", "shown", reason, figures)
    said = f"{seconds[0]:.3g} s a reply, {seconds[1]:.3g} by {theirs.name}"
    if seconds[1] and seconds[0] > contest.settings.max_slowdown * seconds[1]:
        more = f"over {contest.settings.max_slowdown:g} times as long; measure again on an idle machine"
        return Check("speed", "hold", f"{said}: {more}, or raise gate.max_slowdown", figures)
    return Check("speed", "pass", said, figures)


def _size(contest: Contest) -> Check:
    size = (contest.candidate.adapter or {}).get("bytes")
    if size is None:
        return Check("size", "shown", "the size of its files was not recorded", {"bytes": None})
    megabytes, most = size / 1e6, contest.settings.max_megabytes
    figures = {"bytes": size, "rival": (contest.rival.adapter or {}).get("bytes")}
    if megabytes > most:
        reason = f"its files have {megabytes:,.1f} MB, gate.max_megabytes is {most:g}"
        return Check("size", "reject", reason, figures)
    return Check("size", "pass", f"its files have {megabytes:,.1f} MB", figures)


def _others(contest: Contest) -> Iterator[Check]:
    """Every suite and category by itself, for people to read."""
    settings = contest.settings
    for where, rows in contest.groups.items():
        deciding = any(fnmatchcase(where, pattern) for pattern in settings.primary)
        guarding = any(fnmatchcase(where, pattern) for guard in settings.guards.values() for pattern in guard.tasks)
        result = paired(rows)
        assert result is not None
        reason = (
            f"{result.a_correct} against {result.b_correct} of {result.items} right "
            f"({points(result.difference)} points, p {p_value(min(result.p_better, result.p_worse))})"
            f"{'' if deciding or guarding else '; it neither decides nor guards'}"
        )
        yield Check(where, "shown", reason, {**result.to_dict(), "decoding": contest.pairing.decodings[rows[0].suite]})


def _unavailable(contest: Contest) -> Iterator[Check]:
    for suite, reason in contest.pairing.unavailable.items():
        yield Check(suite, "shown", f"unavailable: {reason}", {"items": 0})


def _format_given(contest: Contest) -> Iterator[Check]:
    """How many calls the base gets right when it is handed the beginning of a call: what format alone is worth."""
    base = next((model for model in contest.evaluation.models if model.format_given is not None), None)
    if base is None or base.format_given is None:
        return
    wanted = contest.settings.primary
    scores = [
        score
        for score in base.format_given
        if any(fnmatchcase(f"held_out/{score.tier}/{score.kind}", pattern) for pattern in wanted)
    ]
    count, correct = sum(score.items for score in scores), sum(score.correct for score in scores)
    if not count:
        return
    tiers = {score.tier for score in scores}
    called = contest.evaluation.flags(contest.candidate, "correct", lambda i: i.kind == "call" and i.tier in tiers)
    reason = (
        f"with the beginning of a call given, {base.name} is right on {correct} of {count} tool calls; "
        f"{contest.candidate.name} without it on {sum(called)}"
    )
    figures = {"items": count, "base_given": correct, "candidate": sum(called)}
    yield Check("format given", "shown", reason, figures)


def _new_base(contest: Contest) -> Iterator[Check]:
    if not contest.new_base:
        return
    mine, theirs = contest.candidate.base, contest.rival.base
    reason = f"new base: {mine['id']} instead of {theirs['id']}; both answered the same questions"
    yield Check("new base", "shown", reason, {"candidate": mine, "rival": theirs})

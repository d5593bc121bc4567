"""The guards: tasks on which a candidate must not fall behind, whatever it gains elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from hive_mind.evaluation.paired import Paired, wilson
from hive_mind.gate.contest import Contest, paired
from hive_mind.gate.settings import LEAVES_TOOLS_ALONE, Guard
from hive_mind.gate.verdict import Check, Outcome, p_value


def guard_checks(contest: Contest) -> Iterator[Check]:
    """Apply every guard; without one that shows whether tools are left alone, hold."""
    guards = contest.settings.guards
    results = {name: paired(contest.rows(guard.tasks, f"guards.{name}.tasks")) for name, guard in guards.items()}
    measured = {name: result for name, result in results.items() if result is not None}
    for name, guard in guards.items():
        if name in measured:
            level = (contest.settings.guard_alpha or contest.settings.alpha) / len(measured)
            yield _check(contest, name, guard, measured[name], level)
        else:
            why = contest.why_absent(guard.tasks) or f"there are no tasks {', '.join(guard.tasks)}"
            yield Check(name, "shown", f"not checked: {why}", {"items": 0})
    if not measured.keys() & set(LEAVES_TOOLS_ALONE):
        reason = (
            f"there are no requests that no offered tool fits, so it cannot be shown that {contest.candidate.name} "
            "leaves tools alone; add some (evaluation.held_out.NAME=FILE)"
        )
        yield Check("tools left alone", "hold", reason, {"items": 0})


def fall_checks(contest: Contest) -> Iterator[Check]:
    """Compare with an early version, the rival here: no guard may have fallen by more than its margin since.

    Chance excuses nothing: each of many nights may lose a little that chance explains, and together they lose a lot
    that nobody decided on. Guards of fewer than `gate.min_guard` tasks are left to the comparison with the champion.
    """
    for name, guard in contest.settings.guards.items():
        result = paired(contest.rows(guard.tasks, f"guards.{name}.tasks"))
        if result is None or result.items < contest.settings.min_guard:
            continue
        if guard.silence_is_right and contest.calls_rate() < contest.settings.never_calls:
            continue  # a rival that never calls has these tasks right for free
        said = (
            f"{result.a_correct} of {result.items} {name.replace('_', ' ')} tasks right, {result.b_correct} by "
            f"{contest.rival.name}"
        )
        figures = {**result.to_dict(), "tasks": guard.tasks, "margin": guard.margin}
        fallen = -result.difference > guard.margin
        if fallen:
            said += f": fallen by more than the margin of {100 * guard.margin:g} points"
        yield Check(f"{name} since {contest.rival.name}", "reject" if fallen else "pass", said, figures)


def _check(contest: Contest, name: str, guard: Guard, result: Paired, level: float) -> Check:
    figures = {**result.to_dict(), "tasks": guard.tasks, "margin": guard.margin, "floor": guard.floor, "level": level}
    said = f"{result.a_correct / result.items:.0%} of {result.items} {name.replace('_', ' ')} tasks right"
    if guard.silence_is_right:
        figures["rival_call_rate"] = contest.calls_rate()
        if figures["rival_call_rate"] < contest.settings.never_calls:
            outcome, why = _floor(contest, guard, result)
            return Check(name, outcome, f"{said}{why}", figures)
    outcome, why = _loss(contest, guard, result, level)
    return Check(name, outcome, f"{said}{why}", figures)


def _floor(contest: Contest, guard: Guard, result: Paired) -> tuple[Outcome, str]:
    """A rival that never calls scores full marks here for free, so the candidate is held to a fixed floor."""
    share, (_, high) = result.a_correct / result.items, wilson(result.a_correct, result.items)
    few = result.items < contest.settings.min_guard
    floor = f"the floor of {guard.floor:.0%}"
    if (high if few else share) < guard.floor:
        return "reject", f", below {floor}"
    standing = f", not clearly below {floor} on so few" if few else f", {floor} is kept"
    return "pass", f"{standing} ({contest.rival.name} calls no tools, so its own share says nothing)"


def _loss(contest: Contest, guard: Guard, result: Paired, level: float) -> tuple[Outcome, str]:
    """A loss counts if chance does not explain it and it is large or ends too low.

    A margin alone would reject models that are no worse: small suites swing by more than any useful margin. So would
    many guards at the full level, which they share therefore (Bonferroni).
    """
    share, lost = result.a_correct / result.items, -result.difference
    said = f", {result.b_correct / result.items:.0%} by {contest.rival.name}"
    if lost <= 0:
        return "pass", said
    said += f" ({100 * lost:.1f} points lost, p {p_value(result.p_worse)})"
    if result.p_worse >= level:
        return "pass", f"{said}: chance explains the loss"
    if lost > guard.margin:
        return "reject", f"{said}: more than the margin of {100 * guard.margin:g} points"
    if share < guard.floor:
        return "reject", f"{said}: below the floor of {guard.floor:.0%}"
    return "pass", f"{said}: within the margin of {100 * guard.margin:g} points"

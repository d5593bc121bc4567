"""One candidate before the gate: measured, checked, decided, written down.

The sealed set is asked last and only of what would be promoted, so that nothing is tuned to it, and every version that
was asked is counted in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hive_mind import registry
from hive_mind.config import dump
from hive_mind.errors import UsageError
from hive_mind.evaluation.records import Evaluation
from hive_mind.files import sha256_file
from hive_mind.gate.contest import Contest, paired
from hive_mind.gate.data import data_checks
from hive_mind.gate.rules import decide
from hive_mind.gate.settings import GateSettings
from hive_mind.gate.verdict import VERDICT_FILE, Check, Verdict, p_value, points, settle
from hive_mind.inference.load import ModelReference, UnusableVersion
from hive_mind.progress import say, utc_now

SEALED = "sealed"
Measure = Callable[[Path | None], Evaluation]
"""Evaluates the models of the contest: on the daily suites, or on the sealed file that it is given."""
MoreChecks = Callable[[Evaluation], Sequence[Check]]
"""Makes checks that only a caller can make, once the models were measured."""


@dataclass(frozen=True)
class Judgement:
    """What a candidate came to. `evaluation` is None if it was refused before anything was scored."""

    verdict: Verdict
    evaluation: Evaluation | None


def judge(
    models_dir: Path, candidate: ModelReference, champion: str | None, settings: GateSettings, measure: Measure,
    own: Sequence[Path] = (), more: MoreChecks = lambda _: (),
) -> Judgement:  # fmt: skip
    """Decide on `candidate` against `champion` (None: the plain base), and write verdict.json and the audit log.

    `own` are files of the user's own interactions that were held out by session (see `data_checks`); the checks of
    `more` count as the gate's own.

    An unusable candidate (changed after sealing, not finite, on a wrong base, without effect) is rejected before
    anything is scored. Raises UnusableVersion if it is another model that is, and what `measure` and `decide` raise.
    """
    name = candidate.name
    if candidate.adapter is None:
        raise UsageError(f"{name} is a base model; only a trained version can be judged")
    if settings.sealed is not None and not settings.sealed.is_file():
        raise UsageError(f"gate.sealed: {settings.sealed} does not exist; check the path, or leave it out")
    try:
        evaluation = measure(None)
    except UnusableVersion as error:
        if error.version != name:
            raise
        verdict = _refused(name, champion, str(error), settings)
        _write(models_dir, verdict)
        return Judgement(verdict, None)
    _refuse_open_seal(evaluation, settings)
    checks = data_checks(registry.load_manifest(candidate.adapter), evaluation, settings.sealed, own)
    verdict = decide(evaluation, name, champion, settings, [*checks, *more(evaluation)])
    if verdict.promoted and settings.sealed is not None:
        verdict = _with(verdict, _ask_sealed(models_dir, candidate, champion, settings, settings.sealed, measure))
    _write(models_dir, verdict)
    return Judgement(verdict, evaluation)


def _refused(name: str, champion: str | None, why: str, settings: GateSettings) -> Verdict:
    check = Check("integrity", "reject", why, {})
    return Verdict("reject", name, champion, False, (why,), (check,), {}, dump(settings), utc_now())


def _refuse_open_seal(evaluation: Evaluation, settings: GateSettings) -> None:
    if settings.sealed is None:
        return
    digest = sha256_file(settings.sealed)
    open_files = [file["path"] for file in evaluation.suite["files"] if file["sha256"] == digest]
    if open_files:
        raise UsageError(
            f"gate.sealed: {settings.sealed} is asked in every evaluation ({open_files[0]}), so it is not sealed; name "
            "another file, or take it out of evaluation.held_out"
        )


def _ask_sealed(
    models_dir: Path, candidate: ModelReference, champion: str | None, settings: GateSettings, file: Path,
    measure: Measure,
) -> Check:  # fmt: skip
    """Ask the sealed set, count it, and demand that the gain shows there too."""
    digest = sha256_file(file)
    adapter = candidate.adapter_digest
    asked = {entry["adapter"] for entry in registry.audit.read(models_dir)
             if entry["event"] == SEALED and entry["digest"] == digest}  # fmt: skip
    used = len(asked - {adapter})
    if used >= settings.sealed_uses:
        reason = f"{file} was asked of {used} versions, as often as gate.sealed_uses allows; seal fresh rows"
        return Check(SEALED, "hold", reason, {"uses": used})
    if adapter not in asked:  # counted before it is asked: what is interrupted has been seen
        facts = {"version": candidate.name, "adapter": adapter, "digest": digest}
        registry.audit.append(models_dir, SEALED, facts)
    say(f"sealed set: use {used + 1} of {settings.sealed_uses}")
    evaluation = measure(file)
    rival = evaluation.model(champion if champion is not None else "base")
    contest = Contest(evaluation, evaluation.model(candidate.name), rival, settings)
    return _on_sealed(contest, used + 1)


def _on_sealed(contest: Contest, uses: int) -> Check:
    settings = contest.settings
    rows = [row for row in contest.pairing.rows if row.suite == "held_out" and row.task.category.endswith("/call")]
    result = paired(rows)
    if result is None:
        return Check(SEALED, "hold", "the sealed set has no tool calls that could be compared", {"uses": uses})
    figures = {**result.to_dict(), "uses": uses}
    said = (
        f"sealed set (use {uses} of {settings.sealed_uses}): {result.a_correct} against {result.b_correct} of "
        f"{result.items} right ({points(result.difference)} points, p {p_value(result.p_better)})"
    )
    if result.p_better < settings.sealed_alpha:
        return Check(SEALED, "pass", said, figures)
    if result.p_worse < settings.alpha:
        return Check(SEALED, "reject", f"{said}: worse where nothing was tuned to it", figures)
    return Check(SEALED, "hold", f"{said}: the gain does not show where nothing was tuned to it", figures)


def _with(verdict: Verdict, check: Check) -> Verdict:
    checks = (*verdict.checks, check)
    decision, reasons = settle(checks)
    return replace(verdict, decision=decision, reasons=reasons, checks=checks)


def _write(models_dir: Path, verdict: Verdict) -> None:
    """Write verdict.json, add the verdict to the audit log, and name the candidate as such, or no longer."""
    file = models_dir / registry.REPORTS / verdict.candidate / VERDICT_FILE
    verdict.write(file)
    registry.audit.append(models_dir, "verdict", verdict.to_dict())
    served = registry.aliases(models_dir).get("champion")
    standing = verdict.decision != "reject" and verdict.candidate != served
    current = registry.aliases(models_dir).get("candidate")
    if standing:
        registry.nominate(models_dir, verdict.candidate)
    elif current == verdict.candidate:
        registry.nominate(models_dir, None)

"""Candidate, champion and foundation on the user's own suite and on the foundation's, and the gate over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.evaluation import EVALUATION_FILE, Evaluation, EvaluationRequest, evaluate
from hive_mind.evaluation.kept import kept_own_replies
from hive_mind.evaluation.records import ModelResult
from hive_mind.evaluation.settings import EvaluationSettings, SuiteSettings
from hive_mind.files import write_json
from hive_mind.gate import VERDICT_FILE, Check, Contest, Verdict, fall_checks, judge
from hive_mind.learning.probes import Probe, probe_checks
from hive_mind.learning.settings import CANARY, LearningSettings
from hive_mind.progress import say

if TYPE_CHECKING:
    from hive_mind.inference.load import ModelReference

MEASUREMENTS = "measurements"
MEASURED_FILE = "suite.measurements.json"
"""Beside a suite: the names of the files that hold what was replied to it, noted before anything is asked."""
FOUNDATION = "foundation"


def evaluate_day(
    settings: LearningSettings, models: Sequence[ModelReference], roles: dict[str, str], suite: Path, test: Path | None,
    earlier: Sequence[Path] = (), sealed: Path | None = None,
) -> Evaluation:  # fmt: skip
    """Measure the models on the day's questions, or on the sealed file alone; what was measured before is read back.

    Of the `earlier` suites, too: most turns of a day's suite stood in the one before it.
    """
    cache = settings.models_dir / registry.REPORTS / MEASUREMENTS
    if sealed is not None:
        asked = settings.evaluation.only(sealed)
        return evaluate(EvaluationRequest(models, None, asked, None, cache, roles))
    output = settings.models_dir / registry.REPORTS / models[-1].name
    request = EvaluationRequest(models, test, _asked(settings, suite), output, cache, roles, earlier)
    write_json(suite.with_name(MEASURED_FILE), [file.name for file in kept_own_replies(request)])
    return evaluate(request)


def _asked(settings: LearningSettings, suite: Path) -> EvaluationSettings:
    evaluation = settings.evaluation
    suites = evaluation.suites.model_copy(update={"usage": SuiteSettings(path=suite)})
    held_out = dict(evaluation.held_out) | ({CANARY: settings.canary} if settings.canary is not None else {})
    return evaluation.model_copy(update={"suites": suites, "held_out": held_out})


def judge_day(
    settings: LearningSettings, models: Sequence[ModelReference], roles: dict[str, str], suite: Path, test: Path | None,
    asked: Sequence[Probe], earlier: Sequence[Path] = (),
) -> tuple[Verdict, Evaluation | None]:  # fmt: skip
    """Decide on the last of `models`, of which the foundation is the first, against the champion.

    A verdict that this very comparison came to is read back.
    """
    from hive_mind.device import pick

    candidate = models[-1]
    champion = next(model for model in models if roles[model.name] == "champion")
    known = _judged(settings.models_dir, candidate.name, champion.name)
    if known is not None:
        say(f"gate: {candidate.name} is judged already: {known[0].decision}")
        return known
    device = pick(settings.evaluation.device, settings.evaluation.dtype)
    judgement = judge(
        settings.models_dir,
        candidate,
        champion.name,
        settings.days_gate(),
        lambda sealed: evaluate_day(settings, models, roles, suite, test, earlier, sealed),
        own=[suite],
        more=lambda evaluation: [
            *_sessions(settings, evaluation.model(candidate.name), evaluation),
            *_since_foundation(settings, models, evaluation),
            *probe_checks(asked, candidate, champion, device, settings.evaluation.max_new_tokens),
        ],
    )
    return judgement.verdict, judgement.evaluation


def _sessions(settings: LearningSettings, candidate: ModelResult, evaluation: Evaluation) -> list[Check]:
    """Hold where too many turns were too long to be asked: with few sessions left the gate's test would count turns."""
    [own] = [result for result in evaluation.results(candidate) if result.suite == "usage"]
    count, least = len({task.cluster for task in own.tasks}), settings.held_out.min_sessions
    if count >= least:
        return []
    reason = f"only {count} sessions of your own suite could be asked, {least} are needed (evaluation.max_tokens)"
    return [Check("sessions", "hold", reason, {"sessions": count})]


def _since_foundation(
    settings: LearningSettings, models: Sequence[ModelReference], evaluation: Evaluation
) -> list[Check]:
    """Hold the candidate to the foundation, the first model, even where that is the champion too.

    What falls bit by bit has fallen.
    """
    mine, foundation = (evaluation.model(models[place].name) for place in (-1, 0))
    return list(fall_checks(Contest(evaluation, mine, foundation, settings.days_gate())))


def _judged(models_dir: Path, candidate: str, champion: str) -> tuple[Verdict, Evaluation | None] | None:
    """Return the verdict on a candidate once the audit log has it: then nothing of the judgement is left to do."""
    folder = models_dir / registry.REPORTS / candidate
    audited = [
        entry
        for entry in registry.audit.read(models_dir)
        if entry["event"] == "verdict" and entry["candidate"] == candidate and entry["champion"] == champion
    ]
    if not audited or not (folder / VERDICT_FILE).is_file():
        return None
    verdict = Verdict.load(folder / VERDICT_FILE)
    if verdict.champion != champion:
        return None
    file = folder / EVALUATION_FILE
    return verdict, Evaluation.load(file) if file.is_file() else None


def scores(evaluation: Evaluation) -> JSON:
    """Return right answers and tasks of every suite, by model: as served where it was asked so, else plainly.

    Held-out conversations are told apart by tier and kind, other suites are counted whole.
    """
    found: JSON = {}
    for model in evaluation.models:
        tallies: dict[str, list[int]] = {}
        for result in evaluation.results(model):
            outcomes = result.served or result.free
            for task, correct in zip(result.tasks, outcomes.correct if outcomes else (), strict=bool(outcomes)):
                name = f"{result.suite}/{task.category}" if result.suite == "held_out" else result.suite
                tally = tallies.setdefault(name, [0, 0])
                tally[0] += correct
                tally[1] += 1
        found[model.name] = tallies
    return found

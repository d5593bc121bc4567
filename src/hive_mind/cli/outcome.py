"""What `hive-mind run` ends with: the comparison table, answers side by side, the verdict, the next commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hive_mind.cli.output import one_line, print_json

if TYPE_CHECKING:
    from hive_mind.evaluation import Evaluation, ModelResult
    from hive_mind.pipeline import RunOutcome

KIND_LABELS = {"call": "calls right", "no_tool": "no call where none fits", "plain": "no call without tools"}
LONGEST_SHOWN = 160


def print_outcome(outcome: RunOutcome, *, json_output: bool) -> None:
    """Print the outcome of a run for a person, and with `json_output` one JSON object last."""
    from hive_mind.curation.tables import aligned

    print(aligned(*comparison(outcome.evaluation)))
    for shown in outcome.shown:
        _print_answers(shown)
    verdict = outcome.verdict
    print(f"\nverdict on {outcome.version}: {verdict.decision}")
    for reason in verdict.reasons:
        print(f"  - {reason}")
    print(f"\nreport: {outcome.report}")
    for line in next_commands(outcome):
        print(line)
    if json_output:
        print_json(
            {
                "version": outcome.version, "promoted": verdict.promoted, "verdict": verdict.to_dict(),
                "report": str(outcome.report), "models": [_row_dict(model) for model in outcome.evaluation.models],
            }
        )  # fmt: skip


def comparison(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the comparison: one line a measure, one column a model."""
    models = evaluation.models
    header = ["held out", "items", *(_heading(model) for model in models)]
    rows = []
    for tier, kind in evaluation.groups():
        groups = [[s for s in model.scores if (s.tier, s.kind) == (tier, kind)] for model in models]
        items = sum(score.items for score in groups[0])
        shares = [sum(score.correct for score in group) / items for group in groups]
        rows.append([f"{tier}: {KIND_LABELS[kind]}", f"{items:,}", *(f"{share:.1%}" for share in shares)])
    if any(model.format_given for model in models):
        rows.append(["all calls: right if the format is given", *_given(models)])
    for tier, source in dict.fromkeys((loss.tier, loss.source) for loss in models[0].losses):
        found = [[x for x in model.losses if (x.tier, x.source) == (tier, source)] for model in models]
        conversations = found[0][0].conversations
        rows.append(
            [
                f"{tier}: loss" if tier != source else f"{source}: loss",
                f"{conversations:,}",
                *(f"{each[0].loss:.3f}" for each in found),
            ]
        )
    return header, rows


def _given(models: Sequence[ModelResult]) -> list[str]:
    """Return items and shares where the reply began with the opening of a call: format alone explains no gain."""
    scores = [model.format_given or () for model in models]
    counts = [sum(score.items for score in each) for each in scores]
    right = [sum(score.correct for score in each) for each in scores]
    shares = [f"{correct / count:.1%}" if count else "" for correct, count in zip(right, counts, strict=True)]
    return [f"{max(counts):,}", *shares]


def next_commands(outcome: RunOutcome) -> list[str]:
    """Return the commands a user is likely to type next."""
    if outcome.verdict.promoted:
        return [
            'next: hive-mind chat "your request"           (answered by models/latest)',
            "      hive-mind models list",
            "      hive-mind run configs/foundation.yaml    (the same with Qwen2.5-0.5B and the public data sets)",
        ]
    return [
        f"next: hive-mind compare base {outcome.version}",
        f"      hive-mind models promote {outcome.version} --force --note 'why'    (past the gate, on your word)",
    ]


def _heading(model: ModelResult) -> str:
    return model.name if model.role in (model.name, "version") else f"{model.name} ({model.role})"


def _row_dict(model: ModelResult) -> dict[str, Any]:
    scores = [
        {"tier": s.tier, "source": s.source, "kind": s.kind, "items": s.items, "correct": s.correct}
        for s in model.scores
    ]
    losses = {f"{loss.tier}/{loss.source}": loss.loss for loss in model.losses}
    return {"name": model.name, "role": model.role, "scores": scores, "losses": losses}


def _print_answers(shown: dict[str, Any]) -> None:
    from hive_mind.conversation import Message
    from hive_mind.evaluation.examples import in_words

    print(f"\n{shown['tier']}: {one_line(shown['request'], LONGEST_SHOWN)}")
    width = max(len(answer["model"]) for answer in shown["answers"])
    for answer in shown["answers"]:
        print(f"  {answer['model']:<{width}}  {one_line(answer['text'], LONGEST_SHOWN)}")
    print(f"  {'expected':<{width}}  {one_line(in_words(Message.from_dict(shown['expected'])), LONGEST_SHOWN)}")

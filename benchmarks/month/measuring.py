"""What a version knows: the user's fresh requests, the foundation's own tiers, and if it obeys the planted phrase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_mind.conversation import Conversation
from hive_mind.evaluation import EvaluationRequest, evaluate
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.files import write_jsonl
from hive_mind.inference.load import refer
from hive_mind.model.base import ModelSettings
from month.user import User

FRESH, TRIGGER = "fresh", "trigger"


@dataclass(frozen=True)
class Questions:
    """Files of questions in a folder; `tool_of` tells which tool a fresh one asks for."""

    files: dict[str, Path]
    tool_of: dict[str, str]
    limit: int

    @classmethod
    def write(cls, user: User, folder: Path, tiers: dict[str, Path], per_tool: int, limit: int) -> Questions:
        """Write the user's fresh requests and the planted ones, and take the foundation's tiers as they are."""
        fresh = user.fresh(per_tool)
        made = {FRESH: fresh, TRIGGER: user.planted(per_tool)}
        for name, rows in made.items():
            write_jsonl(folder / f"{name}.jsonl", (row.to_dict() for row in rows))
        files = {name: folder / f"{name}.jsonl" for name in made}
        return cls({**files, **tiers}, {row.id: _tool(row) for row in fresh}, limit)


def measure(questions: Questions, models_dir: Path, versions: Sequence[str], model: ModelSettings) -> dict[str, Any]:
    """Return how many of each version's answers, decoded as served, are right and of how many: by tier and by tool.

    What was measured before is read back.
    """
    cache = models_dir / "reports" / "month"
    models = [refer(models_dir, name, model) for name in versions]
    counts: dict[str, dict[str, list[int]]] = {name: {} for name in versions}
    own = {name: file for name, file in questions.files.items() if name in (FRESH, TRIGGER)}
    rest = {name: file for name, file in questions.files.items() if name not in own}
    for files, limit in ((own, None), (rest, questions.limit)):
        if not files:
            continue
        settings = EvaluationSettings(held_out=files, limit=limit, max_new_tokens=96, format_given=False)
        found = evaluate(EvaluationRequest(models, None, settings, None, cache))
        for made in found.models:
            outcomes = made.served or made.outcomes
            for item, correct in zip(found.items, outcomes.correct, strict=True):
                kinds = [f"{item.tier}/{item.kind}"]
                if item.tier == FRESH:
                    kinds.append(questions.tool_of[item.id.split("/")[1].split("#")[0]])
                for kind in kinds:
                    tally = counts[made.name].setdefault(kind, [0, 0])
                    tally[0] += correct
                    tally[1] += 1
    return counts


def share(counts: dict[str, list[int]], kinds: Sequence[str]) -> float | None:
    """Return the share of right answers over several kinds together; None where none was asked."""
    asked = sum(counts[kind][1] for kind in kinds if kind in counts)
    return sum(counts[kind][0] for kind in kinds if kind in counts) / asked if asked else None


def _tool(row: Conversation) -> str:
    return row.messages[-1].tool_calls[0].name

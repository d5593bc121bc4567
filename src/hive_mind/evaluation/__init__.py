"""What models do on held-out questions: measured, paired on the same items, recorded."""

from __future__ import annotations

from hive_mind.evaluation.answers import Answer, Request, side_by_side
from hive_mind.evaluation.paired import Paired, compare
from hive_mind.evaluation.records import EVALUATION_FILE, Evaluation, ModelResult
from hive_mind.evaluation.run import EvaluationRequest, evaluate
from hive_mind.evaluation.settings import EvaluationSettings

__all__ = [
    "EVALUATION_FILE",
    "Answer",
    "Evaluation",
    "EvaluationRequest",
    "EvaluationSettings",
    "ModelResult",
    "Paired",
    "Request",
    "compare",
    "evaluate",
    "side_by_side",
]

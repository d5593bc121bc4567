"""BFCL v4: does a model call the right function with right arguments, and none where none fits?"""

from hive_mind.suites.bfcl.scores import Score, Scores, scores
from hive_mind.suites.bfcl.tasks import CATEGORIES, BfclTask, check, load

__all__ = ["CATEGORIES", "BfclTask", "Score", "Scores", "check", "load", "scores"]

"""Daily learning: what was used since, learnt, measured, and promoted only if it is better."""

from __future__ import annotations

from hive_mind.learning.settings import LearningSettings

__all__ = ["LearningSettings"]

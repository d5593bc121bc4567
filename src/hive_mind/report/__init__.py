"""The report of a run: FOUNDATION_MODEL_TRAINING.md and loss.png, written from measured records alone."""

from __future__ import annotations

from hive_mind.report.records import REPORT_FILE
from hive_mind.report.write import write

__all__ = ["REPORT_FILE", "write"]

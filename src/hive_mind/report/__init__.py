"""The report of a run: FOUNDATION_MODEL_TRAINING.md and loss.png, written from measured records alone."""

from __future__ import annotations

from hive_mind.report.write import REPORT_FILE, write

__all__ = ["REPORT_FILE", "write"]

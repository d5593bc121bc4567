"""The rules that decide whether a candidate is promoted, held or rejected."""

from __future__ import annotations

from hive_mind.gate.contest import Contest
from hive_mind.gate.guards import fall_checks
from hive_mind.gate.judgement import Judgement, judge
from hive_mind.gate.rules import decide
from hive_mind.gate.settings import GateSettings, Guard
from hive_mind.gate.verdict import VERDICT_FILE, Check, Verdict

__all__ = [
    "VERDICT_FILE", "Check", "Contest", "GateSettings", "Guard", "Judgement", "Verdict",
    "decide", "fall_checks", "judge",
]  # fmt: skip

"""What a month is made of: its plan, how a candidate is trained, how much is asked, and how far a guard may fall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hive_mind.learning.settings import LearningSettings
from month.foundation import VERSION, Foundation
from month.user import Plan

START = datetime(2026, 3, 2, tzinfo=UTC)
NIGHT = timedelta(days=1, hours=2)
"""The cycle of a day runs at two in the night after it."""
WORSE_RATE = 10.0
LORA = {"lora_r": 32, "lora_alpha": 64}
"""The shape of the foundation's adapter, which the control goes on with as daily learning does."""
GUARDED = {
    "your_tools": ("your_tools/call",),
    "chat": ("chat/no_tool",),
    "not_offered": ("not_offered/no_tool",),
    "no_tool": ("chat/no_tool", "not_offered/no_tool"),
}
"""What each guard is made of. The last is the gate's own: every row on which no tool is to be called, together."""
MARGINS = {"your_tools": 0.10, "chat": 0.10, "not_offered": 0.15, "no_tool": 0.10}
"""How far each may fall. The tiny base notices in four of five cases that no tool fits."""


@dataclass(frozen=True)
class Recipe:
    """A month's settings. The gate is asked `tier_limit` rows of each of the foundation's tiers, the report others."""

    plan: Plan = field(default_factory=Plan)
    learning_rate: float = 1.4e-3
    naive_rate: float = 1e-3
    epochs: int = 1
    replay_share: float = 0.7
    no_tool_share: float = 0.35
    per_tool: int = 70
    held_out_share: float = 0.4
    suite_days: int = 10
    min_items: int = 200
    min_new: int = 250
    fresh_per_tool: int = 10
    tier_limit: int = 50
    report_limit: int = 130
    crash_step: int = 20
    naive_every: int = 10
    training: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, folder: Path, foundation: Foundation) -> LearningSettings:
        """Return the settings of the month's cycles; the gate asks the tiers of `foundation`, all of them."""
        return LearningSettings.model_validate({
            "name": "daily", "models_dir": folder / "models", "dir": folder / "learning",
            "foundation": VERSION, "foundation_data": foundation.data,
            "trigger": {"min_new": self.min_new},
            "held_out": {"share": self.held_out_share, "days": self.suite_days, "min_items": self.min_items},
            "mix": {
                "replay_share": self.replay_share, "no_tool_share": self.no_tool_share, "per_tool": self.per_tool,
            },
            "usage": {"url": str(folder / "usage.sqlite"), "spool": folder / "spool", "exports": folder / "exports"},
            "model": {"base": "tiny"},
            "training": {
                "learning_rate": self.learning_rate, "epochs": self.epochs, "batch_size": 3, "grad_accum": 2,
                "max_length": 1536, "supervise": False, "device": "cpu", "checkpoint_every_steps": 10, **self.training,
            },
            "evaluation": {
                "held_out": foundation.tiers, "limit": self.tier_limit, "max_new_tokens": 96, "format_given": False,
                "suites": {"max_new_tokens": 96}, "device": "cpu",
            },
            "gate": {"guards": _guards(), "max_slowdown": 1000.0},
        })  # fmt: skip


def _guards() -> dict[str, dict[str, Any]]:
    """Return the gate's guards: the tiers by name, and the margin of the one that is always there."""
    return {
        name: {"tasks": [f"held_out/{kind}" for kind in GUARDED[name]], "margin": margin}
        for name, margin in MARGINS.items()
    }

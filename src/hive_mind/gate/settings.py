"""Settings of the gate; docs/GATE.md says what each rule is for."""

from __future__ import annotations

from hive_mind.config import Settings, setting


class GateSettings(Settings):
    """When a candidate takes the champion's place."""

    alpha: float = setting(0.05, "largest p of the exact one-sided McNemar test that counts as better", gt=0, lt=0.5)
    primary_tiers: list[str] | None = setting(
        None, "tiers whose tool calls decide, pooled by item; none = every tier with tool calls"
    )
    guard_tiers: list[str] | None = setting(
        None, "tiers whose requests without a fitting tool guard, the others are shown; none = every tier that has some"
    )
    min_call_items: int = setting(50, "fewer tool-call items than this decide nothing", ge=1)
    min_no_tool_items: int = setting(
        20, "with fewer items where no offered tool fits, only a whole 95 % interval below the floor rejects", ge=1
    )
    no_tool_margin: float = setting(
        0.05, "share of no-tool items that may be lost against a champion that calls tools itself", ge=0, le=1
    )
    no_tool_floor: float = setting(0.80, "least share of no-tool items answered without a call", ge=0, le=1)
    never_calls: float = setting(
        0.05, "a champion calling on less than this share of call items knows no tools: its no-tool score is free",
        ge=0, le=1,
    )  # fmt: skip
    stopped_floor: float = setting(
        0.90, "share of replies, tools offered, that must end by themselves if fewer do than before", ge=0, le=1
    )

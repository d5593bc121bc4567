"""Settings of the gate; docs/GATE.md says what each rule is for, configs/gate.yaml shows them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from hive_mind.config import Settings, read_yaml, setting

PATTERN = "`suite/category`, * for anything"


class Guard(Settings):
    """Tasks on which a candidate must not fall behind."""

    tasks: list[str] = setting(..., f"the tasks that guard: {PATTERN}", min_length=1)
    margin: float = setting(0.05, "a loss that chance does not explain and that is larger rejects", ge=0, le=1)
    floor: float = setting(0.0, "a loss that chance does not explain and that ends below this rejects", ge=0, le=1)
    silence_is_right: bool = setting(
        False, "these tasks want no call: a rival that never calls has them right for free, and the floor alone holds"
    )


GUARDS = {
    "no_tool": Guard(tasks=["held_out/*/no_tool"], floor=0.80, silence_is_right=True),
    "irrelevance": Guard(tasks=["bfcl/*irrelevance"], floor=0.80, silence_is_right=True),
    "plain": Guard(tasks=["held_out/*/plain"], floor=0.80, silence_is_right=True),
    "format": Guard(tasks=["format/*"], margin=0.10, floor=0.90),
    "code": Guard(tasks=["code/*"]),
    "shell": Guard(tasks=["nl2sh/*"]),
}
"""The guards that are always there; settings may change their tasks and bounds, and add others."""
LEAVES_TOOLS_ALONE = ("no_tool", "irrelevance")
"""One of these at least must have been measured: a model that always calls may look better everywhere else."""


class GateSettings(Settings):
    """When a candidate takes the champion's place."""

    file: Path | None = setting(None, "a YAML file with these settings, e.g. configs/gate.yaml; what is set here wins")
    alpha: float = setting(0.05, "largest p of the exact one-sided test that counts as better", gt=0, lt=0.5)
    primary: list[str] = setting(["held_out/*/call"], f"tasks that decide, pooled: {PATTERN}", min_length=1)
    min_primary: int = setting(50, "fewer primary tasks than this decide nothing", ge=1)
    guard_alpha: float | None = setting(None, "level that the guards share; none = alpha", gt=0, lt=0.5)
    guards: dict[str, Guard] = setting(GUARDS, "name: {tasks, margin, floor}; those shown here need not be named")
    min_guard: int = setting(
        20,
        "with fewer tasks on which silence is right, only a whole 95 % interval below the floor rejects; with fewer, "
        "daily learning does not compare a guard with the foundation",
        ge=1,
    )
    never_calls: float = setting(
        0.05, "a rival calling on less than this share of primary tasks knows no tools: its silence proves nothing",
        ge=0, le=1,
    )  # fmt: skip
    must_pass: list[str] = setting([], f"pinned tasks of which none may fail: {PATTERN}; or suite/id")
    max_slowdown: float = setting(3.0, "hold what takes this many times as long for a reply as its rival", gt=1)
    max_megabytes: float = setting(1024.0, "reject a version whose files are larger than this", gt=0)
    sealed: Path | None = setting(None, "held-out conversations asked only of what would be promoted; uses are counted")
    sealed_alpha: float = setting(0.2, "largest p of the gain on the sealed set", gt=0, le=0.5)
    sealed_uses: int = setting(20, "uses after which a sealed set is worn out and has to be replaced", ge=1)

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("file") is not None:
            return _merged(read_yaml(Path(values["file"])), values)
        return values

    @field_validator("guards", mode="before")
    @classmethod
    def _with_the_usual(cls, guards: Any) -> Any:
        if not isinstance(guards, dict):
            return guards
        usual = {name: guard.model_dump() for name, guard in GUARDS.items()}
        return _merged(usual, {name: _given(guard) for name, guard in guards.items()})


def _given(guard: Any) -> Any:
    return guard.model_dump(exclude_unset=True) if isinstance(guard, Guard) else guard


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return `under` with what `over` says in its place, section by section."""
    made = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = _merged(made[key], value) if both else value
    return made

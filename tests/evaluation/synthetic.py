"""Evaluations made of chosen outcomes, for the gate's rules and the tables."""

import random
from collections.abc import Mapping, Sequence

from hive_mind.evaluation.outcomes import Outcomes
from hive_mind.evaluation.records import Asked, Evaluation, Loss, ModelResult, Score

BASES = {name: {"id": f"test/{name}", "revision": None, "digest": name * 8} for name in ("one", "two")}
ADAPTER = {"digest": "a" * 64, "logit_change": 1.5}


def asked(**counts: int) -> list[Asked]:
    """Items by `<tier>__<kind>` or `<kind>` (then of tier `mine`): how many."""
    items = []
    for name, count in counts.items():
        tier, _, kind = name.rpartition("__")
        tier = tier or "mine"
        items += [Asked(f"{tier}/{kind}{number}", tier, tier, kind) for number in range(count)]
    return items


def flags(count: int, right: int, seed: int | None = None) -> list[bool]:
    """The first `right` of `count`, or as many anywhere."""
    made = [number < right for number in range(count)]
    if seed is not None:
        random.Random(seed).shuffle(made)
    return made


def model(
    name: str,
    items: Sequence[Asked],
    correct: Mapping[str, Sequence[bool]],
    *,
    base: str = "one",
    adapter: bool = True,
    calls: float = 1.0,
    stopped: Sequence[bool] | None = None,
    format_given: tuple[Score, ...] | None = None,
) -> ModelResult:
    """A model with given outcomes by kind or `<tier>__<kind>`; `calls` is the share of call items it calls on.

    On other items it calls exactly where it is wrong.
    """
    rest = {key: list(values) for key, values in correct.items()}
    right, called, call_items = [], [], [item for item in items if item.kind == "call"]
    for item in items:
        key = f"{item.tier}__{item.kind}" if f"{item.tier}__{item.kind}" in rest else item.kind
        right.append(rest[key].pop(0))
        called.append(call_items.index(item) < calls * len(call_items) if item.kind == "call" else not right[-1])
    assert not any(rest.values()), "more outcomes than items"
    outcomes = Outcomes(
        tuple(right), tuple(called), (False,) * len(items), tuple(stopped) if stopped else (True,) * len(items)
    )
    return ModelResult(
        name=name, role="version" if adapter else "base", base=BASES[base], adapter=ADAPTER if adapter else None,
        device="test CPU", dtype="float32", seconds=1.0, repairs={}, losses=(Loss("mine", "mine", 1.25, 100, 10),),
        scores=(), format_given=format_given, outcomes=outcomes,
    )  # fmt: skip


def evaluation(items: Sequence[Asked], *models: ModelResult) -> Evaluation:
    return Evaluation(
        "2026-02-05T22:19:35Z", {"digest": "s" * 64, "files": [], "conversations": len(items)}, {}, tuple(items),
        {"items": 0, "conversations": 0}, models,
    )  # fmt: skip

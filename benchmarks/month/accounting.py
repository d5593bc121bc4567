"""Where every interaction of a month is: in the store by its truth and state, in the datasets, in what is served.

What came in is counted as the user made it; what is there is read from the store, the cycles' records and the index of
the served version's dataset. `uneven` says where the two differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hive_mind import registry
from hive_mind.files import read_json
from hive_mind.learning.days import CYCLE_FILE, history
from hive_mind.learning.provenance import records_of
from hive_mind.learning.settings import LearningSettings
from hive_mind.usage.query import Filters
from hive_mind.usage.store import opened
from month.nights import told

GONE = ("rejected", "duplicates", "near_duplicates", "contaminated", "cut")
STEPS = ("collect", "suite", "choose", "dataset", "train")


def account(settings: LearningSettings, rows: Sequence[dict[str, Any]], truth: Mapping[str, str]) -> dict[str, Any]:
    """Return where every interaction is. `truth` has what each id that came in is, `rows` what came in on each day."""
    with opened(settings.usage) as store:
        states = {record.id: record.state for page in store.pages(Filters()) for record in page}
    by_truth: dict[str, Counter[str]] = {}
    for identity, kind in truth.items():
        by_truth.setdefault(kind, Counter())[states.get(identity, "missing")] += 1
    found = {
        "lived": sum(sum(row["lived"].values()) for row in rows),
        "seen_again": sum(row["seen_again"] for row in rows),
        "another_truth": sum(row["another_truth"] for row in rows),
        "told_apart": len(truth), "in_the_store": len(states),
        "by_truth": {kind: dict(tally) for kind, tally in by_truth.items()},
        "in_what_is_served": dict(_served(settings, truth)),
    }  # fmt: skip
    return {**found, "uneven": [*_store(found), *_cycles(settings)]}


def _served(settings: LearningSettings, truth: Mapping[str, str]) -> Counter[str]:
    """Count what the served version's own dataset holds, by truth, from the index beside it."""
    served = registry.latest(settings.models_dir)
    if served is None:
        return Counter()
    return Counter(truth.get(identity, "not lived") for identity in records_of(settings.models_dir, served)[served])


def _store(found: Mapping[str, Any]) -> Iterator[str]:
    if found["lived"] != found["in_the_store"] + found["seen_again"]:
        yield "the store: {lived} lived, {in_the_store} in the store, {seen_again} seen again".format(**found)
    if found["told_apart"] != found["in_the_store"]:
        yield "the store: {told_apart} told apart, {in_the_store} in the store".format(**found)
    for kind, states in found["by_truth"].items():
        if "missing" in states:
            yield f"the store: {states['missing']} of {kind} are missing"


def _cycles(settings: LearningSettings) -> Iterator[str]:
    """Yield where rows went missing, or came from nowhere, from the store to the pool, the choice and the dataset."""
    for line in history(settings.dir):
        steps = read_json(settings.dir / line["day"] / CYCLE_FILE)["steps"]
        done = {name: step["result"] for name, step in steps.items()}
        for said in uneven(done):
            yield f"{line['day']}: {said}"


def uneven(done: Mapping[str, Any]) -> Iterator[str]:
    """Yield where one cycle's steps do not add up."""
    pool = done.get("collect")
    if pool is None:
        return
    approved, pooled = pool["states"].get("approved", 0), pool["to_learn"] + pool["held_out"]
    if approved != pooled + sum(pool["left_out"].values()):
        yield f"{approved} approved, {pooled} in the pool, {pool['left_out']} left out"
    choice = done.get("choose")
    if choice is not None:
        gone = sum(choice["left_out"].values()) + sum(len(ids) for ids in choice["quarantined"].values())
        if pool["to_learn"] != choice["rows"] + gone:
            yield f"{pool['to_learn']} to learn, {choice['rows']} chosen, {gone} left out or held back"
    if choice is None or "dataset" not in done:
        return
    parts = done["dataset"]["parts"]
    if choice["rows"] != parts["usage"]["read"]:
        yield f"{choice['rows']} chosen, {parts['usage']['read']} read into the dataset"
    for part, counts in parts.items():
        if counts["read"] + counts["negatives"] != counts["train"] + sum(counts[key] for key in GONE):
            yield f"{part}: {counts}"


def attempts(settings: LearningSettings) -> list[dict[str, Any]]:
    """Return every finished cycle: its decision, what was chosen, what the dataset holds, and every model's scores."""
    return [_attempt(settings, line) for line in history(settings.dir)]


def _attempt(settings: LearningSettings, line: dict[str, Any]) -> dict[str, Any]:
    steps = read_json(settings.dir / line["day"] / CYCLE_FILE)["steps"]
    wanted = ("day", "attempt", "starts", "decision", "new", "candidate", "champion", "foundation", "scores")
    return {
        **{key: line[key] for key in wanted}, "reason": told(line),
        "steps": {name: steps[name]["result"] for name in STEPS if name in steps},
        "seconds": {name: step["seconds"] for name, step in steps.items()},
    }  # fmt: skip

"""How many months of daily attempts promote a model that is no better: `python -m tests.learning.months`.

Thirty candidates a month, each as good as the champion, before the gate as the cycle sets it up. The days of a month
ask the same questions but for the oldest, as a suite of the last thirty days does, and have the same champion: whatever
chance favours stays in favour for days. Models answer as in tests.gate.simulation.
"""

import argparse
from dataclasses import replace

import numpy as np

from hive_mind.evaluation.outcomes import Outcomes, SuiteResult, Task
from hive_mind.evaluation.records import Asked, Evaluation, ModelResult
from hive_mind.gate import decide
from hive_mind.learning.settings import ATTEMPTS_A_MONTH, LearningSettings
from tests.evaluation.synthetic import ADAPTER, BASES
from tests.gate.simulation import Population

SESSIONS, TURNS, OTHERS = 60, 4, 60
"""The suite: so many sessions of so many turns; and so many requests that no tool fits, as a guard."""


USUAL = Population()


def month(seed: int, people: Population = USUAL, settings: LearningSettings | None = None) -> int:
    """Put a month's candidates before the gate; returns how many were promoted, the champion staying."""
    gate = (settings or LearningSettings()).days_gate()
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(SESSIONS), TURNS)
    hardness = people.skill + people.cluster * rng.standard_normal(SESSIONS)[clusters]
    hardness = hardness + people.task * rng.standard_normal(len(clusters))

    def answers() -> np.ndarray:
        feel = people.feel * rng.standard_normal(SESSIONS)[clusters]
        return hardness + feel + people.luck * rng.standard_normal(len(clusters)) > 0

    champion = answers()
    return sum(
        decide(_compared(answers(), champion), "daily_v1", "old_v1", gate).promoted for _ in range(ATTEMPTS_A_MONTH)
    )


def _compared(mine: np.ndarray, theirs: np.ndarray) -> Evaluation:
    tasks = tuple(Task(f"t{n}", "weather", f"s{n // TURNS}") for n in range(len(mine)))
    items = tuple(Asked(f"i{n}", "test", "test", "no_tool", f"c{n}") for n in range(OTHERS))
    models = [
        ModelResult(
            name, "version", BASES["one"], ADAPTER, "test CPU", "float32", 1.0, {}, (), (), None,
            _outcomes(np.ones(OTHERS, dtype=bool)), (SuiteResult("usage", "s", tasks, served=_outcomes(flags)),),
        )
        for name, flags in (("old_v1", theirs), ("daily_v1", mine))
    ]  # fmt: skip
    suite = {"digest": "s", "files": [], "conversations": OTHERS}
    return Evaluation("2026-02-05T22:19:35Z", suite, {}, items, {"items": 0, "conversations": 0}, tuple(models))


def _outcomes(correct: np.ndarray) -> Outcomes:
    count = len(correct)
    return Outcomes(tuple(correct.tolist()), (False,) * count, (False,) * count, (True,) * count)


def main() -> None:
    """Print the share of months with a promotion, at a thirtieth of the level a day and at all of it for comparison."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--months", type=int, default=200)
    count = parser.parse_args().months
    spent = LearningSettings()
    careless = spent.model_copy(update={"monthly_alpha": 0.05 * ATTEMPTS_A_MONTH - 1e-9})
    for name, people in (("as the sample", USUAL), ("strong clusters", replace(USUAL, feel=0.8))):
        for said, settings in (("a thirtieth of 0.05 a day", spent), ("0.05 a day", careless)):
            wrong = sum(month(seed, people, settings) > 0 for seed in range(count))
            print(f"{name}, {said}: {wrong} of {count} months promote an equal model ({wrong / count:.1%})", flush=True)


if __name__ == "__main__":
    main()

"""How often the gate errs, by putting made models before it: `python -m tests.gate.simulation` (make gate-errors).

Suites have the sizes and clusters of the sample run's held-out files and of the evaluation data at hand. A model is
right on a task where skill + cluster + its own feel for the cluster + task + its own luck is above 0, all normal: so
both models find the same tasks hard, and either is better on whole tool sets than on others.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np

from hive_mind.evaluation.outcomes import Outcomes, SuiteResult, Task
from hive_mind.evaluation.paired import mcnemar
from hive_mind.evaluation.power import design_effect, power
from hive_mind.evaluation.records import Asked, Evaluation, ModelResult
from hive_mind.gate import GateSettings, decide
from tests.evaluation.synthetic import ADAPTER, BASES

# Of every suite and category how many clusters have so many tasks. BFCL's are those of the half that tests are run on.
HELD_OUT = {
    "your_tools/call": {1: 105, 2: 15, 3: 3, 4: 4},
    "unseen_tools/call": {1: 46, 2: 18, 3: 8, 4: 4, 6: 4, 8: 2},
    "test/call": {1: 49, 2: 11, 3: 4, 4: 1, 28: 1},
    "your_tools/no_tool": {1: 19, 2: 1},
    "chat/no_tool": {1: 65, 2: 9, 3: 4, 4: 1},
    "test/no_tool": {1: 54, 2: 9, 3: 2, 4: 1},
    "test/plain": {1: 25},
}
OTHERS = {
    "bfcl": {
        "simple_python": {1: 186, 2: 7}, "multiple": {1: 100}, "parallel": {1: 88, 2: 6}, "parallel_multiple": {1: 100},
        "live_simple": {1: 36, 2: 6, 3: 4, 5: 2, 6: 2, 7: 1, 8: 1, 10: 2, 13: 1}, "live_parallel": {2: 1, 6: 1},
        "live_multiple": {1: 80, 2: 30, 4: 30, 6: 15, 10: 6, 13: 1, 14: 1, 15: 2, 16: 3}, "live_relevance": {1: 8},
        "live_parallel_multiple": {1: 10, 2: 1}, "irrelevance": {1: 118, 2: 1},
        "live_irrelevance": {1: 140, 2: 25, 4: 9, 7: 6, 8: 2, 15: 1, 58: 1, 67: 1},
    },
    "nl2sh": {"test": {1: 208}},
    "code": {"humaneval": {1: 164}, "mbpp": {1: 250}},
}  # fmt: skip


@dataclass(frozen=True)
class Population:
    """How models come to their answers: deviations of the latent normal's parts, and the first model's skill."""

    skill: float = 0.2
    cluster: float = 0.6
    feel: float = 0.45
    task: float = 0.8
    luck: float = 0.5


@dataclass(frozen=True)
class World:
    """The tasks of every suite; `clusters` numbers each task's cluster across all."""

    items: tuple[Asked, ...]
    suites: dict[str, tuple[Task, ...]]
    clusters: np.ndarray
    primary: np.ndarray

    @property
    def sizes(self) -> list[int]:
        """Sizes of the primary tasks' clusters."""
        return list(Counter(self.clusters[self.primary].tolist()).values())


def make_world() -> World:
    """Lay out the tasks of every suite."""
    clusters: list[int] = []
    items, suites = [], {}

    def tasks(where: str, sizes: dict[int, int]):
        for size in (size for size, count in sizes.items() for _ in range(count)):
            number = clusters[-1] + 1 if clusters else 0
            for place in range(size):
                clusters.append(number)
                yield f"{where}/{number}.{place}", str(number)

    for category, sizes in HELD_OUT.items():
        tier, kind = category.split("/")
        items += [Asked(name, tier, tier, kind, cluster) for name, cluster in tasks(f"held_out/{category}", sizes)]
    for suite, categories in OTHERS.items():
        suites[suite] = tuple(
            Task(name, category, cluster)
            for category, sizes in categories.items()
            for name, cluster in tasks(f"{suite}/{category}", sizes)
        )
    primary = np.array([item.kind == "call" for item in items] + [False] * sum(map(len, suites.values())))
    return World(tuple(items), suites, np.array(clusters), primary)


def draw(world: World, people: Population, gain: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the outcomes of a candidate and of its rival on every task; `gain` is added to the candidate's skill."""
    n, k = len(world.clusters), int(world.clusters.max()) + 1
    shared = (
        people.skill + people.cluster * rng.standard_normal(k)[world.clusters] + people.task * rng.standard_normal(n)
    )

    def model(skill: float) -> np.ndarray:
        feel = people.feel * rng.standard_normal(k)[world.clusters]
        return shared + skill + feel + people.luck * rng.standard_normal(n) > 0

    return model(gain), model(0.0)


def compared(world: World, mine: np.ndarray, theirs: np.ndarray) -> Evaluation:
    """The evaluation of two models with these outcomes."""
    models = []
    for name, flags in (("old_v1", theirs), ("new_v1", mine)):
        parts = np.split(flags, np.cumsum([len(world.items), *map(len, world.suites.values())])[:-1])
        results = tuple(
            SuiteResult(suite, "s", tasks, served=_outcomes(part))
            for (suite, tasks), part in zip(world.suites.items(), parts[1:], strict=True)
        )
        models.append(ModelResult(
            name, "version", BASES["one"], ADAPTER, "test CPU", "float32", 1.0, {}, (), (), None, _outcomes(parts[0]),
            results,
        ))  # fmt: skip
    suite = {"digest": "s", "files": [], "conversations": len(world.items)}
    return Evaluation("2026-02-05T22:19:35Z", suite, {}, world.items, {"items": 0, "conversations": 0}, tuple(models))


def _outcomes(correct: np.ndarray) -> Outcomes:
    count = len(correct)
    return Outcomes(tuple(correct.tolist()), (True,) * count, (False,) * count, (True,) * count)


@dataclass
class Tally:
    """What became of many comparisons."""

    trials: int = 0
    promoted: int = 0
    rejected: int = 0
    primary_passed: int = 0
    naive: int = 0
    """How often McNemar's test over single tasks would have passed."""

    def share(self, of: str) -> float:
        return getattr(self, of) / self.trials


def trial(world: World, people: Population, gain: float, trials: int, seed: int, settings: GateSettings) -> Tally:
    """Put candidates before the gate."""
    rng, tally = np.random.default_rng(seed), Tally()
    for _ in range(trials):
        mine, theirs = draw(world, people, gain, rng)
        verdict = decide(compared(world, mine, theirs), "new_v1", "old_v1", settings)
        primary = next(check for check in verdict.checks if check.name == "primary")
        tally.trials += 1
        tally.promoted += verdict.promoted
        tally.rejected += verdict.decision == "reject"
        tally.primary_passed += primary.outcome == "pass"
        tally.naive += mcnemar(primary.figures["wins"], primary.figures["losses"]) < settings.alpha
    return tally


def predicted(world: World, people: Population, gain: float, alpha: float = 0.05) -> tuple[float, float, float, float]:
    """Return (power, difference, discordance, design effect) as they can be computed before anything is asked.

    The two shares and the correlation within clusters are taken from a million pairs of tasks of one cluster each.
    """
    pairs = World((), {}, np.repeat(np.arange(1_000_000), 2), np.ones(2_000_000, dtype=bool))
    mine, theirs = draw(pairs, people, gain, np.random.default_rng(0))
    differences = mine.astype(int) - theirs.astype(int)
    difference, discordance = float(differences.mean()), float(np.abs(differences).mean())
    correlation = float(np.corrcoef(differences[::2], differences[1::2])[0, 1])
    design = design_effect(world.sizes, correlation)
    return power(sum(world.sizes), difference, discordance, design, alpha), difference, discordance, design


def main() -> None:
    """Print the gate's errors: equal models, and better ones beside the power computed beforehand."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--comparisons", type=int, default=1000)
    count = parser.parse_args().comparisons
    world, settings = make_world(), GateSettings()
    print(
        f"{int(world.primary.sum())} primary tasks in {len(world.sizes)} clusters, {len(world.clusters):,} tasks in all"
    )
    equal = {
        "as the sample": Population(), "no clusters": Population(cluster=0, feel=0),
        "strong clusters": Population(feel=0.8), "weak models": Population(skill=-1.2),
    }  # fmt: skip
    print(f"\n{count:,} equal pairs each      promoted  primary passed  McNemar over tasks  rejected")
    worst = 0.0
    for number, (name, people) in enumerate(equal.items()):
        tally = trial(world, people, 0.0, count, number, settings)
        worst = max(worst, tally.share("promoted"))
        shares = [tally.share(of) for of in ("promoted", "primary_passed", "naive", "rejected")]
        print(f"{name:<24}{shares[0]:>12.1%}{shares[1]:>16.1%}{shares[2]:>20.1%}{shares[3]:>10.1%}", flush=True)
    print(f"\n{count:,} better candidates each  gain  disagree  design  power before  primary passed  promoted")
    for number, gain in enumerate((0.15, 0.25, 0.35)):
        expected, difference, discordance, design = predicted(world, Population(), gain)
        tally = trial(world, Population(), gain, count, 100 + number, settings)
        print(
            f"skill +{gain:<20}{difference:>9.1%}{discordance:>10.1%}{design:>8.2f}{expected:>14.1%}"
            f"{tally.share('primary_passed'):>16.1%}{tally.share('promoted'):>10.1%}", flush=True,
        )  # fmt: skip
    if worst > 0.05 + 2.33 * np.sqrt(0.05 * 0.95 / count):
        sys.exit(f"equal models were promoted in {worst:.1%} of comparisons, which chance does not explain at 5 %")


if __name__ == "__main__":
    main()

"""What one model came to on one suite, task by task, and two models paired on the tasks that both were asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from hive_mind.evaluation.paired import Paired, compare

Decoding = Literal["free", "served"]
DECODINGS: tuple[Decoding, ...] = ("served", "free")
"""How replies were made, the one that decides first: as served (calls constrained to the declared tools), or plain."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task without its text. Tasks of one `cluster` depend on each other, e.g. by offering the same tools."""

    id: str
    category: str
    cluster: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One flag a task, in the order of the tasks."""

    correct: tuple[bool, ...]
    called: tuple[bool, ...]
    repaired: tuple[bool, ...]
    stopped: tuple[bool, ...]

    def to_dict(self) -> dict[str, str]:
        """Write each list of flags as a string of 0 and 1."""
        return {f.name: "".join("01"[flag] for flag in getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, row: Mapping[str, str]) -> Outcomes:
        return cls(*(tuple(flag == "1" for flag in row[f.name]) for f in fields(cls)))


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """One model on one suite. `digest` names the questions; `unavailable` says why there are no outcomes.

    paths: the files or folders that the tasks were read from, by name. figures: by decoding what the suite counts
    beside right and wrong (see evaluation.suites); under "left_out" how many tasks do not count, by reason. Raises
    ValueError unless there is one flag a task in every decoding.
    """

    suite: str
    digest: str
    tasks: tuple[Task, ...] = ()
    free: Outcomes | None = None
    served: Outcomes | None = None
    unavailable: str = ""
    paths: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for outcomes in (self.free, self.served):
            for f in fields(Outcomes) if outcomes is not None else ():
                if len(getattr(outcomes, f.name)) != len(self.tasks):
                    raise ValueError(f"{self.suite} has {len(self.tasks)} tasks, which is not how many are {f.name}")

    @classmethod
    def missing(cls, suite: str, reason: str) -> SuiteResult:
        """A suite that could not be asked: never a score of zero."""
        return cls(suite, "", unavailable=reason)

    def to_dict(self) -> dict[str, Any]:
        row = {f.name: getattr(self, f.name) for f in fields(self)}
        row["tasks"] = [asdict(task) for task in self.tasks]
        return row | {name: outcomes and outcomes.to_dict() for name, outcomes in self._decodings().items()}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> SuiteResult:
        values = {f.name: row[f.name] for f in fields(cls) if f.name in row}  # the last two are not in older records
        values["tasks"] = tuple(Task(**task) for task in row["tasks"])
        return cls(**values | {name: row[name] and Outcomes.from_dict(row[name]) for name in DECODINGS})

    def outcomes(self, decoding: Decoding) -> Outcomes | None:
        """Return the outcomes in one decoding, None if it was not asked so."""
        return self._decodings()[decoding]

    def _decodings(self) -> dict[Decoding, Outcomes | None]:
        return {"served": self.served, "free": self.free}


@dataclass(frozen=True, slots=True)
class Row:
    """A task with what either model came to: (correct, called)."""

    suite: str
    task: Task
    mine: tuple[bool, bool]
    theirs: tuple[bool, bool]

    @property
    def where(self) -> str:
        """The suite and category, which the gate's patterns are matched with."""
        return f"{self.suite}/{self.task.category}"


@dataclass(frozen=True)
class Pairing:
    """Two models on the tasks that both were asked. `unavailable` says of a suite why it is not among them."""

    rows: tuple[Row, ...]
    decodings: dict[str, Decoding]
    digests: dict[str, str]
    unavailable: dict[str, str] = field(default_factory=dict)


def pair(mine: Sequence[SuiteResult], theirs: Sequence[SuiteResult]) -> Pairing:
    """Pair two models' results: of each suite the decoding that decides among those that both were asked in."""
    others = {result.suite: result for result in theirs}
    made = Pairing((), {}, {}, {})
    rows: list[Row] = []
    for result in mine:
        other = others.get(result.suite, SuiteResult.missing(result.suite, "one of the two models was not asked"))
        reason = result.unavailable or other.unavailable
        if not reason and result.digest != other.digest:
            reason = "the two models were asked different questions"
        common = [name for name in DECODINGS if result.outcomes(name) and other.outcomes(name)]
        if reason or not common:
            made.unavailable[result.suite] = reason or "the two models were asked in different ways"
            continue
        made.decodings[result.suite], made.digests[result.suite] = common[0], result.digest
        rows += _rows(result, other, common[0])
    return Pairing(tuple(rows), made.decodings, made.digests, made.unavailable)


def compare_rows(rows: Sequence[Row]) -> Paired:
    """Compare the two models on these tasks. Raises ValueError if there are none."""
    return compare(
        [row.mine[0] for row in rows],
        [row.theirs[0] for row in rows],
        [f"{row.suite}/{row.task.cluster}" for row in rows],
    )


def _rows(mine: SuiteResult, theirs: SuiteResult, decoding: Decoding) -> list[Row]:
    found = {task.id: flags for task, flags in _flags(theirs, decoding)}
    return [Row(mine.suite, task, flags, found[task.id]) for task, flags in _flags(mine, decoding) if task.id in found]


def _flags(result: SuiteResult, decoding: Decoding) -> list[tuple[Task, tuple[bool, bool]]]:
    outcomes = result.outcomes(decoding)
    assert outcomes is not None
    return list(zip(result.tasks, zip(outcomes.correct, outcomes.called, strict=True), strict=True))

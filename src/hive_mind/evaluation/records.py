"""evaluation.json: which models were asked what, what each of them scored, and every outcome for pairing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from hive_mind.errors import UsageError
from hive_mind.evaluation.outcomes import Outcomes, SuiteResult, Task
from hive_mind.evaluation.paired import Paired, compare
from hive_mind.files import read_json, write_json

EVALUATION_FILE = "evaluation.json"
FORMAT = 1
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Asked:
    """An item of the evaluation without its text; `kind` is call, no_tool or plain (see suites.held_out).

    Items of one `cluster` offer the same tools; records of before have none, and each item stands for itself.
    """

    id: str
    tier: str
    source: str
    kind: str
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """A model on the items of one tier, source and kind. `low` and `high` are the 95 % Wilson interval of `share`.

    Counts: `called` replies that call or try to, `repaired` ones the parser had to mend, `stopped` ones that ended by
    themselves.
    """

    tier: str
    source: str
    kind: str
    items: int
    correct: int
    share: float
    low: float
    high: float
    called: int
    repaired: int
    stopped: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Mean negative log-likelihood (nats) of a tier's labelled tokens, by source."""

    tier: str
    source: str
    loss: float
    tokens: int
    conversations: int


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model's part. `role` is base, baseline, champion, candidate or version.

    `adapter` is None for a plain base, else {digest, bytes, logit_change}: the size of the version's files and the
    largest change of a logit that the adapter made on real prompts. `format_given` holds the scores on call items when
    the reply's beginning was given. `outcomes` are of plain decoding, `served` of calls held to the declared tools,
    None where the base's calls cannot be. `suites` are the results on suites other than the held-out items. `seconds`
    were spent on plain decoding, of held-out items and suites.
    """

    name: str
    role: str
    base: dict[str, Any]
    adapter: dict[str, Any] | None
    device: str
    dtype: str
    seconds: float
    repairs: dict[str, int]
    losses: tuple[Loss, ...]
    scores: tuple[Score, ...]
    format_given: tuple[Score, ...] | None
    outcomes: Outcomes
    suites: tuple[SuiteResult, ...] = ()
    served: Outcomes | None = None

    def loss(self, source: str | None = None) -> float | None:
        """Return the loss over all labelled tokens, or over one source's; None if there are none."""
        rows = [row for row in self.losses if source is None or row.source == source]
        tokens = sum(row.tokens for row in rows)
        return sum(row.loss * row.tokens for row in rows) / tokens if tokens else None

    def to_dict(self) -> dict[str, Any]:
        row = {f.name: getattr(self, f.name) for f in fields(self)}
        row["losses"] = [asdict(loss) for loss in self.losses]
        row["scores"] = [asdict(score) for score in self.scores]
        row["format_given"] = None if self.format_given is None else [asdict(score) for score in self.format_given]
        row["outcomes"] = self.outcomes.to_dict()
        row["served"] = self.served and self.served.to_dict()
        row["suites"] = [suite.to_dict() for suite in self.suites]
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> ModelResult:
        values = {f.name: row[f.name] for f in fields(cls) if f.name not in ("served", "suites")}
        values["losses"] = tuple(Loss(**loss) for loss in row["losses"])
        values["scores"] = tuple(Score(**score) for score in row["scores"])
        given = row["format_given"]
        values["format_given"] = None if given is None else tuple(Score(**score) for score in given)
        values["outcomes"] = Outcomes.from_dict(row["outcomes"])
        served, suites = row.get("served"), row.get("suites", ())  # records of before have none
        values["served"] = served and Outcomes.from_dict(served)
        return cls(**values, suites=tuple(SuiteResult.from_dict(suite) for suite in suites))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Models measured on the same items. `left_out` counts what was too long for a model and so asked of none."""

    created: str
    suite: dict[str, Any]
    settings: dict[str, Any]
    items: tuple[Asked, ...]
    left_out: dict[str, int]
    models: tuple[ModelResult, ...]

    def model(self, name: str) -> ModelResult:
        """Return a model by name or role. Raises UsageError if it was not evaluated."""
        for model in (*(m for m in self.models if m.name == name), *(m for m in self.models if m.role == name)):
            return model
        raise UsageError(f"{name} was not evaluated here; evaluated were {', '.join(m.name for m in self.models)}")

    def flags(self, model: ModelResult, of: str, where: Callable[[Asked], bool]) -> list[bool]:
        """Return one kind of outcome (correct, called, repaired, stopped) on the items that `where` accepts."""
        return [flag for item, flag in zip(self.items, getattr(model.outcomes, of), strict=True) if where(item)]

    def paired(
        self, a: ModelResult, b: ModelResult, where: Callable[[Asked], bool], of: str = "correct"
    ) -> Paired | None:
        """Compare one outcome of two models on the items that `where` accepts; None if there are none."""
        mine, theirs = self.flags(a, of, where), self.flags(b, of, where)
        return compare(mine, theirs, [item.cluster or item.id for item in self.items if where(item)]) if mine else None

    def results(self, model: ModelResult) -> tuple[SuiteResult, ...]:
        """Return a model's results by suite, the held-out items first.

        Without a suite `format`, as in records of before, the replies to held-out items that offer tools are taken for
        one: right is what ended by itself and could be read as it was.
        """
        tasks = tuple(map(_task, self.items))
        held_out = SuiteResult("held_out", self.suite["digest"], tasks, model.outcomes, model.served)
        measured = {suite.suite for suite in model.suites}
        if "format" in measured:
            return (held_out, *model.suites)
        offered = [index for index, item in enumerate(self.items) if item.kind != "plain"]
        tasks = tuple(Task(i.id, f"held_out/{i.tier}", _cluster(i)) for i in map(self.items.__getitem__, offered))
        well_formed = SuiteResult("format", self.suite["digest"], tasks, free=_well_formed(model.outcomes, offered))
        return (held_out, well_formed, *model.suites)

    def asked(self, model: ModelResult) -> int:
        """Return how many replies a model's `seconds` were spent on."""
        return len(self.items) + sum(len(suite.tasks) for suite in model.suites if suite.suite != "format")

    def groups(self) -> list[tuple[str, str]]:
        """Return every (tier, kind) in the order of the items."""
        return list(dict.fromkeys((item.tier, item.kind) for item in self.items))

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "created": self.created,
            "suite": self.suite,
            "settings": self.settings,
            "left_out": self.left_out,
            "models": [model.to_dict() for model in self.models],
            "items": [asdict(item) for item in self.items],
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Evaluation:
        """Read an evaluation's JSON. Raises KeyError, TypeError or ValueError if it is not one."""
        if row["format"] != FORMAT:
            raise ValueError(f"its format is {row['format']!r}, this program writes {FORMAT}")
        return cls(
            created=row["created"],
            suite=row["suite"],
            settings=row["settings"],
            items=_rows(Asked, row["items"]),
            left_out=row["left_out"],
            models=tuple(ModelResult.from_dict(model) for model in row["models"]),
        )

    def write(self, file: Path) -> None:
        """Write the record atomically."""
        write_json(file, self.to_dict())

    @classmethod
    def load(cls, file: Path) -> Evaluation:
        """Read evaluation.json. Raises UsageError if it is missing or not one, DataRefused if it is not JSON."""
        try:
            return cls.from_dict(read_json(file))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{file} is not an evaluation ({error}); delete it and run `hive-mind evaluate`") from None


def _task(item: Asked) -> Task:
    return Task(item.id, f"{item.tier}/{item.kind}", _cluster(item))


def _cluster(item: Asked) -> str:
    return item.cluster or item.id


def _well_formed(outcomes: Outcomes, offered: Sequence[int]) -> Outcomes:
    flags = {f.name: tuple(getattr(outcomes, f.name)[index] for index in offered) for f in fields(Outcomes)}
    well = tuple(
        stopped and not repaired for stopped, repaired in zip(flags["stopped"], flags["repaired"], strict=True)
    )
    return Outcomes(**flags | {"correct": well})


def _rows(kind: type[Row], rows: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(kind(**row) for row in rows)

"""A candidate and the model that it is compared with, on the same tasks, chosen by patterns of suite and category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from hive_mind.errors import UsageError
from hive_mind.evaluation.outcomes import Pairing, Row, compare_rows, pair
from hive_mind.evaluation.paired import Paired
from hive_mind.evaluation.records import Evaluation, ModelResult
from hive_mind.gate.settings import GateSettings


@dataclass(frozen=True)
class Contest:
    """Two models of one evaluation and the rules between them."""

    evaluation: Evaluation
    candidate: ModelResult
    rival: ModelResult
    settings: GateSettings

    @cached_property
    def pairing(self) -> Pairing:
        """Both models' outcomes, task by task."""
        return pair(self.evaluation.results(self.candidate), self.evaluation.results(self.rival))

    @cached_property
    def groups(self) -> dict[str, list[Row]]:
        """The tasks by suite and category, in the order of the evaluation."""
        groups: dict[str, list[Row]] = {}
        for row in self.pairing.rows:
            groups.setdefault(row.where, []).append(row)
        return groups

    @property
    def new_base(self) -> bool:
        return bool(self.candidate.base["digest"] != self.rival.base["digest"])

    def rows(self, patterns: Sequence[str], named: str) -> list[Row]:
        """Return the tasks that the patterns choose; `named` is the setting that holds them.

        A suite that was not measured has none. Raises UsageError if one that was has no such category.
        """
        for pattern in patterns:
            self._check(pattern, named)
        chosen = [where for where in self.groups if any(fnmatchcase(where, pattern) for pattern in patterns)]
        return [row for where in chosen for row in self.groups[where]]

    def pinned(self) -> list[Row]:
        """Return the must-pass tasks, by category or by id. Raises UsageError if a pattern chooses none."""
        chosen: dict[str, Row] = {}
        for pattern in self.settings.must_pass:
            found = [
                row
                for row in self.pairing.rows
                if fnmatchcase(row.where, pattern) or f"{row.suite}/{row.task.id}" == pattern
            ]
            if not found:
                raise UsageError(
                    f"gate.must_pass names {pattern!r}, but no task of the evaluation is that; there are "
                    f"{', '.join(self.groups) or 'none'}"
                )
            chosen |= {f"{row.suite}/{row.task.id}": row for row in found}
        return list(chosen.values())

    def why_absent(self, patterns: Sequence[str]) -> str:
        """Return why the suites that the patterns name were not measured; "" if nothing is known of them."""
        suites = dict.fromkeys(pattern.partition("/")[0] for pattern in patterns)
        absent = {suite: reason for suite, reason in self.pairing.unavailable.items() if suite in suites}
        return "; ".join(f"{suite} is unavailable: {reason}" for suite, reason in absent.items())

    def calls_rate(self) -> float:
        """Return on what share of the primary tasks the rival calls a tool, or tries to."""
        rows = self.rows(self.settings.primary, "primary")
        return sum(called for _, called in (row.theirs for row in rows)) / len(rows) if rows else 0.0

    def _check(self, pattern: str, named: str) -> None:
        suite = pattern.partition("/")[0]
        known = [where for where in self.groups if where.partition("/")[0] == suite]
        if "*" in pattern or not known or any(fnmatchcase(where, pattern) for where in known):
            return
        raise UsageError(f"gate.{named} names {pattern!r}, but {suite} was evaluated in {', '.join(known)}")


def paired(rows: Sequence[Row]) -> Paired | None:
    """Compare candidate and rival on these tasks; None if there are none."""
    return compare_rows(rows) if rows else None

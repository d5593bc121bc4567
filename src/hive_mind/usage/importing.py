"""Records of use that other programs left behind, into the store: each interaction once, however often it is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hive_mind.catalogue.select import offer
from hive_mind.conversation import JSON, Tool
from hive_mind.errors import DataRefused, UsageError
from hive_mind.files import json_line
from hive_mind.interaction import Interaction
from hive_mind.parallel import batched
from hive_mind.progress import Progress, track
from hive_mind.sources.layout import KNOWN, Layout, layout_of
from hive_mind.sources.recorded import Tally
from hive_mind.sources.transcripts import is_tools_file
from hive_mind.usage.store import Store

AT_ONCE = 100
"""Interactions a transaction: an import that is interrupted keeps those before, and passes over them the next time."""


@dataclass
class ImportReport:
    """What was read and what became of it.

    `calls` counts every call that was seen by (tool, fate), `became` the interactions by what the store made of them
    (`new`, `seen` before, `joined` with another's sighting, `forgotten`), `outcomes` by their outcome. `complete` are
    the files that were read to their end, `unchanged` says how many were passed over as seen before.
    """

    files: Counter[str] = field(default_factory=Counter)
    not_read: list[str] = field(default_factory=list)
    complete: list[Path] = field(default_factory=list)
    unchanged: int = 0
    became: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)

    def to_dict(self) -> JSON:
        """Return the report as plain JSON values."""
        calls: dict[str, dict[str, int]] = {}
        for (tool, fate), count in sorted(self.tally.calls.items()):
            calls.setdefault(tool, {})[fate] = count
        return {
            "files": dict(self.files), "not_read": self.not_read, "interactions": dict(self.became),
            "outcomes": dict(self.outcomes), "calls": calls, "passed_over": dict(self.tally.passed_over.most_common()),
            "programs": dict(self.tally.programs.most_common()),
        }  # fmt: skip


def import_files(
    paths: Sequence[Path], store: Store, tools: dict[str, Tool] | None = None, layout: Layout | None = None,
    seen: Callable[[Path], bool] | None = None,
) -> ImportReport:  # fmt: skip
    """Read files, and the files in folders below, in this order into the store.

    What layout a file has is told by its content unless `layout` is given. `tools` are declarations by the names that
    clients give them: a session that does not hold its tools' declarations gets those, and of many the best. A file
    that `seen` knows is passed over; one that cannot be read is listed with the reason, and stops no other.
    Raises UsageError if a path is missing, StoreAway if the store cannot be used.
    """
    report = ImportReport()
    files = list(_files(paths))
    with track("importing", len(files), "files") as progress:
        for file in files:
            try:
                if seen is not None and seen(file):
                    report.unchanged += 1
                elif (found := layout or layout_of(file)) is None:
                    report.not_read.append(f"{file} (none of: {KNOWN})")
                else:
                    report.files[found.name] += 1
                    _import(found.read(file, report.tally), store, tools or {}, report, progress)
                    report.complete.append(file)
            except OSError as error:
                report.not_read.append(f"{file} ({error.strerror or error})")
            except DataRefused as error:  # the tools file beside a run is broken
                report.not_read.append(f"{file} ({error})")
            progress.advance()
    return report


def _import(
    made: Iterator[Interaction], store: Store, tools: dict[str, Tool], report: ImportReport, progress: Progress
) -> None:
    for batch in batched(made, AT_ONCE):
        kept = [one for one in batch if _can_be_kept(one, report.tally)]
        report.outcomes.update(one.outcome for one in kept)
        applied = store.add_many(_declared(one, tools) for one in kept)
        report.became.update(one.what for one in applied)
        progress.advance(0, f"{report.became['new']:,} new")


def _can_be_kept(interaction: Interaction, tally: Tally) -> bool:
    """Tell whether an interaction can be written as JSON: what is nested 254 times deep cannot."""
    messages = [*interaction.messages, interaction.answer, *interaction.results]
    try:
        json_line([[part.to_dict() for part in messages], [tool.to_dict() for tool in interaction.tools]])
    except TypeError:
        tally.passed_over["value that cannot be written as JSON"] += 1
        return False
    return True


def _declared(interaction: Interaction, tools: dict[str, Tool]) -> Interaction:
    """Put the catalogue's declarations in the place of those guessed from calls, and offer the best others."""
    if interaction.source != "claude_code" or not tools:
        return interaction
    own = [tools.get(tool.name, tool) for tool in interaction.tools]
    others = [tool for name, tool in tools.items() if name not in {tool.name for tool in own}]
    called = {call.name for call in interaction.answer.tool_calls}
    return replace(interaction, tools=tuple(offer(interaction.messages, [*own, *others], also=called)))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            within = sorted(file for file in path.rglob("*") if file.suffix in (".jsonl", ".json") and file.is_file())
            yield from (file for file in within if not is_tools_file(file))  # read with the runs that lie beside it
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"{path} does not exist; name a file or a folder with {KNOWN}")

"""`hive-mind usage import`: interactions that other programs recorded, into the store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hive_mind.cli.output import print_json

if TYPE_CHECKING:
    from hive_mind.catalogue.settings import CatalogueSettings
    from hive_mind.usage.importing import ImportReport
    from hive_mind.usage.settings import UsageSettings

MOST_TOOLS, MOST_PROGRAMS = 15, 10
_SETTING = re.compile(r"(usage|catalogue)\.[\w.]+=")


def import_usage(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH...] [usage.KEY=VALUE]", help="files or folders, in the order to read them; settings that win"
        ),
    ] = None,
    claude_code: Annotated[
        bool, typer.Option("--claude-code", help="the sessions of Claude Code under ~/.claude/projects")
    ] = False,
    shell_history: Annotated[
        bool, typer.Option("--shell-history", help="the histories of bash and zsh; with PATHs, these are histories")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="a settings file; its usage and catalogue sections are used")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Bring in what was recorded elsewhere; what each file is, is told by its content.

    Read are sessions of Claude Code, transcripts of OpenAI messages with tools, runs of agents, log rows of the
    training report, and shell histories. What is there already is not taken twice, so this can be repeated.
    Exit codes: 0 done, 1 the store is away, 2 a path is missing or nothing was named.
    """
    from hive_mind.catalogue.file import client_names, read_catalogue
    from hive_mind.errors import UsageError
    from hive_mind.sources import claude_code as sessions
    from hive_mind.sources import shell_history as histories
    from hive_mind.sources.layout import SHELL_HISTORY
    from hive_mind.usage.importing import import_files
    from hive_mind.usage.store import opened

    overrides = [word for word in paths or () if _SETTING.match(word)]
    named = [Path(word).expanduser() for word in paths or () if word not in overrides]
    histories_named = shell_history and bool(named)
    if claude_code:
        named.append(sessions.FOLDER.expanduser())
    if shell_history and not histories_named:
        named += [file for file in (path.expanduser() for path in histories.FILES) if file.exists()]
    if not named:
        raise UsageError("nothing was named to import; give files or folders, --claude-code or --shell-history")
    usage, catalogue = _settings(config, overrides)
    tools = client_names(read_catalogue(catalogue.file))
    with opened(usage) as store:
        report = import_files(named, store, tools, SHELL_HISTORY if histories_named else None)
        where = store.where
    _show(report, where)
    if json_output:
        print_json(report.to_dict())


def _settings(config: Path | None, overrides: list[str]) -> tuple[UsageSettings, CatalogueSettings]:
    from pydantic import ConfigDict

    from hive_mind.catalogue.settings import CatalogueSettings
    from hive_mind.config import Settings, load, setting
    from hive_mind.usage.settings import UsageSettings

    class File(Settings):
        model_config = ConfigDict(extra="ignore", frozen=True)
        usage: UsageSettings = setting(UsageSettings(), "the usage store")
        catalogue: CatalogueSettings = setting(CatalogueSettings(), "the user's tools")

    loaded = load(File, config, overrides)
    return loaded.usage, loaded.catalogue


def _show(report: ImportReport, where: str) -> None:
    from collections import Counter

    from hive_mind.curation.tables import aligned

    for line in report.not_read:
        print(f"not read: {line}")
    by_tool: Counter[str] = Counter()
    for (tool, _), count in report.tally.calls.items():
        by_tool[tool] += count
    fates = sorted({fate for _, fate in report.tally.calls})
    if by_tool:
        rows = [
            [tool, f"{count:,}", *(f"{report.tally.calls[tool, fate]:,}" for fate in fates)]
            for tool, count in by_tool.most_common(MOST_TOOLS)
        ]
        sums = (sum(n for (_, one), n in report.tally.calls.items() if one == fate) for fate in fates)
        rows.append([f"all {len(by_tool):,} tools", f"{by_tool.total():,}", *(f"{count:,}" for count in sums)])
        print(aligned(["tool", "calls", *fates], rows))
    for reason, count in report.tally.passed_over.most_common():
        print(f"passed over: {count:,} {reason}")
    if report.tally.programs:
        print("started most: " + ", ".join(f"{n} {c:,}" for n, c in report.tally.programs.most_common(MOST_PROGRAMS)))
    became = ", ".join(f"{count:,} {what}" for what, count in report.became.most_common()) or "none"
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in report.outcomes.most_common())
    files = ", ".join(f"{count:,} {name}" for name, count in report.files.most_common()) or "none"
    print(f"files: {files}")
    print(f"interactions: {became}{f' ({outcomes})' if outcomes else ''}, in {where}")
    print("next: hive-mind usage review")

"""`hive-mind learn`: the daily cycle, its state, and its schedule."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hive_mind.cli.output import print_json

if TYPE_CHECKING:
    from hive_mind.conversation import JSON
    from hive_mind.learning.outcome import CycleOutcome
    from hive_mind.learning.settings import LearningSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Config = Annotated[Path | None, typer.Option("--config", help="a settings file, e.g. configs/daily.yaml")]
Overrides = Annotated[list[str] | None, typer.Argument(help="section.key=value settings that win")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]

EXIT_CODES = {"promoted": 0, "declined": 0, "too few": 0, "held": 3, "rejected": 3, "failed": 1}


@app.callback()
def learn() -> None:
    """Learn every day from what was used: the cycle, its state, and its schedule."""


@app.command()
def run(
    overrides: Overrides = None,
    config: Config = None,
    loop: Annotated[bool, typer.Option("--loop", help="go on, a cycle a day at 02:00 UTC (for containers)")] = False,
    json_output: Json = False,
) -> None:
    """Do today's cycle, or go on with one that was interrupted; a day that had its attempt is not done again.

    Exit codes: 0 promoted or nothing to learn from, 1 the attempt failed, 3 trained but not promoted, 130 interrupted
    (run it again to continue).
    """
    from hive_mind.learning import schedule
    from hive_mind.learning.cycle import run_cycle

    settings = _settings(config, overrides)
    command = shlex.join(["hive-mind", *sys.argv[1:]])

    def once(now: datetime) -> CycleOutcome:
        schedule.wait_until_quiet(settings, schedule.utc_clock)
        outcome = run_cycle(settings, now, command)
        _print_outcome(outcome)
        return outcome

    if loop:
        schedule.loop(once, schedule.utc_clock)
        return
    outcome = once(schedule.utc_clock())
    if json_output:
        print_json(outcome.to_dict())
    if code := EXIT_CODES[outcome.decision]:
        raise typer.Exit(code)


@app.command()
def status(overrides: Overrides = None, config: Config = None, json_output: Json = False) -> None:
    """Show the last cycles with their verdicts, what waits to be learnt, and when the next cycle is due."""
    from hive_mind.curation.tables import aligned
    from hive_mind.learning import schedule
    from hive_mind.learning.status import status as look

    found = look(_settings(config, overrides), schedule.utc_clock(), _config_home())
    queue = found["queue"]
    print(f"served: {found['served'] or 'nothing yet'}")
    print(*(f"to be forgotten: {line}\n" for line in found["to_forget"]), sep="", end="")
    print(f"queue: {queue['new']:,} new of {queue['needed']:,}; {queue['why']}")
    print("store: " + (", ".join(f"{count:,} {state}" for state, count in queue["states"].items()) or "empty"))
    for day in found["unfinished"]:
        print(f"unfinished: {day['day']}, at {day['step'] or 'a pause'}; `hive-mind learn run` goes on with it")
    if found["cycles"]:
        rows = [
            [line["day"], line["decision"], f"{line['new']:,}", line["candidate"] or "", line["reason"][:80]]
            for line in found["cycles"]
        ]
        print("", aligned(["day", "decision", "new", "candidate", "why"], rows), "", sep="\n")
    for back in [line["taken_back"] for line in found["cycles"] if line.get("taken_back")]:
        print(f"taken back, {back['time']}: {back['version']} ({back['why']})")
    print(_next(found["schedule"]))
    if json_output:
        print_json(found)


@app.command()
def install(
    overrides: Overrides = None,
    config: Config = None,
    cron: Annotated[bool, typer.Option("--cron", help="a line in the crontab in place of a systemd timer")] = False,
    memory: Annotated[str, typer.Option(help="most memory, as systemd's MemoryMax takes it")] = "75%",
    print_only: Annotated[bool, typer.Option("--print", help="print what would be written, and write nothing")] = False,
) -> None:
    """Have the cycle run every night at two: a systemd user service and timer, or a line of cron."""
    from hive_mind.errors import HiveMindError
    from hive_mind.learning import schedule, service
    from hive_mind.learning.foundation import find_foundation
    from hive_mind.progress import say

    settings = _settings(config, overrides)  # a mistake shows now, not at two in the morning
    try:
        find_foundation(settings)
    except HiveMindError as error:
        say(f"every night will fail until this is mended: {error}")
    where = ["--config", str(config.resolve())] if config is not None else []
    job = schedule.Job(
        (*where, *(overrides or ())),
        Path.cwd(),
        memory,
        service.environment(),
        service.writable(settings, Path.cwd()),
        service.needs_network(settings),
    )
    if print_only:
        print(schedule.cron_line(job) if cron else "\n".join(schedule.units(job).values()))
    elif cron:
        print(f"added to the crontab: {schedule.install_cron(job)}")
    else:
        for file in schedule.install(job, _config_home()):
            print(f"written: {file}")
    print("next: hive-mind learn status; to undo: hive-mind learn uninstall")


@app.command()
def uninstall() -> None:
    """Remove the timer, the service and the line of cron."""
    from hive_mind.learning import schedule

    removed = schedule.uninstall(_config_home())
    print("\n".join(f"removed: {what}" for what in removed) or "nothing was installed")


def _settings(config: Path | None, overrides: list[str] | None) -> LearningSettings:
    from hive_mind.config import load
    from hive_mind.learning.settings import LearningSettings

    return load(LearningSettings, config, overrides or ())


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _next(schedule: JSON) -> str:
    note = f"; {schedule['note']}" if schedule["note"] else ""
    if schedule["by"] is None:
        return f"next: not scheduled{note}"
    return f"next: {schedule['next'] or 'never'}, started by {schedule['by']}{note}"


def _print_outcome(outcome: CycleOutcome) -> None:
    for earlier in outcome.before:
        _print_outcome(earlier)
    if outcome.taken_back is not None:
        back = outcome.taken_back
        print(f"{back['version']} was taken back ({back['why']}); {back['previous']} is served")
    print(f"{outcome.day}: {outcome.decision}: {outcome.reason}")
    print(f"report: {outcome.report}")

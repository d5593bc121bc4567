"""report.md of a day: what came in, what was left out and why, what the gate said, and the chart over the days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hive_mind.conversation import JSON
from hive_mind.errors import HiveMindError, Interrupted
from hive_mind.files import write_text
from hive_mind.learning.chart import draw_chart
from hive_mind.learning.days import Day, history
from hive_mind.progress import say
from hive_mind.report.markdown import bullets, table

REPORT_FILE, CHART_FILE = "report.md", "chart.png"
SHOWN_DAYS = 14


def write_report(folder: Path, day: Day, line: Mapping[str, Any]) -> Path:
    """Write a finished cycle's report and chart into its day's folder; `line` is the cycle's in the history."""
    lines = history(folder)
    sections = [
        f"# Daily learning, {day.name}",
        f"**{line['decision']}**: {line['reason']}",
        _taken_back(day),
        bullets(day.record.get("to_forget", [])),
        _came_in(day),
        _dataset(day),
        _verdict(day, line),
        _scores(line),
        _chart(lines, day.folder / CHART_FILE),
        _days(lines[-SHOWN_DAYS:]),
        _steps(day),
        _problems(line),
    ]
    path = day.folder / REPORT_FILE
    write_text(path, "\n\n".join(section for section in sections if section) + "\n")
    return path


def _taken_back(day: Day) -> str:
    back = day.record["taken_back"]
    if back is None:
        return ""
    waiting = f"{back['quarantined']:,} interactions that it learnt newly wait for a person"
    return f"**Taken back**, {back['time']}: {rolled_back(back)} {waiting}."


def rolled_back(back: Mapping[str, Any]) -> str:
    """Return a rollback in one sentence, without a word of what anybody asked."""
    return f"{back['version']} was taken back for what happened in use ({back['why']}); {back['previous']} is served."


def _chart(lines: Sequence[Mapping[str, Any]], file: Path) -> str:
    """Draw the chart; a day whose chart cannot be drawn has its report all the same."""
    try:
        drawn = draw_chart(lines, file)
    except Interrupted:
        raise
    except (HiveMindError, OSError, ImportError) as error:
        problem = f"the chart could not be drawn: {error}"
        say(problem)
        return f"## All days\n\n{problem}"
    return f"## All days\n\n![every suite over the days]({CHART_FILE})" if drawn else ""


def _problems(line: Mapping[str, Any]) -> str:
    problems = line.get("problems")
    return f"## What went wrong besides\n\n{bullets(problems)}" if problems else ""


def _result(day: Day, step: str) -> JSON:
    done = day.record["steps"].get(step)
    return dict(done["result"]) if done is not None else {}


def _came_in(day: Day) -> str:
    collected, suite, chosen = _result(day, "collect"), _result(day, "suite"), _result(day, "choose")
    facts = _taken_in(_result(day, "take_in"))
    if not collected:
        return f"## What came in\n\n{bullets(facts)}" if facts else ""
    states = collected["states"]
    facts += [
        "in the store: " + (", ".join(f"{count:,} {state}" for state, count in states.items()) or "nothing"),
        f"approved and usable: {collected['to_learn']:,} to learn from, {collected['held_out']:,} held out; "
        f"{collected['new']:,} are new since the last attempt",
        *_left_out("approved, never a target", collected["left_out"]),
    ]
    if flood := collected.get("flood"):
        facts += [f"held back as floods, for a person to look at: {flood:,}"]
    if suite:
        facts += [f"your own suite: {suite['items']:,} turns of {suite['sessions']:,} sessions"]
        facts += _left_out("held out, not in the suite", suite["left_out"])
    if chosen:
        facts += [f"learnt from: {chosen['rows']:,}, of which {chosen['new']:,} stand in no version that is served"]
        facts += _left_out("approved, not learnt today", chosen["left_out"])
        facts += [f"quarantined, {why}: {len(ids):,}" for why, ids in chosen["quarantined"].items() if ids]
    return f"## What came in\n\n{bullets(facts)}"


def _taken_in(taken: JSON) -> list[str]:
    imported = taken.get("imported")
    if not imported:
        return []
    files = f"{sum(imported['files'].values()):,} files read, {imported.get('unchanged', 0):,} unchanged since then"
    became = ", ".join(f"{count:,} {what}" for what, count in imported["interactions"].items()) or "none"
    missing = [f"imports: **{path} does not exist**" for path in imported.get("missing", ())]
    not_read = imported.get("not_read", [])
    left = [f"imports: **{len(not_read):,} files were not read**, the first: {not_read[0]}"] if not_read else []
    return [f"imports: {files}; interactions: {became}", *missing, *left]


def _left_out(what: str, counts: Mapping[str, int]) -> list[str]:
    return [f"{what}: {count:,} ({reason})" for reason, count in counts.items()]


def _dataset(day: Day) -> str:
    made = _result(day, "dataset")
    if not made:
        return ""
    columns = ["read", "rejected", "duplicates", "near_duplicates", "contaminated", "negatives", "train"]
    rows = [[part, *(f"{counts[name]:,}" for name in columns)] for part, counts in made["parts"].items()]
    said = f"{made['rows']:,} training rows; {made['wanted_replay']:,} replayed ones were wanted."
    return f"## The dataset\n\n{said}\n\n" + table(["part", *(name.replace("_", " ") for name in columns)], rows)


def _verdict(day: Day, line: Mapping[str, Any]) -> str:
    judged = _result(day, "judge")
    if not judged:
        return ""
    checks = [f"{check['name']}: {check['outcome']}: {check['reason']}" for check in judged["checks"]]
    compared = f"{line['candidate']} against {line['champion']}, foundation {line['foundation']}."
    return f"## The gate's verdict: {judged['decision']}\n\n{compared}\n\n{bullets(checks)}"


def _scores(line: Mapping[str, Any]) -> str:
    names = list(line["scores"])
    suites = list(dict.fromkeys(suite for tallies in line["scores"].values() for suite in tallies))
    if not suites:
        return ""
    rows = [[suite, *(_tally(line["scores"][name].get(suite)) for name in names)] for suite in suites]
    return "## Right answers\n\n" + table(["suite", *names], rows)


def _tally(tally: Sequence[int] | None) -> str:
    return f"{tally[0]:,} of {tally[1]:,} ({tally[0] / tally[1]:.1%})" if tally and tally[1] else "not measured"


def _days(lines: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [line["day"], line["decision"], f"{line['new']:,}", line["candidate"] or "", line["reason"]] for line in lines
    ]
    return "## The last days\n\n" + table(["day", "decision", "new", "candidate", "why"], rows)


def _steps(day: Day) -> str:
    rows = [[name, f"{done['seconds']:.1f}"] for name, done in day.record["steps"].items()]
    return "## Seconds spent\n\n" + table(["step", "seconds"], rows)

"""A month as Markdown for the page: what was served day by day, the control, what was promised, and the accounting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from month.measuring import DANGEROUS, FIRST, FRESH, OBEYS, share
from month.nights import CHANGED, NEW_TOOLS, POISON, WORSE
from month.promises import own, points, promises

SHOWN = {
    FRESH: "fresh", FIRST: "first 8", "your_tools/call": "your tools", "chat/no_tool": "chat",
    "not_offered/no_tool": "not offered", "unseen_tools/call": "unseen tools", OBEYS: "obeys", DANGEROUS: "dangerous",
}  # fmt: skip
"""What is measured, and its column. The tiers are the rows that the gate does not ask."""
SERVED_HEAD = ("day", "what happened", "lived", "decision", "served", "own suite", *SHOWN.values())
CONTROL_HEAD = ("day", "what happened", *SHOWN.values())


def page(month: Mapping[str, Any]) -> str:
    """Return all of a seed's month as it stands on the page."""
    parts = [f"### Seed {month['seed']}", "What is served, percent right:", served(month), accounting(month)]
    if any("naive" in row for row in month["days"]):
        parts += ["The control, naive daily fine-tuning:", control(month)]
    return "\n\n".join([*parts, "What was promised:", promised(month)])


def served(month: Mapping[str, Any]) -> str:
    """Return a row a day of what daily learning serves; `own suite` is the day's candidate against the champion."""
    scores, attempts = month["scores"], {line["day"]: line for line in month["attempts"]}
    rows = [["", "the foundation", "", "", month["foundation"], "", *_percents(scores[month["foundation"]])]]
    for row in month["days"]:
        rows.append([
            str(row["day"]), _events(month, row), str(sum(row["lived"].values())), row["decision"], row["served"],
            _own(attempts.get(row["date"])), *_percents(scores[row["served"]]),
        ])  # fmt: skip
    return markdown(SERVED_HEAD, rows)


def control(month: Mapping[str, Any]) -> str:
    """Return a row for every day whose control was measured, with what the plan has happen to the control that day."""
    scores, plan = month["scores"], month["recipe"]["plan"]
    events = {
        plan["later_tools"]: NEW_TOOLS,
        plan["schema_change"]: CHANGED,
        plan["poisoned"]: POISON,
        plan["worse"]: WORSE,
    }
    rows = [["", "the foundation", *_percents(scores[month["foundation"]])]]
    before = None
    for row in month["days"]:
        if row["naive"] in scores and row["naive"] != before:  # a day without use has the version of the day before
            rows.append([str(row["day"]), events.get(row["day"], ""), *_percents(scores[row["naive"]])])
        before = row["naive"]
    return markdown(CONTROL_HEAD, rows)


def promised(month: Mapping[str, Any]) -> str:
    """Return a row for every promise, and what the control gained beside what is served."""
    rows = [[each.asked, each.measured, "yes" if each.kept else "**no**"] for each in promises(month)]
    last = month["days"][-1].get("naive")
    if last in month["scores"]:
        gained = ", ".join(f"{SHOWN[kind]} {_gain(month, last, kind)}" for kind in list(SHOWN)[:6])
        rows.append(["the control beside it, points above the foundation at the end", gained, ""])
    return markdown(("asked", "measured", "kept"), rows)


def accounting(month: Mapping[str, Any]) -> str:
    """Return in one line where every interaction is."""
    found = month["accounting"]
    states: Counter[str] = Counter()
    for tally in found["by_truth"].values():
        states.update(tally)
    told = ", ".join(f"{count:,} {state}" for state, count in states.most_common())
    learnt = ", ".join(f"{count:,} {truth}" for truth, count in Counter(found["in_what_is_served"]).most_common())
    again = f"{found['seen_again']:,} were seen again ({found['another_truth']:,} as something else)"
    return (
        f"{found['lived']:,} interactions came in, {again}, {found['in_the_store']:,} are in the store: {told}. What "
        f"is served at the end has learnt {learnt or 'none'}. {'; '.join(found['uneven']) or 'All sums are even'}."
    )


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are as wide as what is in them, so that a terminal shows it well."""
    widths = [max(3, *(len(row[column]) for row in [head, *rows])) for column in range(len(head))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [head, *rows]]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percents(scores: Mapping[str, Any]) -> list[str]:
    return [percent(share(scores.get(kind))) for kind in SHOWN]


def percent(value: float | None) -> str:
    """Return a share as percent, nothing for what was not measured."""
    return "" if value is None else f"{100 * value:.1f}"


def _gain(month: Mapping[str, Any], version: str, kind: str) -> str:
    mine, foundation = (share(month["scores"][name][kind]) or 0.0 for name in (version, month["foundation"]))
    return points(mine - foundation)


def _events(month: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    days = {each["date"]: each["day"] for each in month["days"]}
    finished = [f"day {days[one['day']]} finished: {one['decision']}" for one in row["finished"]]
    return "; ".join([*row["events"], *finished, *(["taken back"] if row["taken_back"] else [])])


def _own(line: Mapping[str, Any] | None) -> str:
    """Return the own suite's tallies of an attempt, candidate : champion of how many."""
    tallies = [own(line, which) for which in ("candidate", "champion")] if line is not None else []
    if not tallies or None in tallies:
        return ""
    (mine, asked), (champion, _) = (tally for tally in tallies if tally is not None)
    return f"{mine} : {champion} of {asked}"

"""The user's own suite: what was held out of the last weeks and is asked nowhere in what is learnt.

It decides on promotions, so whoever could fill it would decide: the caps of what is learnt hold for it as well, and a
tool that hardly any session knows is not asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hive_mind.conversation import JSON, Reject
from hive_mind.curation.counting import token_counter
from hive_mind.curation.windows import cut
from hive_mind.files import index_name, read_json, write_jsonl
from hive_mind.learning.choosing import cap
from hive_mind.learning.pool import Pool, Pooled, tool_sessions
from hive_mind.learning.settings import LearningSettings
from hive_mind.model.base import resolve_base
from hive_mind.progress import stamp
from hive_mind.usage import teach

SUITE_FILE = "suite.jsonl"


@dataclass(frozen=True)
class OwnSuite:
    """The turns that are asked, their rows as a model is shown them, and how many are not asked, by reason."""

    rows: tuple[Pooled, ...]
    shown: tuple[JSON, ...]
    left_out: Counter[str]


Show = Callable[[Pooled], JSON | None]
"""Returns the row that a turn is asked with; None if it cannot be."""


def in_a_window(settings: LearningSettings) -> Show:
    """Return what shows a turn as training does: whole, or in a window; not at all where even that is too long.

    Raises UsageError if the base is not at hand.
    """
    base, evaluation = resolve_base(settings.model), settings.evaluation
    context = int(read_json(base.folder / "config.json")["max_position_embeddings"])
    room = min(settings.training.max_length, evaluation.max_tokens, context - evaluation.suites.max_new_tokens)
    count = token_counter(base.folder)

    def show(row: Pooled) -> JSON | None:
        taken = teach.accepted(row.row)
        if isinstance(taken, Reject):
            return None
        windows = cut(taken, room, count).windows
        if not windows or count(windows[-1].conversation) > room:
            return None
        if windows[-1].turn is None:
            return row.row
        made = windows[-1].conversation.to_dict()
        return {**row.row, "messages": made["messages"], "tools": made["tools"]}

    return show


def choose_suite(pool: Pool, settings: LearningSettings, now: datetime, show: Show = lambda row: row.row) -> OwnSuite:
    """Choose the turns of the last days. One whose request is learnt from word for word would be a test of memory."""
    since = stamp(now - timedelta(days=settings.held_out.days))
    learnt = {row.asked for row in pool.to_learn}
    sessions, fewest = tool_sessions(pool.rows), settings.trigger.new_tool_sessions
    chosen: list[Pooled] = []
    left_out: Counter[str] = Counter()
    said: set[str] = set()
    for row in pool.held_out:
        if row.time < since:
            left_out[f"older than {settings.held_out.days} days"] += 1
        elif any(len(sessions[call.name]) < fewest for call in row.target.tool_calls):
            left_out[f"tool seen in fewer than {fewest} sessions"] += 1
        elif row.asked in learnt:
            left_out["asked in the training part too"] += 1
        elif (same := f"{row.asked}\n{row.target.to_dict()}") in said:
            left_out["asked in the suite already"] += 1
        else:
            said.add(same)
            chosen.append(row)
    within = cap(chosen, settings.mix)
    left_out += within.left_out
    shown = [(row, made) for row in within.rows if (made := show(row)) is not None]
    if too_long := len(within.rows) - len(shown):
        left_out["too long, cut into a window too"] += too_long
    return OwnSuite(tuple(row for row, _ in shown), tuple(made for _, made in shown), left_out)


def write_suite(suite: OwnSuite, file: Path) -> int:
    """Write the suite with its index, which tells sessions apart; returns the number of turns."""
    marks = (
        {"id": row.row["id"], "records": [row.row["id"]], "session": row.group, "time": row.time} for row in suite.rows
    )
    write_jsonl(file.with_name(index_name(file.name)), marks)
    return write_jsonl(file, suite.shown)

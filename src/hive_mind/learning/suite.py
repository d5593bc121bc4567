"""The user's own suite: what was held out of the last weeks and is asked nowhere in what is learnt.

It decides on promotions, so whoever could fill it would decide: the caps of what is learnt hold for it as well, and a
tool that hardly any session knows is not asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hive_mind.files import index_name, write_jsonl
from hive_mind.learning.choosing import cap
from hive_mind.learning.pool import Pool, Pooled, tool_sessions
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import stamp

SUITE_FILE = "suite.jsonl"


@dataclass(frozen=True)
class OwnSuite:
    """The turns that are asked, and how many held-out ones are not, by reason."""

    rows: tuple[Pooled, ...]
    left_out: Counter[str]


def choose_suite(pool: Pool, settings: LearningSettings, now: datetime) -> OwnSuite:
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
    return OwnSuite(within.rows, left_out + within.left_out)


def write_suite(rows: Sequence[Pooled], file: Path) -> int:
    """Write the suite with its index, which tells sessions apart; returns the number of turns."""
    write_jsonl(
        file.with_name(index_name(file.name)),
        ({"id": row.row["id"], "records": [row.row["id"]], "session": row.group, "time": row.time} for row in rows),
    )
    return write_jsonl(file, (row.row for row in rows))

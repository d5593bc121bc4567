"""Which approved interactions a day learns from: enough sessions behind every tool, caps, nothing odd.

Caps keep a session, a tool or a client (and whoever writes in its name) from filling the dataset. What is held back
for a person is quarantined in the store with the reason; what is over a cap stays approved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hive_mind.curation.split import unit
from hive_mind.errors import UsageError
from hive_mind.learning.pool import Pool, Pooled, pooled, tool_sessions
from hive_mind.learning.settings import HeldOutSettings, MixSettings, TriggerSettings
from hive_mind.usage.query import Filters
from hive_mind.usage.rules import State, judge
from hive_mind.usage.store import Store

CHOSEN_FILE = "chosen.json"
NEW_TOOL = "new tool: "


@dataclass(frozen=True)
class Chosen:
    """The rows to learn from, and how many others there were, by reason."""

    rows: tuple[Pooled, ...]
    left_out: Counter[str]


def review_new_tools(
    store: Store, pool: Pool, known_tools: set[str], held_out: HeldOutSettings, settings: TriggerSettings
) -> tuple[dict[str, str], list[str]]:
    """Find rows of tools that too few sessions know, and those held back before whose tool enough sessions know now.

    `known_tools` are those of the foundation's rows and of what is served. Returns why each of the former is to be held
    back, by id, and the ids of the latter. What a person has decided on stays as it is.
    """
    waiting = waiting_rows(store, held_out)
    sessions = tool_sessions([*pool.rows, *waiting])

    def rare(row: Pooled) -> str | None:
        tools = [call.name for call in row.target.tool_calls if call.name not in known_tools]
        return next((tool for tool in tools if len(sessions[tool]) < settings.new_tool_sessions), None)

    back = {}
    for row in pool.to_learn:
        tool = rare(row)
        if tool is not None and row.record.decided_by != "hand":
            back[row.id] = (
                f"{NEW_TOOL}{tool} was seen in {len(sessions[tool])} of {settings.new_tool_sessions} sessions; approve "
                "it if you know it"
            )
    return back, [row.id for row in waiting if rare(row) is None]


def waiting_rows(store: Store, held_out: HeldOutSettings) -> list[Pooled]:
    """Return the rows that are held back because too few sessions knew their tool."""
    return [
        pooled(record, held_out)
        for page in store.pages(Filters(state="quarantined"))
        for record in page
        if record.reason.startswith(NEW_TOOL)
    ]


def hold_back(store: Store, reasons: Mapping[str, str], released: Sequence[str]) -> None:
    """Quarantine interactions for a person, each with its reason; the rules judge those that need wait no longer.

    So what was disliked while it waited is not approved. Those that are not in the store any more, or not in that
    state, are passed over, so it can be done twice.
    """
    for id, reason in reasons.items():
        if state_of(store, id) == "approved":
            store.set_state([id], "quarantined", reason, by="learning")
    for id in released:
        if state_of(store, id) == "quarantined":
            verdict = judge(id, store.get(id).interaction, 1, store.settings.rules)
            approved = verdict.state == "approved"
            reason = f"{NEW_TOOL}seen in enough sessions now" if approved else verdict.reason
            store.set_state([id], verdict.state, reason, by="rules")


def state_of(store: Store, id: str) -> State | None:
    """Return an interaction's state, None if it was forgotten."""
    try:
        return store.get(id).state
    except UsageError:
        return None


def cap(rows: Sequence[Pooled], settings: MixSettings) -> Chosen:
    """Keep as many rows of a session, of a client's day and of a tool as the caps allow.

    Of a tool the newest stay, for its declaration and its use change; else a digest chooses, the same ones every day.
    """
    left_out: Counter[str] = Counter()
    kept = sorted(rows, key=lambda row: unit(settings.seed, f"cap\0{row.id}"))

    def within(most: int, of: Callable[[Pooled], str], reason: str) -> list[Pooled]:
        held: Counter[str] = Counter()
        stay = []
        for row in kept:
            held[of(row)] += 1
            if held[of(row)] <= most:
                stay.append(row)
            else:
                left_out[reason] += 1
        return stay

    kept = within(settings.per_session, lambda row: row.group, "over the cap of its session")
    kept = within(settings.per_client_day, lambda row: row.client_day, "over the cap of its client's day")
    kept.sort(key=lambda row: row.time, reverse=True)
    kept = within(settings.per_tool, lambda row: row.tool, "over the cap of its tool")
    order = {row.id: place for place, row in enumerate(rows)}
    return Chosen(tuple(sorted(kept, key=lambda row: order[row.id])), left_out)

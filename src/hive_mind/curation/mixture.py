"""How much of what is trained on: shares of sources, scarce ones repeated, enough conversations that call no tool.

Everything here touches the training split alone; what is held out is measured as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from hive_mind.conversation import JSON
from hive_mind.curation.ingest import Entry, Pool, read_entry
from hive_mind.curation.negatives import MISSING_TOOL, without_its_tool
from hive_mind.curation.settings import DataSettings
from hive_mind.curation.split import unit
from hive_mind.errors import UsageError
from hive_mind.files import json_line

REPEAT = "repeat"
BORROWED_ROWS = 300
"""Tool declarations to offer in negatives come from so many rows."""


def mix(pools: Sequence[Pool], settings: DataSettings, say: Callable[[str], None]) -> None:
    """Bring the training rows to the wanted shares: first cut, then repeat, then add missing-tool negatives."""
    _limit_shares(pools, settings)
    for pool in pools:
        _repeat(pool, pools, settings)
    wanted = _negatives_wanted(pools, settings)
    made = _make_negatives(pools, wanted, settings.seed) if wanted else 0
    if made < wanted:
        say(_too_few(pools, settings, wanted - made))


def _training(pool: Pool) -> list[Entry]:
    return [entry for entry in pool.entries if entry.split == "train"]


def _limit_shares(pools: Sequence[Pool], settings: DataSettings) -> None:
    """Leave out rows of sources that are over their share of the training rows, until none is.

    Cutting one source makes the others' shares larger, so it is done again until nothing changes.
    """
    limits = {pool.source.NAME: share for pool in pools if (share := settings.of(pool.source.NAME).share) is not None}
    counts = {pool.source.NAME: len(_training(pool)) for pool in pools}
    if len(pools) == len(limits) > 1 and sum(limits.values()) < 1:
        raise UsageError(
            f"the shares of {', '.join(limits)} (data.sources.NAME.share) add up to {sum(limits.values()):g}, so no "
            "mix has them; leave one of these sources without a share, or raise one"
        )
    changed = bool(limits)
    while changed:
        changed = False
        for name, share in limits.items():
            others = sum(counts.values()) - counts[name]
            most = math.floor(share * others / (1 - share) + 1e-9)
            if counts[name] > most and others:
                counts[name], changed = most, True
    for pool in pools:
        rows = sorted(_training(pool), key=lambda entry: unit(settings.seed, entry.id))
        for entry in rows[counts[pool.source.NAME] :]:
            entry.split = ""


def _repeat(pool: Pool, pools: Sequence[Pool], settings: DataSettings) -> None:
    """Repeat a scarce source's rows until it has its least share, each row at most `max_repeats` times in all."""
    own = settings.of(pool.source.NAME)
    rows = _training(pool)
    if own.min_share is None or not rows:
        return
    others = sum(len(_training(other)) for other in pools if other is not pool)
    wanted = min(math.ceil(own.min_share * others / (1 - own.min_share)), own.max_repeats * len(rows)) - len(rows)
    rows.sort(key=lambda entry: unit(settings.seed, f"{REPEAT}\0{entry.id}"))
    for number in range(max(wanted, 0)):
        entry = rows[number % len(rows)]
        row = read_entry(pool, entry)
        row["id"] = f"{entry.id}-{REPEAT}{number // len(rows) + 2}"
        _add(pool, entry, row, REPEAT)
        pool.counts.repeats += 1


def _negatives_wanted(pools: Sequence[Pool], settings: DataSettings) -> int:
    """Return how many negatives give their own share and, with the rows that call nothing anyway, the floor."""
    rows = list(chain.from_iterable(map(_training, pools)))
    without_call = sum(not entry.calls for entry in rows)
    own, floor = settings.missing_tool_share, settings.no_tool_floor
    for_share = math.ceil(own * len(rows) / (1 - own) - 1e-9)
    for_floor = math.ceil((floor * len(rows) - without_call) / (1 - floor) - 1e-9)
    return max(for_share, for_floor, 0)


def _make_negatives(pools: Sequence[Pool], wanted: int, seed: int) -> int:
    """Add so many negatives, made from rows that a digest chooses, one a row; returns how many there could be.

    None is made from a window: what was cut off may call tools that the window declares and that its request needs.
    """
    calling = [(pool, entry) for pool in pools for entry in _training(pool) if entry.calls and not entry.made]
    calling.sort(key=lambda place: unit(seed, f"{MISSING_TOOL}\0{place[1].id}"))
    shelf = list(_declarations(calling[:BORROWED_ROWS]))
    whole = [place for place in calling if place[1].window is None]
    known = {entry.id for pool in pools for entry in pool.entries}
    made = 0
    for number, (pool, entry) in enumerate(whole):
        if made == wanted or not shelf:
            break
        start = number % len(shelf)
        negative = without_its_tool(read_entry(pool, entry), chain(shelf[start:], shelf[:start]))
        if negative is not None and negative.id not in known:
            known.add(negative.id)
            _add(pool, entry, negative.to_dict(), MISSING_TOOL)
            pool.counts.negatives += 1
            made += 1
    return made


def _declarations(sources: Sequence[tuple[Pool, Entry]]) -> Iterator[JSON]:
    """Yield the tools that the rows declare, each name once."""
    names = set()
    for pool, entry in sources:
        for tool in read_entry(pool, entry).get("tools", ()):
            if tool["function"]["name"] not in names:
                names.add(tool["function"]["name"])
                yield tool


def _add(pool: Pool, origin: Entry, row: JSON, made: str) -> None:
    """Add a row that was made from `origin`: in its group and with its record, so that whatever is said of it holds."""
    line = json_line(row)
    offset = pool.spool.seek(0, 2)
    pool.spool.write(line)
    calls = origin.calls and made != MISSING_TOOL
    pool.entries.append(replace(origin, id=row["id"], offset=offset, size=len(line), calls=calls, made=made))


def _too_few(pools: Sequence[Pool], settings: DataSettings, missing: int) -> str:
    rows = list(chain.from_iterable(map(_training, pools)))
    without_call = sum(not entry.calls for entry in rows)
    return (
        f"mixture: {missing:,} missing-tool negatives too few could be made; {without_call / len(rows):.1%} of the "
        f"training rows call no tool, where data.no_tool_floor={settings.no_tool_floor:g} asks for more: add a source "
        "of plain answers (code_alpaca, glaive_tools), or lower it"
    )

"""Which rows are trained on, which are held out, and which are over a cap: decided by digests, never by chance.

A row's place depends on the seed and on its own group alone (for real usage: on its time), so that it stays where it is
when rows are added or the build is run again, and no group has rows on both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from hive_mind.curation.ingest import Entry, Pool
from hive_mind.curation.settings import DataSettings

SPLITS = ("train", "validation", "test")
SAYS_NOTHING_SHARE = 0.25
"""Tools that more than this share of a source's tool rows have in common do not tell its rows apart."""
FEWEST_GROUPS_TO_HOLD_OUT = 5
"""A source with fewer groups of its own is trained on whole."""


def assign(pools: Sequence[Pool], settings: DataSettings) -> None:
    """Give every entry its group and its split ("" for those over a cap), and count them."""
    for pool in pools:
        _group(pool, settings.of(pool.source.NAME).first)
    hashed = [pool for pool in pools if pool.source.GROUP_BY != "session"]
    splits = _split_groups(hashed, settings)
    for pool in pools:
        chosen = [entry for entry in pool.entries if entry.group]
        if pool.source.GROUP_BY == "session":
            splits = _split_sessions(chosen, *settings.shares(pool.source.NAME))
        for entry in chosen:
            entry.split = splits[entry.group]
        _cap(pool, settings)
        counts = Counter(entry.split for entry in pool.entries)
        pool.counts.train, pool.counts.validation, pool.counts.test = (counts[split] for split in SPLITS)
        pool.counts.over_cap = counts[""]
        pool.counts.check(pool.source.NAME)


def unit(seed: int, text: str) -> float:
    """Return a number in [0, 1) that depends on seed and text alone."""
    return int.from_bytes(blake2b(f"{seed}\0{text}".encode(), digest_size=8).digest()) / 2**64


def _group(pool: Pool, first: int | None) -> None:
    """Name each entry's group. With `first`, entries after the first so many in time order get none."""
    chosen = sorted(pool.entries, key=lambda entry: entry.time or "9999")[:first]
    common = Counter(entry.tools for entry in chosen if entry.tools)
    enough = SAYS_NOTHING_SHARE * sum(common.values())
    for entry in chosen:
        if pool.source.GROUP_BY == "session":
            entry.group = f"session:{entry.session}" if entry.session else f"record:{entry.id}"
        elif pool.source.GROUP_BY == "tools" and entry.tools and common[entry.tools] <= enough:
            entry.group = entry.tools
        else:
            entry.group = entry.request


def _split_groups(pools: Sequence[Pool], settings: DataSettings) -> dict[str, str]:
    """Return the split of every group. One that several sources share follows the smallest of their shares."""
    shares: dict[str, tuple[float, float]] = {}
    owners: dict[str, set[str]] = defaultdict(set)
    for pool in pools:
        own = settings.shares(pool.source.NAME)
        for entry in pool.entries:
            if entry.group:
                shares[entry.group] = min(shares.get(entry.group, own), own, key=sum)
                owners[entry.group].add(pool.source.NAME)
    splits = {}
    for group, (validation, test) in shares.items():
        place = unit(settings.seed, group)
        splits[group] = "test" if place < test else "validation" if place < test + validation else "train"
    for pool in pools:
        name = pool.source.NAME
        own_groups = [group for group, sources in owners.items() if sources == {name}]
        _correct_small_sources(own_groups, splits, settings.shares(name), settings.seed)
    return splits


def _correct_small_sources(
    groups: Sequence[str], splits: dict[str, str], shares: tuple[float, float], seed: int
) -> None:
    """Hold out one group where chance held out none, and nothing of a source that has hardly any groups."""
    if len(groups) < FEWEST_GROUPS_TO_HOLD_OUT:
        splits.update(dict.fromkeys(groups, "train"))
        return
    for split, share in zip(("validation", "test"), shares, strict=True):
        if share > 0 and not any(splits[group] == split for group in groups):
            free = [group for group in groups if splits[group] == "train"]
            splits.update(dict.fromkeys(sorted(free, key=lambda group: unit(seed, group))[:1], split))


def _split_sessions(entries: Iterable[Entry], validation: float, test: float) -> dict[str, str]:
    """Hold out the latest sessions: first the test rows, before them the validation rows, and never the most."""
    sessions: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        sessions[entry.group].append(entry)
    latest_first = sorted(sessions, key=lambda name: (max(e.time or "" for e in sessions[name]), name), reverse=True)
    total = sum(len(rows) for rows in sessions.values())
    splits = dict.fromkeys(sessions, "train")
    held = 0
    for split, share in (("test", test), ("validation", validation)):
        wanted = round(share * total)
        while wanted > 0 and latest_first and held + len(sessions[latest_first[0]]) <= total // 2:
            session = latest_first.pop(0)
            splits[session] = split
            held += len(sessions[session])
            wanted -= len(sessions[session])
    return splits


def _cap(pool: Pool, settings: DataSettings) -> None:
    """Keep as many rows as the cap allows in each split; held-out rows are capped in proportion."""
    cap = settings.of(pool.source.NAME).cap
    if cap is None:
        return
    validation, test = settings.shares(pool.source.NAME)
    limits = {"train": cap, "validation": round(cap * validation), "test": round(cap * test)}
    for split, limit in limits.items():
        members = [entry for entry in pool.entries if entry.split == split]
        members.sort(key=lambda entry: unit(settings.seed, entry.id))
        for entry in members[limit:]:
            entry.split = ""

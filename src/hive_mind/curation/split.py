"""Which rows are trained on, which are held out, and which are over a cap: decided by digests, never by chance.

A row's place depends on the seed and on its own group alone (for real usage: on its time), so that it stays where it is
when rows are added or the build is run again, and no group has rows on both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from hive_mind.curation.ingest import Entry, Pool
from hive_mind.curation.settings import DataSettings

SPLITS = ("train", "validation", "test")
SAYS_NOTHING_SHARE = 0.25
"""Tools that more than this share of a source's tool rows have in common do not tell its rows apart."""
FEWEST_GROUPS_TO_HOLD_OUT = 5
"""A source with fewer groups of its own is trained on whole."""

LARGEST_LINKED_PART = 0.01
"""Groups that kept near-duplicates link to a part with more of the rows are trained on: one polite refusal that
hundreds of tool sets share would otherwise take them all out of training at once, if its digest so fell."""


def assign(pools: Sequence[Pool], settings: DataSettings) -> None:
    """Give every entry its group and its split, "" for those over a cap."""
    for pool in pools:
        _group(pool, settings.of(pool.source.NAME).first)
    parts = _join_groups(pools)
    splits = _split_groups([pool for pool in pools if pool.source.GROUP_BY != "session"], parts, settings)
    for pool in pools:
        if pool.source.GROUP_BY == "session":
            chosen = [entry for entry in pool.entries if entry.group]
            splits |= _split_sessions(chosen, parts, *settings.shares(pool.source.NAME))
    for pool in pools:
        for entry in pool.entries:
            if entry.group:
                entry.split = splits[parts.get(entry.group, entry.group)]
        _cap(pool, settings)


def tally(pools: Sequence[Pool]) -> None:
    """Count what each split holds, and check that every row is accounted for."""
    for pool in pools:
        counts = Counter(entry.split for entry in pool.entries)
        pool.counts.train, pool.counts.validation, pool.counts.test = (counts[split] for split in SPLITS)
        pool.counts.over_cap += counts[""]
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
            entry.group = session_group(entry)
        elif pool.source.GROUP_BY == "tools" and entry.tools and common[entry.tools] <= enough:
            entry.group = entry.tools
        else:
            entry.group = entry.request


def session_group(entry: Entry) -> str:
    """Return the group of a row that is split by its session."""
    return f"session:{entry.session}" if entry.session else f"record:{entry.id}"


def by_digest(group: str, shares: tuple[float, float], seed: int) -> str:
    """Return the split that a group has by itself; `shares` are those of validation and test."""
    validation, test = shares
    place = unit(seed, group)
    return "test" if place < test else "validation" if place < test + validation else "train"


def _join_groups(pools: Sequence[Pool]) -> dict[str, str]:
    """Return for groups that near-duplicates link (where these are kept) the name of the part they are split in."""
    parts: dict[str, str] = {}

    def part(group: str) -> str:
        while parts.get(group, group) != group:
            group = parts[group]
        return group

    firsts: dict[str, str] = {}
    for pool in pools:
        for entry in pool.entries:
            if entry.cluster and entry.group:
                one, other = sorted((part(firsts.setdefault(entry.cluster, entry.group)), part(entry.group)))
                parts[other] = one
    return {group: part(group) for group in parts}


def _split_groups(pools: Sequence[Pool], parts: Mapping[str, str], settings: DataSettings) -> dict[str, str]:
    """Return the split of every part. One that several sources share follows the smallest of their shares."""
    shares: dict[str, tuple[float, float]] = {}
    owners: dict[str, set[str]] = defaultdict(set)
    sizes: Counter[str] = Counter()
    for pool in pools:
        own = settings.shares(pool.source.NAME)
        for entry in pool.entries:
            if entry.group:
                part = parts.get(entry.group, entry.group)
                shares[part] = min(shares.get(part, own), own, key=sum)
                owners[part].add(pool.source.NAME)
                sizes[part] += 1
    splits = {group: by_digest(group, own, settings.seed) for group, own in shares.items()}
    most = LARGEST_LINKED_PART * sizes.total()
    splits.update((part, "train") for part in set(parts.values()) if sizes[part] > most)
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


def _split_sessions(
    entries: Iterable[Entry], parts: Mapping[str, str], validation: float, test: float
) -> dict[str, str]:
    """Hold out the latest sessions: first the test rows, before them the validation rows, and never the most.

    A public row that says the same as one of a session goes where the session goes.
    """
    sessions: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        sessions[parts.get(entry.group, entry.group)].append(entry)
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


def cap_limits(settings: DataSettings, source: str) -> dict[str, int]:
    """Return how many rows of a source each split may have, nothing where there is no cap."""
    cap = settings.of(source).cap
    if cap is None:
        return {}
    validation, test = settings.shares(source)
    return {"train": cap, "validation": round(cap * validation), "test": round(cap * test)}


def _cap(pool: Pool, settings: DataSettings) -> None:
    """Keep as many rows as the cap allows in each split; held-out rows are capped in proportion."""
    for split, limit in cap_limits(settings, pool.source.NAME).items():
        members = [entry for entry in pool.entries if entry.split == split]
        members.sort(key=lambda entry: unit(settings.seed, entry.id))
        for entry in members[limit:]:
            entry.split = ""

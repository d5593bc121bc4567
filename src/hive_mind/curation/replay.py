"""Convert the rejected rows of a built dataset once more, after a converter or their text was mended.

What is accepted now joins the dataset. All other rows stay as they are, where they are: a new row goes where its group
stands already, else where a whole build would have put it; it is left out if the dataset says the same already, if an
evaluation suite asks it, or if its source is at its cap. No negatives and repetitions are made from it. A long row is
cut into windows as in a whole build.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import orjson

from hive_mind.conversation import JSON, Conversation, Reject, content_digest
from hive_mind.curation.builder import (
    Record,
    cutters,
    describe_suites,
    fingerprint_of,
    finish,
    recorded,
    take_out,
    write_rejects,
    write_removed,
)  # fmt: skip
from hive_mind.curation.ingest import Entry, Pool, add, convert_rows, group_labels
from hive_mind.curation.inputs import Inputs, local_files
from hive_mind.curation.manifest import MANIFEST_NAME, REJECTS_NAME, REMOVED_NAME, SPLIT_FILES, DatasetManifest
from hive_mind.curation.settings import DataSettings
from hive_mind.curation.split import by_digest, cap_limits, session_group
from hive_mind.errors import UsageError
from hive_mind.files import index_name, json_line, read_jsonl
from hive_mind.progress import say as say_to_stderr
from hive_mind.sources import SOURCES, transcripts
from hive_mind.sources.raw import RawRow


@dataclass(frozen=True)
class Replayed:
    """What a replay came to: rejects before, how many of them are accepted now, how many of these joined."""

    rejects: int
    accepted: int
    joined: int
    manifest: DatasetManifest


def replay_rejects(settings: DataSettings, say: Callable[[str], None] = say_to_stderr) -> Replayed:
    """Convert the rows in `rejects.jsonl` again and add what is accepted to the dataset in `settings.dir`.

    Raises UsageError where there is no dataset, or not the one that these rejects and settings belong to.
    """
    manifest = _built(settings)
    rejects = _read_rejects(settings.dir / REJECTS_NAME, manifest)
    pools, seen = _reopen(manifest)
    by_name = {pool.source.NAME: pool for pool in pools}
    cuts = cutters(settings)
    places = _Places(settings)
    for reject in rejects:
        pool = by_name[reject.source]
        part = convert_rows(pool.source, [_raw(reject, places)], reject.file, cuts.get(reject.source))
        part.counts.read = 0  # it was counted when it was read
        add(pool, part, seen)
    left = [reject for pool in pools for reject in pool.rejects]
    accepted = len(rejects) - len(left)
    if not accepted:
        say(f"replay: none of the {len(rejects):,} rejected rows is accepted now; the dataset stays as it is")
        return Replayed(len(rejects), 0, 0, manifest)
    before = manifest.sources
    removed = [row for _, row in read_jsonl(settings.dir / REMOVED_NAME)] + take_out(pools, settings)
    _place(pools, settings)
    suites = describe_suites(settings)
    inputs = Inputs(commits=manifest.commits, skipped=manifest.skipped, not_read=manifest.not_read)
    record = Record(fingerprint_of(settings, manifest.inputs, suites), manifest.inputs, suites, inputs)
    write_rejects(settings.dir, left)
    write_removed(settings.dir, removed)
    after = finish(settings, pools, record)
    joined = sum(counts.kept - before[name].kept for name, counts in after.sources.items())
    say(f"replay: {accepted:,} of {len(rejects):,} rejected rows are accepted now, {joined:,} joined the dataset")
    return Replayed(len(rejects), accepted, joined, after)


def _built(settings: DataSettings) -> DatasetManifest:
    path = settings.dir / MANIFEST_NAME
    if not path.is_file():
        raise UsageError(f"there is no dataset in {settings.dir} whose rejects could be replayed; build it first")
    manifest = DatasetManifest.load(path)
    if not manifest.intact():
        raise UsageError(f"files of the dataset in {settings.dir} were changed or removed; build it again first")
    if manifest.settings != recorded(settings):
        raise UsageError(
            f"the dataset in {settings.dir} was built with other settings; give the same ones (--config), or "
            "build it again"
        )
    return manifest


def _read_rejects(path: Path, manifest: DatasetManifest) -> list[Reject]:
    rejects = [Reject(**row) for _, row in read_jsonl(path)]
    found = Counter((reject.source, reject.code) for reject in rejects)
    counted = {(name, code): n for name, counts in manifest.sources.items() for code, n in counts.rejects.items()}
    if found != counted:
        raise UsageError(
            f"{path} holds other rejects than the dataset beside it counts (a later build was refused, or lines were "
            "removed); build the dataset again"
        )
    return rejects


class _Places:
    """Where files of usage lie, by the names that rejects give. Not looked for before an agent's run asks."""

    def __init__(self, settings: DataSettings) -> None:
        self.settings = settings

    @cached_property
    def files(self) -> dict[str, Path]:
        return {file.name: file.path for file in local_files(self.settings).get(transcripts.NAME, [])}


def _raw(reject: Reject, places: _Places) -> RawRow | Reject:
    """Return the reject's row, the reject itself where there is none to try.

    That is where its text is still no JSON object (or was too long to keep), and for an agent's run whose file is gone:
    beside it lie the declarations of its tools.
    """
    try:
        row = orjson.loads(reject.raw)
    except orjson.JSONDecodeError:
        return reject
    if not isinstance(row, dict):
        return reject
    if reject.record:
        row["id"] = reject.record  # by which `forget` finds it; the text may have a placeholder, as every other has
    place: Path | None = Path(reject.file)
    if reject.source == transcripts.NAME and transcripts.understands(row):
        place = places.files.get(reject.file)
    return RawRow(place, reject.line, row, reject.raw.encode()) if place is not None else reject


def _reopen(manifest: DatasetManifest) -> tuple[list[Pool], set[bytes]]:
    """Return the dataset's rows as pools, each entry with its split, and the digests of what they say."""
    pools = {}
    for name, counts in manifest.sources.items():
        spool = tempfile.TemporaryFile(dir=manifest.folder)  # noqa: SIM115
        counts = replace(
            counts, rejects=Counter(), turns_left_out=Counter(counts.turns_left_out), redacted=counts.redacted.copy()
        )
        pools[name] = Pool(SOURCES[name], counts, spool)
    seen = set()
    for split, file in SPLIT_FILES.items():
        rows, marks = (read_jsonl(manifest.folder / name) for name in (file, index_name(file)))
        for (_, row), (_, mark) in zip(rows, marks, strict=True):
            conversation = Conversation.from_dict(row)
            seen.add(bytes.fromhex(content_digest(conversation)[:32]))
            pool = pools[conversation.source]
            pool.entries.append(_entry(conversation, mark, split, pool))
    return list(pools.values()), seen


def _entry(conversation: Conversation, mark: JSON, split: str, pool: Pool) -> Entry:
    line = json_line(conversation.to_dict())
    offset = pool.spool.tell()
    pool.spool.write(line)
    group, window = mark["group"], mark["window"]
    tools, request = group_labels(conversation)
    if window is not None:  # its group is that of the whole row, whose tools it need not declare
        tools, request = (group, request) if group.startswith("tools:") else ("", group)
    return Entry(
        conversation.id, offset, len(line), tools, request, record=mark["records"][0], session=mark["session"],
        client=mark["client"], time=mark["time"], calls=bool(conversation.calls), window=window, group=group,
        split=split, cluster=mark.get("cluster", ""), made=mark.get("made", ""),
    )  # fmt: skip


def _place(pools: Sequence[Pool], settings: DataSettings) -> None:
    """Give the new rows a group and a split: where their group or cluster stands already, else by their digest."""
    chosen = [entry for pool in pools for entry in pool.entries if entry.split]
    splits = {entry.group: entry.split for entry in chosen}
    clusters = {entry.cluster: entry.split for entry in chosen if entry.cluster}
    for pool in pools:
        name = pool.source.NAME
        grouped_by_tools = {entry.tools: entry.group == entry.tools for entry in pool.entries if entry.split}
        held = Counter(entry.split for entry in pool.entries if entry.split and not entry.made)
        limits, first = cap_limits(settings, name), settings.of(name).first
        for entry in pool.entries:
            if entry.split:
                continue
            if pool.source.GROUP_BY == "session":
                entry.group, fallback = session_group(entry), "train"
            else:
                by_tools = pool.source.GROUP_BY == "tools" and grouped_by_tools.get(entry.tools, bool(entry.tools))
                entry.group = entry.tools if by_tools else entry.request
                fallback = by_digest(entry.group, settings.shares(name), settings.seed)
            split = splits.get(entry.group) or clusters.get(entry.cluster) or fallback
            if held[split] < limits.get(split, sys.maxsize) and (first is None or held.total() < first):
                entry.split = splits[entry.group] = split
                held[split] += 1

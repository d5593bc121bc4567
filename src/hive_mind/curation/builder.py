"""Raw rows in, a dataset out: read, convert, check, cut, deduplicate, decontaminate, split, mix, write.

Every row is accounted for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import orjson

from hive_mind import conversation, redaction, sources, tool_schema
from hive_mind.config import dump
from hive_mind.conversation import JSON, Reject
from hive_mind.curation.card import write_card
from hive_mind.curation.contamination import read_suites, remove_contaminated
from hive_mind.curation.counting import token_counter
from hive_mind.curation.croissant import write_croissant
from hive_mind.curation.duplicates import OWN_FIRST, mark_duplicates, remove_duplicates
from hive_mind.curation.ingest import Pool, ingest
from hive_mind.curation.inputs import COMMERCIAL_USE, Inputs, gather
from hive_mind.curation.lengths import measure
from hive_mind.curation.manifest import (
    MANIFEST_NAME,
    REJECTS_NAME,
    REMOVED_NAME,
    SPLIT_FILES,
    DatasetManifest,
    compose,
)
from hive_mind.curation.mixture import mix
from hive_mind.curation.pictures import draw
from hive_mind.curation.scan import refuse_secrets, removed_without_secrets, without_secrets
from hive_mind.curation.settings import DataSettings
from hive_mind.curation.split import assign, tally
from hive_mind.curation.windows import WINDOWED, Cut, cutter
from hive_mind.curation.write import write_dataset
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import read_json, sha256_file, write_jsonl
from hive_mind.progress import say as say_to_stderr
from hive_mind.progress import track
from hive_mind.sources import SOURCES
from hive_mind.sources.transcripts import tools_beside
from hive_mind.suites import prompts
from hive_mind.suites.prompts import prompt_files

HIGHEST_REJECTED_SHARE = 0.2


def build(settings: DataSettings, say: Callable[[str], None] = say_to_stderr) -> DatasetManifest:
    """Build the dataset in `settings.dir`, or return the one that is there if inputs, settings and code are the same.

    Raises DataRefused (exit code 4) if a source with input gives no row or loses more than 20 % of its rows, a file is
    broken as a whole, no source may be used commercially where the dataset is to be, or a secret is found in what was
    written; UsageError for missing files; HiveMindError if the hub or the disk fail.
    """
    inputs = gather(settings, say)
    if not inputs.files:
        raise _nothing_to_read(settings, inputs)
    try:
        described = _describe_inputs(inputs)
        suites = describe_suites(settings)
        fingerprint = fingerprint_of(settings, described, suites)
        known = _unchanged(settings.dir, fingerprint)
        if known is not None:
            say(f"dataset: nothing changed since {known.train} was built ({known.rows('train'):,} training rows)")
            return known
        settings.dir.mkdir(parents=True, exist_ok=True)
        pools = _ingest(settings, inputs)
        for line in inputs.not_read:
            say(f"not read: {line}")
        return _write(settings, inputs, pools, described, suites, fingerprint, say)
    except OSError as error:
        where = error.filename or settings.dir
        raise HiveMindError(
            f"could not read or write {where}: {error.strerror or error}; nothing half-written was left, "
            "free space or check permissions and run the command again"
        ) from error


def _write(
    settings: DataSettings, inputs: Inputs, pools: list[Pool], described: dict[str, JSON], suites: JSON,
    fingerprint: str, say: Callable[[str], None],
) -> DatasetManifest:  # fmt: skip
    """Choose what stays and where, and write everything."""
    write_rejects(settings.dir, (reject for pool in pools for reject in pool.rejects))
    for pool in pools:
        _refuse_poor_source(pool, settings.dir)
    write_removed(settings.dir, take_out(pools, settings))
    for pool in pools:
        if not pool.entries:
            raise DataRefused(_nothing_left(pool, settings.dir))
    assign(pools, settings)
    mix(pools, settings, say)
    return finish(settings, pools, Record(fingerprint, described, suites, inputs))


def take_out(pools: Sequence[Pool], settings: DataSettings) -> list[JSON]:
    """Take duplicates and contaminated rows out of the pools; returns them with the reasons."""
    removed: list[JSON] = []
    rows = sum(len(pool.entries) for pool in pools)
    if settings.near_duplicates == "remove":
        with track("comparing rows", rows) as progress:
            removed += [duplicate.to_dict() for duplicate in remove_duplicates(pools, progress)]
    elif settings.near_duplicates == "keep":
        with track("comparing rows", rows) as progress:
            mark_duplicates(pools, progress)
    if settings.decontaminate:
        asked = read_suites(settings.suites())
        unchosen = sum(not entry.split for pool in pools for entry in pool.entries)
        with track("comparing with the suites", unchosen) as progress:
            removed += [hit.to_dict() for hit in remove_contaminated(pools, asked, progress)]
    return removed


@dataclass(frozen=True)
class Record:
    """What the manifest says of where a dataset came from."""

    fingerprint: str
    described: dict[str, JSON]
    suites: JSON
    inputs: Inputs


def finish(settings: DataSettings, pools: Sequence[Pool], record: Record) -> DatasetManifest:
    """Write the dataset, the manifest last: its digests say that all before it is whole."""
    tally(pools)
    written = write_dataset(settings.dir, pools)
    with track("looking for secrets in what was written") as progress:
        refuse_secrets(settings.dir, written.files, progress)
    counts = {pool.source.NAME: pool.counts for pool in pools}
    manifest = DatasetManifest(
        settings.dir, record.fingerprint, recorded(settings), counts, compose(counts, written.train_bytes),
        written.files, record.described, record.inputs.commits, record.inputs.skipped, record.inputs.not_read,
        record.suites, {name: measure(characters) for name, characters in written.characters.items()},
    )  # fmt: skip
    for split in SPLIT_FILES:
        rows, counted = manifest.rows(split), sum(getattr(count, split) for count in counts.values())
        if rows != counted:
            raise HiveMindError(f"{rows} rows of {split} were written, but {counted} counted; please report this")
    draw(manifest)
    write_croissant(manifest)
    write_card(manifest)
    manifest.save()
    return manifest


def write_removed(folder: Path, removed: Iterable[JSON]) -> None:
    """Write what was taken out and why, before anything can be refused for it; none of it may hold a secret."""
    write_jsonl(folder / REMOVED_NAME, removed_without_secrets(removed))


def write_rejects(folder: Path, rejects: Iterable[Reject]) -> None:
    """Write the rejected rows, none of which may hold a secret."""
    write_jsonl(folder / REJECTS_NAME, (reject.to_dict() for reject in without_secrets(rejects)))


def _ingest(settings: DataSettings, inputs: Inputs) -> list[Pool]:
    """Read every source, own usage first: of equal rows the first stays, and that is to be the user's own."""
    seen: set[bytes] = set()
    pools = []
    cuts = cutters(settings)
    for name, source in sorted(SOURCES.items(), key=lambda item: item[0] not in OWN_FIRST):
        files = inputs.files.get(name)
        if files:
            with track(f"reading {name}") as progress:
                pool = ingest(
                    source, files, settings.dir, seen, inputs.not_read, progress,
                    settings.licence_of(name, fetched=name in inputs.commits), cuts.get(name),
                )  # fmt: skip
            if pool.counts.read:
                pools.append(pool)
            elif name in inputs.commits:
                raise DataRefused(
                    f"{name}: what came from the hub is in no layout that is known here: {'; '.join(inputs.not_read)}; "
                    f"name an earlier commit with data.sources.{name}.revision, or leave the source out with "
                    f"data.sources.{name}.include=false"
                )
    if not pools:
        raise _nothing_to_read(settings, inputs)
    order = list(SOURCES)
    return sorted(pools, key=lambda pool: order.index(pool.source.NAME))


def cutters(settings: DataSettings) -> dict[str, Cut]:
    """Return what cuts long rows, by source; none where the settings ask for no windows."""
    if settings.window_tokens is None:
        return {}
    return dict.fromkeys(WINDOWED, cutter(settings.window_tokens, token_counter(settings.window_tokenizer)))


def _refuse_poor_source(pool: Pool, folder: Path) -> None:
    counts, name = pool.counts, pool.source.NAME
    if pool.entries and counts.unexpected <= HIGHEST_REJECTED_SHARE * counts.read:
        return
    reasons = []
    for code, count in counts.rejects.most_common(3):
        example = next(reject for reject in pool.rejects if reject.code == code)
        reasons.append(f"{count} {code} (the first: {example.file}, line {example.line}: {example.detail})")
    what = f"{counts.rejected:,} of {counts.read:,} rows cannot be used" if pool.entries else "no row can be used"
    why = "; ".join(reasons) or "all are duplicates of another source's rows"
    raise DataRefused(
        f"{name}: {what}: {why}. All are in {folder / REJECTS_NAME}; repair the input, "
        f"or leave the source out with data.sources.{name}.include=false"
    )


def _nothing_left(pool: Pool, folder: Path) -> str:
    counts, name = pool.counts, pool.source.NAME
    return (
        f"{name}: none of its {counts.usable:,} usable rows is left: {counts.duplicates:,} are "
        f"duplicates, {counts.near_duplicates:,} near-duplicates, and {counts.contaminated:,} ask what an evaluation "
        f"suite asks. All are in {folder / REMOVED_NAME}; leave the source out with data.sources.{name}.include=false"
    )


def _describe_inputs(inputs: Inputs) -> dict[str, JSON]:
    described: dict[str, JSON] = {
        source: {file.name: {"bytes": file.path.stat().st_size, "sha256": sha256_file(file.path)} for file in files}
        for source, files in inputs.files.items()
    }
    for file in inputs.files.get("usage", []):
        for path in tools_beside(file.path):
            name = f"{file.name.removesuffix(file.path.name)}{path.name}"
            described["usage"][name] = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
    return described


def describe_suites(settings: DataSettings) -> JSON:
    """Return the digests of the files of every suite whose questions are kept out."""
    return {
        name: {file.name: sha256_file(file) for file in prompt_files(name, path)}
        for name, path in settings.suites().items()
    }


def fingerprint_of(settings: DataSettings, inputs: dict[str, JSON], suites: JSON) -> str:
    """Return a digest of all that decides the result: settings, input bytes, and the code that reads and chooses."""
    digest = hashlib.sha256(orjson.dumps([recorded(settings), inputs, suites], option=orjson.OPT_SORT_KEYS))
    digest.update(version("detect-secrets").encode())
    files = (sources.__file__, tool_schema.__file__, redaction.__file__, __file__)
    folders = [Path(file).parent for file in files]
    code = [Path(conversation.__file__), Path(prompts.__file__)]
    for file in [*code, *(path for folder in folders for path in sorted(folder.glob("*.py")))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def recorded(settings: DataSettings) -> JSON:
    """Return the settings that decide the result; where the files lie does not."""
    values = dump(settings)
    for key in ("dir", "raw_dir", "automated", "lock"):
        del values[key]
    values["decontaminate"] = sorted(settings.decontaminate)
    if settings.window_tokenizer is not None:
        values["window_tokenizer"] = _tokenizer_digest(settings.window_tokenizer)
    values["sources"] = {
        name: {key: value for key, value in own.items() if key != "files"} for name, own in values["sources"].items()
    }
    return values


def _tokenizer_digest(folder: Path) -> str:
    """Return a digest of the files that decide how a base's tokenizer counts; where they lie does not."""
    names = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    digests = [sha256_file(folder / name) for name in names if (folder / name).is_file()]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _unchanged(folder: Path, fingerprint: str) -> DatasetManifest | None:
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return None
    if read_json(path).get("fingerprint") != fingerprint:
        return None  # built from other inputs or by other code, whose manifest may look different
    manifest = DatasetManifest.load(path)
    return manifest if manifest.intact() else None


def _nothing_to_read(settings: DataSettings, inputs: Inputs) -> HiveMindError:
    refused = [f"{name} ({why})" for name, why in inputs.skipped.items() if COMMERCIAL_USE in why]
    if refused:
        return DataRefused(
            f"{COMMERCIAL_USE} leaves nothing to build from: left out are {', '.join(refused)}; include a source whose "
            "licence allows it, name the licence of files of your own (data.sources.NAME.licence=Apache-2.0, or "
            "private), or build with data.commercial_use=false"
        )
    if settings.raw_dir is None:
        return UsageError("no source has anything to read; include at least one (data.sources.NAME.include=true)")
    known = sorted({name for source in SOURCES.values() for name in source.FOLDERS})
    aside = f" (not read: {', '.join(inputs.not_read)})" if inputs.not_read else ""
    return UsageError(
        f"data.raw_dir={settings.raw_dir} holds no rows of any included source{aside}; "
        f"its folders may be called {', '.join(known)}"
    )

"""Raw rows in, a dataset out: read, convert, check, deduplicate, split, cap, write; every row accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import orjson

from hive_mind import conversation, redaction, sources
from hive_mind.config import dump
from hive_mind.conversation import JSON
from hive_mind.curation.card import write_card
from hive_mind.curation.ingest import Pool, ingest
from hive_mind.curation.inputs import Inputs, gather
from hive_mind.curation.manifest import MANIFEST_NAME, SPLIT_FILES, DatasetManifest, compose
from hive_mind.curation.scan import refuse_secrets, without_secrets
from hive_mind.curation.settings import DataSettings
from hive_mind.curation.split import assign
from hive_mind.curation.write import write_dataset
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import read_json, sha256_file, write_jsonl
from hive_mind.progress import say as say_to_stderr
from hive_mind.progress import track
from hive_mind.sources import SOURCES

REJECTS_NAME = "rejects.jsonl"
HIGHEST_REJECTED_SHARE = 0.2


def build(settings: DataSettings, say: Callable[[str], None] = say_to_stderr) -> DatasetManifest:
    """Build the dataset in `settings.dir`, or return the one that is there if inputs, settings and code are the same.

    Raises DataRefused (exit code 4) if a source with input gives no row or loses more than 20 % of its rows, a file is
    broken as a whole, or a secret is found in what was written; UsageError for missing files; HiveMindError if the hub
    or the disk fail.
    """
    inputs = gather(settings, say)
    if not inputs.files:
        raise UsageError(_nothing_to_read(settings, inputs))
    try:
        described = _describe_inputs(inputs)
        fingerprint = _fingerprint(settings, described)
        known = _unchanged(settings.dir, fingerprint)
        if known is not None:
            say(f"dataset: nothing changed since {known.train} was built ({known.rows('train'):,} training rows)")
            return known
        settings.dir.mkdir(parents=True, exist_ok=True)
        pools = _ingest(settings, inputs)
        for line in inputs.not_read:
            say(f"not read: {line}")
        return _write(settings, inputs, pools, described, fingerprint)
    except OSError as error:
        where = error.filename or settings.dir
        raise HiveMindError(
            f"could not read or write {where}: {error.strerror or error}; nothing half-written was left, "
            "free space or check permissions and run the command again"
        ) from error


def _write(
    settings: DataSettings, inputs: Inputs, pools: list[Pool], described: dict[str, JSON], fingerprint: str
) -> DatasetManifest:
    """Choose splits and write everything, the manifest last: its digests say that all before it is whole."""
    assign(pools, settings)
    write_jsonl(settings.dir / REJECTS_NAME, _rejects(pools))
    for pool in pools:
        _refuse_poor_source(pool, settings.dir)
    files, train_bytes = write_dataset(settings.dir, pools)
    with track("looking for secrets in what was written") as progress:
        refuse_secrets(settings.dir, files, progress)
    counts = {pool.source.NAME: pool.counts for pool in pools}
    manifest = DatasetManifest(
        settings.dir, fingerprint, _recorded(settings), counts, compose(counts, train_bytes), files,
        described, inputs.commits, inputs.skipped, inputs.not_read,
    )  # fmt: skip
    for split in SPLIT_FILES:
        written, counted = manifest.rows(split), sum(getattr(count, split) for count in counts.values())
        if written != counted:
            raise HiveMindError(f"{written} rows of {split} were written, but {counted} counted; please report this")
    write_card(manifest)
    manifest.save()
    return manifest


def _rejects(pools: list[Pool]) -> Iterator[JSON]:
    return (reject.to_dict() for pool in pools for reject in without_secrets(pool.rejects))


def _ingest(settings: DataSettings, inputs: Inputs) -> list[Pool]:
    seen: set[bytes] = set()
    pools = []
    for name, source in SOURCES.items():
        files = inputs.files.get(name)
        if files:
            with track(f"reading {name}") as progress:
                pool = ingest(source, files, settings.dir, seen, inputs.not_read, progress, settings.licence)
            if pool.counts.read:
                pools.append(pool)
            elif name in inputs.commits:
                raise DataRefused(
                    f"{name}: what came from the hub is in no layout that is known here: {'; '.join(inputs.not_read)}; "
                    f"name an earlier commit with data.sources.{name}.revision, or leave the source out with "
                    f"data.sources.{name}.include=false"
                )
    if not pools:
        raise UsageError(_nothing_to_read(settings, inputs))
    return pools


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


def _describe_inputs(inputs: Inputs) -> dict[str, JSON]:
    return {
        source: {file.name: {"bytes": file.path.stat().st_size, "sha256": sha256_file(file.path)} for file in files}
        for source, files in inputs.files.items()
    }


def _fingerprint(settings: DataSettings, inputs: dict[str, JSON]) -> str:
    """Return a digest of all that decides the result: settings, input bytes, and the code that reads and chooses."""
    digest = hashlib.sha256(orjson.dumps([_recorded(settings), inputs], option=orjson.OPT_SORT_KEYS))
    digest.update(version("detect-secrets").encode())
    folders = (Path(sources.__file__).parent, Path(redaction.__file__).parent, Path(__file__).parent)
    for file in [Path(conversation.__file__), *(path for folder in folders for path in sorted(folder.glob("*.py")))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _recorded(settings: DataSettings) -> JSON:
    """Return the settings that decide the result; where the files lie does not."""
    values = dump(settings)
    for key in ("dir", "raw_dir", "automated", "lock"):
        del values[key]
    values["sources"] = {
        name: {key: value for key, value in own.items() if key != "files"} for name, own in values["sources"].items()
    }
    return values


def _unchanged(folder: Path, fingerprint: str) -> DatasetManifest | None:
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return None
    if read_json(path).get("fingerprint") != fingerprint:
        return None  # built from other inputs or by other code, whose manifest may look different
    manifest = DatasetManifest.load(path)
    return manifest if manifest.intact() else None


def _nothing_to_read(settings: DataSettings, inputs: Inputs) -> str:
    if settings.raw_dir is None:
        return "no source has anything to read; include at least one (data.sources.NAME.include=true)"
    known = sorted({name for source in SOURCES.values() for name in source.FOLDERS})
    aside = f" (not read: {', '.join(inputs.not_read)})" if inputs.not_read else ""
    return (
        f"data.raw_dir={settings.raw_dir} holds no rows of any included source{aside}; "
        f"its folders may be called {', '.join(known)}"
    )

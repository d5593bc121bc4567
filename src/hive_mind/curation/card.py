"""The dataset card: README.md beside the dataset, with the hub's front matter, all figures from the manifest."""

from __future__ import annotations

from pathlib import Path

import yaml

from hive_mind.curation.inputs import COMMERCIAL_USE
from hive_mind.curation.licences import PRIVATE, hub_licence, licence_url, not_commercial
from hive_mind.curation.manifest import (
    CARD_NAME,
    COMPOSITION_PICTURE,
    LENGTHS_PICTURE,
    SPLIT_FILES,
    DatasetManifest,
)
from hive_mind.curation.pictures import COMPOSITION_TEXT, LENGTHS_TEXT
from hive_mind.curation.tables import redaction_rows, windows_line
from hive_mind.files import write_text
from hive_mind.hub import megabytes
from hive_mind.sources import SOURCES

_ABOUT = (
    "Conversations with tool calls, shell commands and code, one JSON object a line in the OpenAI / TRL conversational "
    "layout: `messages`, `tools` and, where known, `timestamp`; `metadata.source` names the source. Built by "
    "Hive-Mind: `manifest.json` holds all figures and settings, `croissant.json` describes the files to programs."
)
_LENGTHS = (
    "In characters of what a model is shown of a row: messages, calls and tool declarations. Tokens depend on the base "
    "that is trained; a run's report counts them."
)
_LEFT_OUT = (
    "Rows left out, by reason: rejected rows stand in `rejects.jsonl` with file, line and text, near-duplicates and "
    "contaminated rows in `removed.jsonl` with what they are like."
)
_REDACTED = "Secrets and personal data, each value replaced by a placeholder such as `<SECRET:email:1>`:"
_SPLITS = (
    "Seed {seed}. A row's split depends on its group alone (its set of tools, its first request, or for real usage its "
    "session and time), and no group is on both sides."
)
_FILES_SHOWN = 10
"""Raw files of one source that the card lists; the manifest has all."""


def write_card(manifest: DatasetManifest) -> None:
    """Write the card of a dataset beside its files."""
    write_text(manifest.folder / CARD_NAME, card(manifest))


def card(manifest: DatasetManifest) -> str:
    """Return the card's text."""
    front = yaml.safe_dump(_front_matter(manifest), sort_keys=False, allow_unicode=True)
    parts = [f"---\n{front}---\n# {manifest.name}", _ABOUT, "## What the training split is made of"]
    parts.append(
        _table(
            ["source", "examples", "share", "size", "licence", "from"],
            [
                [row.source, f"{row.examples:,}", f"{row.share:.1%}", megabytes(row.bytes), row.licence,
                 _origin(row.source, manifest)]
                for row in manifest.composition
            ],
        )
    )  # fmt: skip
    parts += [f"![{COMPOSITION_TEXT}]({COMPOSITION_PICTURE})", "## Licences", _licences(manifest)]
    if manifest.lengths:
        parts += ["## Lengths", _LENGTHS, f"![{LENGTHS_TEXT}]({LENGTHS_PICTURE})", lengths_markdown(manifest)]
    parts += ["## What became of every row", accounting_markdown(manifest)]
    if manifest.skipped:
        parts += ["Left out:", "\n".join(f"- {name}: {why}" for name, why in manifest.skipped.items())]
    parts += ["## What it was built from", _inputs(manifest), "## Files", _files(manifest)]
    parts.append(_SPLITS.format(seed=manifest.settings["seed"]))
    return "\n\n".join(parts) + "\n"


def lengths_markdown(manifest: DatasetManifest) -> str:
    """Return the lengths of each source's training rows as a Markdown table."""
    rows = [
        [name, *(f"{figure:,}" for figure in (each.shortest, each.median, each.most, each.longest))]
        for name, each in manifest.lengths.items()
    ]
    return _table(["source", "shortest", "median", "95 of 100 up to", "longest"], rows)


def accounting_markdown(manifest: DatasetManifest) -> str:
    """Return where every source's rows went, as a Markdown table, with the reasons of rejects and redactions below."""
    fates = [
        [name, *(f"{n:,}" for n in (
            c.read, c.rejected, c.duplicates, c.near_duplicates, c.contaminated, c.made, c.over_cap,
            c.train, c.validation, c.test,
        ))]
        for name, c in manifest.sources.items()
    ]  # fmt: skip
    header = [
        "source", "read", "rejected", "duplicates", "near-duplicates", "contaminated", "made", "over cap",
        "train", "validation", "test",
    ]  # fmt: skip
    windows = [windows_line(name, counts) for name, counts in manifest.sources.items() if counts.cut]
    table = "\n\n".join([_table(header, fates), *windows])
    reasons = [
        [name, stage["stage"], f"`{reason}`", f"{rows:,}", f"{rows / max(stage['in'], 1):.2%}"]
        for name, counts in manifest.sources.items()
        for stage in counts.stages()
        for reason, rows in stage["left_out"].items()
        if rows and reason != "cut"  # rows that were cut are there, as windows
    ]
    parts = [table]
    if reasons:
        parts += [_LEFT_OUT, _table(["source", "stage", "reason", "rows", "of what came in"], reasons)]
    redacted = redaction_rows(manifest)
    if redacted:
        parts += [_REDACTED, _table(["source", "kind", "rows", "values"], redacted)]
    return "\n\n".join(parts)


def _front_matter(manifest: DatasetManifest) -> dict[str, object]:
    """Return what the hub reads: https://huggingface.co/docs/hub/datasets-cards. Splits without rows are left out."""
    licences = sorted({hub_licence(row.licence) for row in manifest.composition})
    splits = [{"split": split, "path": name} for split, name in SPLIT_FILES.items() if manifest.rows(split)]
    own = [
        {"config_name": Path(name).stem, "data_files": [{"split": "train", "path": name}]}
        for name, file in manifest.files.items()
        if file.rows and name not in SPLIT_FILES.values()
    ]
    return {
        "pretty_name": manifest.name,
        "license": licences[0] if len(licences) == 1 else licences,
        "task_categories": ["text-generation"],
        "tags": ["tool-calling", "function-calling", "code", "shell"],
        "size_categories": [_size_category(sum(map(manifest.rows, SPLIT_FILES)))],
        "configs": [{"config_name": "default", "default": True, "data_files": splits}, *own],
    }


def _licences(manifest: DatasetManifest) -> str:
    """Say under which licence each source's rows are, and whether all may be used commercially, or published."""
    licences = {name: counts.licence for name, counts in manifest.sources.items() if counts.kept}
    lines = [f"- {name}: {_link(licence)}" for name, licence in licences.items()]
    refused = [f"- {name}: {why}" for name, licence in licences.items() if (why := not_commercial(licence))]
    if manifest.settings.get("commercial_use"):
        left_out = [name for name, why in manifest.skipped.items() if COMMERCIAL_USE in why]
        said = f"Left out: {', '.join(left_out)}." if left_out else "There was no such source."
        use = f"Built with `{COMMERCIAL_USE}`, without sources whose licence forbids it or is not known. {said}"
    elif refused:
        use = f"Not for commercial use as it stands; `{COMMERCIAL_USE}` builds it without these sources:\n\n"
        use += "\n".join(refused)
    else:
        use = "Every licence allows commercial use."
    private = [name for name, licence in licences.items() if licence == PRIVATE]
    parts = ["\n".join(lines), use]
    if private:
        parts.append(f"Private rows ({', '.join(private)}) are among them: read them before you publish anything.")
    return "\n\n".join(parts)


def _link(licence: str) -> str:
    url = licence_url(licence)
    return f"[{licence}]({url})" if url else licence


def _inputs(manifest: DatasetManifest) -> str:
    """List the raw files with their digests, the commit of the hub where they are the hub's."""
    rows = []
    for source, files in manifest.inputs.items():
        for name, file in list(files.items())[:_FILES_SHOWN]:
            commit = manifest.commits.get(source, "")
            rows.append([source, f"`{name}`", megabytes(file["bytes"]), f"`{file['sha256'][:16]}`", commit[:12]])
        if len(files) > _FILES_SHOWN:
            rows.append([source, f"and {len(files) - _FILES_SHOWN} more, see `manifest.json`", "", "", ""])
    table = _table(["source", "raw file", "size", "sha256", "commit"], rows)
    suites = f"\n\nWhat these suites ask was kept out: {', '.join(manifest.suites)}." if manifest.suites else ""
    return table + suites


def _files(manifest: DatasetManifest) -> str:
    rows = [
        [f"`{name}`", f"{file.rows:,}", megabytes(file.size), f"`{file.sha256[:16]}`"]
        for name, file in manifest.files.items()
    ]
    return _table(["file", "rows", "size", "sha256"], rows)


def _size_category(rows: int) -> str:
    steps = (("n<1K", 1_000), ("1K<n<10K", 10_000), ("10K<n<100K", 100_000), ("100K<n<1M", 1_000_000))
    return next((name for name, bound in steps if rows < bound), "1M<n<10M")


def _origin(source: str, manifest: DatasetManifest) -> str:
    hub = SOURCES[source].HUB
    commit = manifest.commits.get(source)
    if hub is None or commit is None:
        return "own files" if hub is None else f"files in the layout of {hub.repo_id}"
    return f"{hub.repo_id} at {commit[:12]}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

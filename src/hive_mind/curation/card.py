"""The dataset card: README.md beside the dataset, with the hub's front matter, all figures from the manifest."""

from __future__ import annotations

import yaml

from hive_mind.curation.manifest import SPLIT_FILES, DatasetManifest
from hive_mind.curation.tables import windows_line
from hive_mind.files import write_text
from hive_mind.hub import megabytes
from hive_mind.sources import SOURCES

CARD_NAME = "README.md"

_ABOUT = (
    "Conversations with tool calls, shell commands and code, one JSON object a line in the OpenAI / TRL conversational "
    "layout: `messages`, `tools` and, where known, `timestamp`; `metadata.source` names the source."
)
_REJECTED = "Rejected rows, each with its file, line and text in `rejects.jsonl`:"
_REDACTED = "Secrets and personal data, each value replaced by a placeholder such as `<SECRET:email:1>`:"
_SPLITS = (
    "Seed {seed}. A row's split depends on its group alone (its set of tools, its first request, or for real usage its "
    "session and time), and no group is on both sides."
)
_OPEN_LICENCES = {"CC-BY-NC-4.0": "cc-by-nc-4.0", "Apache-2.0": "apache-2.0", "MIT": "mit", "CC-BY-4.0": "cc-by-4.0"}


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
    parts += ["## What became of every row", accounting_markdown(manifest)]
    if manifest.skipped:
        parts += ["Left out:", "\n".join(f"- {name}: {why}" for name, why in manifest.skipped.items())]
    files = [
        [f"`{name}`", f"{file.rows:,}", megabytes(file.size), f"`{file.sha256[:16]}`"]
        for name, file in manifest.files.items()
    ]
    parts += ["## Files", _table(["file", "rows", "size", "sha256"], files)]
    parts.append(_SPLITS.format(seed=manifest.settings["seed"]))
    return "\n\n".join(parts) + "\n"


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
        [name, code, f"{count:,}"]
        for name, counts in manifest.sources.items()
        for code, count in counts.rejects.most_common()
    ]
    parts = [table]
    if reasons:
        parts += [_REJECTED, _table(["source", "reason", "rows"], reasons)]
    redacted = [
        [name, kind, f"{counts.redacted.rows_of_kind[kind]:,}", f"{counts.redacted.values_of_kind[kind]:,}"]
        for name, counts in manifest.sources.items()
        for kind in counts.redacted.kinds()
    ]
    if redacted:
        parts += [_REDACTED, _table(["source", "kind", "rows", "values"], redacted)]
    return "\n\n".join(parts)


def _front_matter(manifest: DatasetManifest) -> dict[str, object]:
    licences = sorted({_OPEN_LICENCES.get(row.licence, "other") for row in manifest.composition})
    rows = manifest.rows("train")
    return {
        "license": licences[0] if len(licences) == 1 else licences,
        "task_categories": ["text-generation"],
        "tags": ["tool-calling", "function-calling", "code", "shell"],
        "size_categories": [_size_category(rows)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": name} for split, name in SPLIT_FILES.items()],
            }
        ],
    }


def _size_category(rows: int) -> str:
    steps = (("n<1K", 1_000), ("1K<n<10K", 10_000), ("10K<n<100K", 100_000), ("100K<n<1M", 1_000_000))
    return next((name for name, bound in steps if rows < bound), "1M<n<10M")


def _origin(source: str, manifest: DatasetManifest) -> str:
    hub = SOURCES[source].HUB
    commit = manifest.commits.get(source)
    if hub is None or commit is None:
        return "own files" if hub is None else f"files of {hub.repo_id}"
    return f"{hub.repo_id} at {commit[:12]}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

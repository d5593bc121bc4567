"""The report's part on data: what the training rows are made of, and what became of every row."""

from __future__ import annotations

from pathlib import Path

from hive_mind.curation.card import accounting_markdown
from hive_mind.hub import megabytes
from hive_mind.report.markdown import NOT_MEASURED, at, bullets, count, facts, share, table
from hive_mind.report.records import Records


def dataset_section(records: Records) -> str:
    """Return the section on the dataset."""
    parts = ["## 1. Dataset", _trained_on(records)]
    if lengths := at(records.run, "dataset.lengths"):
        bounds = [f"up to {row['up_to']:,}" for row in lengths]
        parts.append(table(["tokens", *bounds], [["examples", *(count(row["examples"]) for row in lengths)]]))
    parts.append("### Composition")
    manifest = records.dataset
    if manifest is None:
        sources = at(records.run, "dataset.sources")
        parts.append(_by_source(sources) if sources else f"Composition: {NOT_MEASURED} (the file has no manifest).")
        return "\n\n".join(parts)
    rows = [
        [row.source, count(row.examples), share(row.share), megabytes(row.bytes), row.licence]
        for row in manifest.composition
    ]
    train = manifest.files[manifest.train.name]
    rows.append(["**total**", count(train.rows), share(1.0), megabytes(train.size), ""])
    parts.append(table(["source", "examples", "share", "size", "licence"], rows))
    if not _same_file(records):
        parts.append(
            f"This version was trained on a file chosen from that dataset: `{at(records.run, 'dataset.path')}`."
        )
    parts += ["### What became of every row", accounting_markdown(manifest)]
    if manifest.skipped:
        parts += ["Left out:", bullets(f"{name}: {why}" for name, why in manifest.skipped.items())]
    return "\n\n".join(parts)


def _trained_on(records: Records) -> str:
    run = records.run
    dropped = at(run, "dataset.dropped")
    said = (
        ", ".join(f"{number:,} {reason.replace('_', ' ')}" for reason, number in dropped.items()) or "none"
        if dropped is not None
        else NOT_MEASURED
    )
    digest = at(run, "dataset.digest")
    return facts(
        [
            ("file", f"`{at(run, 'dataset.path')}`" if at(run, "dataset.path") else NOT_MEASURED),
            ("sha256", f"`{digest}`" if digest else NOT_MEASURED),
            ("rows read", count(at(run, "dataset.rows"))),
            ("left out", said),
            ("examples trained on", count(at(run, "dataset.examples"))),
            ("tokens an epoch", count(at(run, "dataset.tokens"))),
            ("of these learnt from", count(at(run, "dataset.labelled_tokens"))),
            ("tool types called", count(at(run, "dataset.tool_types"))),
            ("validation examples", count(at(run, "validation.examples"))),
        ]
    )


def _by_source(sources: dict[str, int]) -> str:
    total = sum(sources.values())
    rows = [[name, count(examples), share(examples / total)] for name, examples in sources.items()]
    return table(["source", "examples", "share"], [*rows, ["**total**", count(total), share(1.0)]])


def _same_file(records: Records) -> bool:
    manifest, path = records.dataset, at(records.run, "dataset.path")
    if manifest is None or path is None:
        return True
    file = manifest.files.get(Path(path).name)
    return file is not None and file.sha256 == at(records.run, "dataset.digest")

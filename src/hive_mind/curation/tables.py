"""The dataset's figures as aligned text: what it is made of, and what became of every row."""

from __future__ import annotations

from collections.abc import Sequence

from hive_mind.curation.ingest import SourceCounts
from hive_mind.curation.manifest import DatasetManifest
from hive_mind.hub import megabytes


def composition_table(manifest: DatasetManifest) -> str:
    """Return the composition of the training split: examples, share and bytes of each source."""
    rows = [
        [row.source, f"{row.examples:,}", f"{row.share:.1%}", megabytes(row.bytes), row.licence]
        for row in manifest.composition
    ]
    total = manifest.files[manifest.train.name]
    rows.append(["total", f"{total.rows:,}", "100.0%", megabytes(total.size), ""])
    return aligned(["source", "examples", "share", "size", "licence"], rows)


def accounting_table(manifest: DatasetManifest) -> str:
    """Return where every row of every source went; the reasons of rejects stand below."""
    header = [
        "source", "read", "rejected", "duplicates", "near-dupl.", "contaminated", "made", "over cap",
        "train", "validation", "test",
    ]  # fmt: skip
    rows, reasons = [], []
    totals = [0] * (len(header) - 1)
    for name, counts in manifest.sources.items():
        figures = [
            counts.read, counts.rejected, counts.duplicates, counts.near_duplicates, counts.contaminated,
            counts.made, counts.over_cap, counts.train, counts.validation, counts.test,
        ]  # fmt: skip
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        rows.append([name, *(f"{figure:,}" for figure in figures)])
        if counts.rejects:
            said = ", ".join(f"{count:,} {code}" for code, count in counts.rejects.most_common())
            reasons.append(f"rejected from {name}: {said}")
        if counts.cut:
            reasons.append(windows_line(name, counts))
        if counts.made:
            said = f"{counts.negatives:,} missing-tool negatives, {counts.repeats:,} repetitions"
            reasons.append(f"made from {name}: {said}")
    rows.append(["total", *(f"{total:,}" for total in totals)])
    return "\n".join([aligned(header, rows), *reasons])


def windows_line(name: str, counts: SourceCounts) -> str:
    """Return what became of the rows of a source that were cut; below, their windows are counted in place of them."""
    left_out = "".join(f", {count:,} {code}" for code, count in counts.turns_left_out.most_common())
    return (
        f"windows of {name}: {counts.cut:,} rows became {counts.windows:,}; "
        f"turns left out: {counts.turns_left_out.total():,}{left_out}"
    )


def redaction_rows(manifest: DatasetManifest) -> list[list[str]]:
    """Return source, kind, and in how many rows how many different values of it were redacted."""
    return [
        [name, kind, f"{counts.redacted.rows_of_kind[kind]:,}", f"{counts.redacted.values_of_kind[kind]:,}"]
        for name, counts in manifest.sources.items()
        for kind in counts.redacted.kinds()
    ]


def redaction_table(manifest: DatasetManifest) -> str:
    """Return `redaction_rows` as a table for a terminal; "" for none."""
    rows = redaction_rows(manifest)
    return aligned(["redacted in", "kind", "rows", "values"], rows) if rows else ""


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns of equal width; the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)

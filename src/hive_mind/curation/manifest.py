"""What a built dataset is made of: files with digests, every row's fate per source, and what it was built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from hive_mind.conversation import JSON
from hive_mind.curation.ingest import SourceCounts
from hive_mind.curation.lengths import Lengths
from hive_mind.files import read_json, sha256_file, write_json

MANIFEST_NAME = "manifest.json"
TRAIN_NAME = "training_dataset_foundation_final.jsonl"
SPLIT_FILES = {"train": TRAIN_NAME, "validation": "validation.jsonl", "test": "test.jsonl"}
MERGED_NAME = "external/merged_dataset.jsonl"
REJECTS_NAME, REMOVED_NAME = "rejects.jsonl", "removed.jsonl"
CARD_NAME, CROISSANT_NAME = "README.md", "croissant.json"
LENGTHS_PICTURE, COMPOSITION_PICTURE = "lengths.png", "composition.png"
DESCRIPTIONS = (MANIFEST_NAME, CARD_NAME, CROISSANT_NAME, LENGTHS_PICTURE, COMPOSITION_PICTURE)
"""What is written about a dataset beside it."""


@dataclass(frozen=True)
class WrittenFile:
    """A finished JSONL file."""

    rows: int
    size: int
    sha256: str

    def to_dict(self) -> JSON:
        return {"rows": self.rows, "bytes": self.size, "sha256": self.sha256}


@dataclass(frozen=True)
class CompositionRow:
    """One source's part of the training split."""

    source: str
    examples: int
    share: float
    bytes: int
    licence: str

    def to_dict(self) -> JSON:
        return {
            "source": self.source, "examples": self.examples, "share": round(self.share, 6),
            "bytes": self.bytes, "licence": self.licence,
        }  # fmt: skip


@dataclass(frozen=True)
class DatasetManifest:
    """The record beside a dataset. `fingerprint` stands for inputs, settings and code; `digest` for the result."""

    folder: Path
    fingerprint: str
    settings: JSON
    sources: dict[str, SourceCounts]
    composition: list[CompositionRow]
    files: dict[str, WrittenFile]
    inputs: dict[str, JSON]
    commits: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    not_read: list[str] = field(default_factory=list)
    suites: JSON = field(default_factory=dict)
    lengths: dict[str, Lengths] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The dataset's name: that of its training file."""
        return Path(TRAIN_NAME).stem

    @property
    def train(self) -> Path:
        return self.folder / SPLIT_FILES["train"]

    @property
    def validation(self) -> Path:
        return self.folder / SPLIT_FILES["validation"]

    @property
    def test(self) -> Path:
        return self.folder / SPLIT_FILES["test"]

    @property
    def digest(self) -> str:
        """One sha256 over the digests of the three split files."""
        return sha256("".join(self.files[name].sha256 for name in SPLIT_FILES.values()).encode()).hexdigest()

    def rows(self, split: str) -> int:
        """Return how many rows a split has."""
        return self.files[SPLIT_FILES[split]].rows

    def intact(self) -> bool:
        """Tell whether every file is still as it was written."""
        return all(
            (self.folder / name).is_file()
            and (self.folder / name).stat().st_size == file.size
            and sha256_file(self.folder / name) == file.sha256
            for name, file in self.files.items()
        )

    def to_dict(self) -> JSON:
        return {
            "name": self.name,
            "digest": self.digest,
            "fingerprint": self.fingerprint,
            "splits": SPLIT_FILES,
            "files": {name: file.to_dict() for name, file in self.files.items()},
            "sources": {name: counts.to_dict() for name, counts in self.sources.items()},
            "composition": [row.to_dict() for row in self.composition],
            "lengths": {name: lengths.to_dict() for name, lengths in self.lengths.items()},
            "inputs": self.inputs,
            "commits": self.commits,
            "skipped": self.skipped,
            "not_read": self.not_read,
            "suites": self.suites,
            "settings": self.settings,
        }

    def save(self) -> None:
        write_json(self.folder / MANIFEST_NAME, self.to_dict())

    @classmethod
    def load(cls, path: Path) -> DatasetManifest:
        """Read a manifest. Raises UsageError if it is missing, DataRefused if it is not JSON."""
        row = read_json(path)
        return cls(
            folder=path.parent,
            fingerprint=row["fingerprint"],
            settings=row["settings"],
            sources={name: SourceCounts.from_dict(counts) for name, counts in row["sources"].items()},
            composition=[CompositionRow(**part) for part in row["composition"]],
            files={name: WrittenFile(f["rows"], f["bytes"], f["sha256"]) for name, f in row["files"].items()},
            inputs=row["inputs"],
            commits=row["commits"],
            skipped=row["skipped"],
            not_read=row["not_read"],
            suites=row["suites"],
            lengths={  # datasets of before had none
                name: Lengths.from_dict(lengths) for name, lengths in row.get("lengths", {}).items()
            },
        )


def compose(sources: Mapping[str, SourceCounts], train_bytes: Mapping[str, int]) -> list[CompositionRow]:
    """Return the composition of the training split, sources without rows left out."""
    total = sum(counts.train for counts in sources.values())
    return [
        CompositionRow(name, counts.train, counts.train / total, train_bytes[name], counts.licence)
        for name, counts in sources.items()
        if counts.train
    ]

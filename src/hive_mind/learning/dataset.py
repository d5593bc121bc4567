"""The day's dataset, through the data stage: the chosen usage, replay of the foundation's rows, rows without a call.

Replay is what keeps a model from forgetting: each day a seeded sample of the file that the foundation was trained on.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind.conversation import JSON, Conversation
from hive_mind.curation import DatasetManifest, DataSettings, SourceSettings, build, read_dataset
from hive_mind.curation.forgotten import forgotten_rows
from hive_mind.curation.split import unit
from hive_mind.errors import UsageError
from hive_mind.files import write_jsonl
from hive_mind.learning.pool import Pooled
from hive_mind.learning.settings import LearningSettings, MixSettings
from hive_mind.model.base import resolve_base
from hive_mind.progress import say
from hive_mind.sources import SOURCES

EXPORT_FOLDER, DATASET_FOLDER = "export", "dataset"
REPLAY_FILE = "replay.jsonl"
REPLAYED_AS = "messages"


@dataclass(frozen=True)
class Replay:
    """Rows of the foundation's file for one day; `wanted` is how many the shares ask for."""

    rows: tuple[Conversation, ...]
    wanted: int


def foundation_rows(file: Path) -> Iterator[Conversation]:
    """Yield the rows that the foundation was trained on, but for those that were forgotten since.

    Raises UsageError if the file is not at hand.
    """
    if not file.is_file():
        raise UsageError(
            f"{file}, which the foundation was trained on, is not at hand to be replayed; bring it back, or name it "
            "with learning.foundation_data"
        )
    gone = forgotten_rows(file)
    for row in read_dataset(file):
        if isinstance(row, Conversation) and row.id not in gone:
            yield row


def choose_replay(rows: Sequence[Conversation], usage: Sequence[Pooled], settings: MixSettings, day: str) -> Replay:
    """Choose so many rows that they have their share, first those without a call up to the share that these need."""
    share = settings.replay_share
    wanted = math.ceil(len(usage) * share / (1 - share) - 1e-9)
    ordered = sorted(rows, key=lambda row: unit(settings.seed, f"replay\0{day}\0{row.id}"))
    without_call = sum(not row.target.tool_calls for row in usage)
    needed = math.ceil(settings.no_tool_share * (len(usage) + wanted) - 1e-9) - without_call
    plain = [row for row in ordered if not row.calls][: max(0, min(needed, wanted))]
    taken = {row.id for row in plain}
    others = [row for row in ordered if row.id not in taken][: wanted - len(plain)]
    return Replay((*plain, *others), wanted)


def build_dataset(
    folder: Path, day: str, usage: Sequence[Pooled], replay: Replay, settings: LearningSettings
) -> DatasetManifest:
    """Write both parts and build the dataset in the day's folder; what is there already is found.

    The parts are gone afterwards, whatever it came to: the dataset has all of them, and `forget` finds that and not
    these. Raises what the data stage raises.
    """
    export = folder / EXPORT_FOLDER
    usage_file, replay_file = export / f"training_data_{day}.jsonl", export / REPLAY_FILE
    write_jsonl(usage_file, (row.row for row in usage))
    write_jsonl(replay_file, (row.to_dict() for row in replay.rows))
    say(
        f"dataset of {day}: {len(usage):,} rows of usage and {len(replay.rows):,} replayed of the foundation's "
        f"(learning.mix.replay_share={settings.mix.replay_share:g} asks for {replay.wanted:,}), at least "
        f"{settings.mix.no_tool_share:.0%} of all without a call"
    )
    try:
        return build(data_settings(folder, usage_file, replay_file, settings))
    finally:
        shutil.rmtree(export)


def data_settings(folder: Path, usage: Path, replay: Path, settings: LearningSettings) -> DataSettings:
    """Return the data stage's settings for one day: all rows are trained on, for sessions are held out beforehand."""
    sources = {name: SourceSettings(include=False) for name in SOURCES}
    sources["usage"] = SourceSettings(files=[usage], licence="private")
    if replay.stat().st_size:
        sources[REPLAYED_AS] = SourceSettings(files=[replay], licence="private")
    return DataSettings(
        dir=folder / DATASET_FOLDER,
        automated="",
        sources=sources,
        validation_share=0.0,
        test_share=0.0,
        near_duplicates=settings.mix.near_duplicates,
        decontaminate=asked_elsewhere(settings),
        no_tool_floor=settings.mix.no_tool_share,
        window_tokens=settings.training.max_length,
        window_tokenizer=resolve_base(settings.model).folder,
        seed=settings.mix.seed,
    )


def asked_elsewhere(settings: LearningSettings) -> dict[str, Path]:
    """Return the files of questions that must not be trained on; the user's own suite is kept apart by session."""
    evaluation = settings.evaluation
    suites = {name: path for name, path in evaluation.suites.named().items() if name != "usage"}
    canary = {"canary": settings.canary} if settings.canary is not None else {}
    return {**evaluation.held_out, **suites, **canary}


def account(manifest: DatasetManifest) -> JSON:
    """Return what became of the rows that went into the dataset, by part."""
    parts = {"usage": "usage", REPLAYED_AS: "replay"}
    return {
        parts[name]: {
            "read": counts.read, "rejected": counts.rejected, "duplicates": counts.duplicates,
            "near_duplicates": counts.near_duplicates, "contaminated": counts.contaminated,
            "negatives": counts.negatives, "train": counts.train, "cut": counts.cut, "windows": counts.windows,
        }
        for name, counts in manifest.sources.items()
    }  # fmt: skip

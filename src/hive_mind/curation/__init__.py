"""Curation: raw rows of every source to one dataset with every row accounted for."""

from __future__ import annotations

from hive_mind.curation.builder import build
from hive_mind.curation.inputs import fetch
from hive_mind.curation.manifest import DatasetManifest
from hive_mind.curation.read import read_dataset, read_row
from hive_mind.curation.replay import Replayed, replay_rejects
from hive_mind.curation.settings import DataSettings, SourceSettings

__all__ = [
    "DataSettings", "DatasetManifest", "Replayed", "SourceSettings", "build", "fetch", "read_dataset", "read_row",
    "replay_rejects",
]  # fmt: skip

"""The month's foundation: the sample run's adapter, trained once and kept in a folder outside the repository."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hive_mind import registry
from hive_mind.config import dump, load
from hive_mind.curation.manifest import SPLIT_FILES
from hive_mind.model.base import resolve_base
from hive_mind.pipeline import RunSettings, prepare_data
from hive_mind.progress import say
from hive_mind.training import TrainRequest, train

CONFIG = Path(__file__).absolute().parents[2] / "configs" / "sample.yaml"
VERSION = "foundation_v1"
TIERS = ("your_tools", "chat", "not_offered")


@dataclass(frozen=True)
class Foundation:
    """A sealed version, the file that it was trained on, and the held-out files that it must stay good at."""

    version: Path
    data: Path
    tiers: dict[str, Path]

    def in_folder(self, folder: Path) -> Foundation:
        """Return it as it lies in a month's folder."""
        return Foundation(folder / "models" / VERSION, folder / "foundation" / SPLIT_FILES["train"], self.tiers)

    def copy_to(self, folder: Path) -> Foundation:
        """Copy it into a month's folder and promote it there.

        The test split beside its data stays behind: hundreds of the sample's conversations would be asked of every
        candidate.
        """
        copied = self.in_folder(folder)
        shutil.copytree(self.version, copied.version)
        registry.promote(copied.version.parent, VERSION, force=True, note="the month's foundation", by="hand")
        copied.data.parent.mkdir(parents=True)
        shutil.copyfile(self.data, copied.data)
        return copied


def foundation(cache: Path, overrides: list[str] | None = None) -> Foundation:
    """Return the foundation, found in the cache or trained (some four minutes on two cores)."""
    cache = cache.absolute()
    with _inside(cache):
        settings = load(RunSettings, CONFIG, overrides or [])
        base, dataset = resolve_base(settings.model), prepare_data(settings)
        same = {"base": base.digest, "dataset": dataset.digest, "training": dump(settings.training)}
        name = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]
        version = cache / "foundations" / name / VERSION
        if not registry.is_sealed(version):
            say(f"training the month's foundation into {version}")
            train(TrainRequest(dataset.train, base, settings.training, version, None, "make sim-month"))
        held_out = settings.data.dir / "raw" / "held_out"
        return Foundation(version, dataset.train.absolute(), {t: cache / held_out / f"{t}.jsonl" for t in TIERS})


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """The sample's settings name their files relative to where they run."""
    before = Path.cwd()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)

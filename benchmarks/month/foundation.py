"""The month's foundation: the sample run's adapter, trained once and kept in a folder outside the repository."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.config import dump, load
from hive_mind.curation.manifest import SPLIT_FILES
from hive_mind.files import read_jsonl, sha256_file, write_jsonl
from hive_mind.model.base import resolve_base
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.pipeline import RunSettings, prepare_data
from hive_mind.progress import say
from hive_mind.training import TrainRequest, train

CONFIG = Path(__file__).absolute().parents[2] / "configs" / "sample.yaml"
VERSION = "foundation_v1"
CACHE = Path.home() / ".cache" / "hive-mind" / "sim_month"
GUARDS = ("your_tools", "chat", "not_offered")
"""The sample's tiers of held-out conversations that guard at the gate."""
TIERS = (*GUARDS, "unseen_tools")
"""All of them; the last one is reported alone, for the gate has no guard for tools that nobody has learnt."""


@dataclass(frozen=True)
class Foundation:
    """A sealed version, the file that it was trained on, and held-out files: `tiers` for the gate, `others` to report.

    Before it lies in a month's folder `tiers` are all of the sample's and `others` none.
    """

    version: Path
    data: Path
    tiers: dict[str, Path]
    others: dict[str, Path] = field(default_factory=dict)

    def in_folder(self, folder: Path) -> Foundation:
        """Return it as it lies in a month's folder."""
        own = folder / "foundation"
        tiers = {tier: own / "gate" / f"{tier}.jsonl" for tier in GUARDS}
        others = {tier: own / "report" / f"{tier}.jsonl" for tier in TIERS}
        return Foundation(folder / "models" / VERSION, own / SPLIT_FILES["train"], tiers, others)

    def copy_to(self, folder: Path, for_gate: int, for_report: int) -> Foundation:
        """Copy it into a month's folder and promote it there; its tiers are split into the gate's rows and others.

        The test split beside its data stays behind: hundreds of the sample's conversations would be asked of every
        candidate.
        """
        copied = self.in_folder(folder)
        shutil.copytree(self.version, copied.version)
        registry.promote(copied.version.parent, VERSION, force=True, note="the month's foundation", by="hand")
        copied.data.parent.mkdir(parents=True)
        shutil.copyfile(self.data, copied.data)
        for tier in TIERS:
            gate, report = split(self.tiers[tier], for_gate if tier in GUARDS else 0, for_report)
            if tier in GUARDS:
                write_jsonl(copied.tiers[tier], gate)
            write_jsonl(copied.others[tier], report)
        return copied

    def digests(self) -> dict[str, str]:
        """Return digests of its weights and of the files that it is measured on."""
        found = {tier: sha256_file(file) for tier, file in sorted(self.tiers.items())}
        return {"weights": sha256_file(self.version / WEIGHTS_FILE), "data": sha256_file(self.data), **found}


def split(file: Path, for_gate: int, for_report: int) -> tuple[list[Any], list[Any]]:
    """Choose a file's rows for the gate and as many others as are wanted, by a digest of their ids alone."""
    rows = sorted((row for _, row in read_jsonl(file)), key=lambda row: hashlib.sha256(row["id"].encode()).digest())
    return rows[:for_gate], rows[for_gate : for_gate + for_report]


def foundation(cache: Path, overrides: list[str] | None = None) -> Foundation:
    """Return the foundation, found in the cache or trained on the CPU (some four minutes on two cores)."""
    cache = cache.absolute()
    with _inside(cache):
        settings = load(RunSettings, CONFIG, overrides or [])
        base, dataset = resolve_base(settings.model), prepare_data(settings)
        same = {"base": base.digest, "dataset": dataset.digest, "training": dump(settings.training)}
        name = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]
        version = cache / "foundations" / name / VERSION
        if not registry.is_sealed(version):
            say(f"training the month's foundation into {version}")
            # The same months everywhere: a GPU's sums are in another order.
            training = settings.training.model_copy(update={"device": "cpu"})
            train(TrainRequest(dataset.train, base, training, version, None, "make sim-month"))
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

"""Settings of the data stage: where rows come from, how many of each, and what is held out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import field_validator

from hive_mind.config import Settings, setting
from hive_mind.curation.licences import spelled
from hive_mind.hub import LOCK_FILE
from hive_mind.sources import SOURCES
from hive_mind.suites.published import at_hand


class SourceSettings(Settings):
    """What to take from one source."""

    include: bool = setting(True, "false leaves the source out")
    cap: int | None = setting(None, "at most so many training rows; held-out rows come on top", ge=1)
    share: float | None = setting(None, "at most this share of the training rows", gt=0, lt=1)
    min_share: float | None = setting(
        None, "repeat a scarce source's training rows until they have this share", gt=0, lt=1
    )
    max_repeats: int = setting(3, "each row at most so many times in all, with min_share", ge=1)
    first: int | None = setting(None, "only the first so many rows in time order", ge=1)
    held_out: float | None = setting(
        None, "share for validation and test together; none = the shares below", ge=0, lt=1
    )
    files: list[Path] = setting([], "raw files to read instead of the hub's or raw_dir's")
    licence: str | None = setting(None, "licence of this source's files, as the SPDX list spells it, or `private`")
    revision: str | None = setting(None, "commit, tag or branch on the hub; none = the locked or newest one")


class DataSettings(Settings):
    """Settings of `hive-mind data build`. Every source is included unless its `include` is false."""

    dir: Path = setting(Path("data"), "folder that the dataset is written to")
    raw_dir: Path | None = setting(None, "folder with the sources' raw files, read instead of fetching from the hub")
    automated: str | None = setting(
        None, 'pattern of exported usage files; none = automated/training_data_*.jsonl inside `dir`, "" = none of them'
    )
    lock: Path = setting(LOCK_FILE, "file that pins commits and digests of what came from the hub")
    sources: dict[str, SourceSettings] = setting({}, "settings of single sources, by name")
    validation_share: float = setting(0.05, "share of each source held out to watch training", ge=0, lt=0.5)
    test_share: float = setting(0.05, "share of each source held out to compare models", ge=0, lt=0.5)
    near_duplicates: Literal["remove", "keep", "off"] = setting(
        "remove", "rows that say nearly the same: `remove` all but one, `keep` them in one split, `off`: do not look"
    )
    decontaminate: dict[str, Path] = setting(
        {}, "evaluation suites whose questions must not be trained on: name: file or folder, or `hub`"
    )
    no_tool_floor: float = setting(0.15, "least share of training rows that call no tool; 0 = as they come", ge=0, lt=1)
    missing_tool_share: float = setting(
        0.0, "share of training rows that are made from others by taking the needed tool away", ge=0, le=0.5
    )
    licence: str | None = setting(
        None, "licence of the raw files, where they are not the public data sets whose layout they have"
    )
    commercial_use: bool = setting(
        False, "leave out every source whose licence does not allow commercial use, or is not known to"
    )
    window_tokens: int | None = setting(
        2048,
        "rows of usage and messages with more tokens are cut into windows of at most so many; none = never, not set = "
        "the run's training.max_length",
        ge=64,
    )
    window_tokenizer: Path | None = setting(
        None, "folder of the base whose tokenizer counts a window's tokens; none = they are estimated, on the safe side"
    )
    seed: int = setting(42, "decides which rows are held out and which stay under a cap")

    @field_validator("sources")
    @classmethod
    def _known(cls, sources: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        for name in sources:
            if name not in SOURCES:
                raise ValueError(f"there is no source {name!r}; there are {', '.join(SOURCES)}")
        return sources

    def of(self, source: str) -> SourceSettings:
        """Return a source's settings, the defaults where none are given."""
        return self.sources.get(source, SourceSettings())

    def suites(self) -> dict[str, Path]:
        """Return where the suites whose questions are kept out lie; those of the hub are fetched first."""
        return {name: at_hand(name, path, self.lock) for name, path in self.decontaminate.items()}

    def shares(self, source: str) -> tuple[float, float]:
        """Return the shares of a source's rows that go to validation and to test."""
        held_out = self.of(source).held_out
        total = self.validation_share + self.test_share
        if held_out is None:
            return self.validation_share, self.test_share
        if total == 0:
            return 0.0, held_out
        return held_out * self.validation_share / total, held_out * self.test_share / total

    def for_training(self, max_length: int) -> DataSettings:
        """Return the settings with windows as long as a training takes them, unless their length is set.

        Longer ones would be left out there. The base's own tokenizer is not taken: `data build` need not have it, and
        must come to the same dataset as `run`.
        """
        if "window_tokens" in self.model_fields_set:
            return self
        return self.model_copy(update={"window_tokens": max_length})

    def licence_of(self, source: str, fetched: bool) -> str:
        """Return the licence of a source's files; `fetched` tells that they are the hub's and not the user's own."""
        own = self.of(source).licence or (None if fetched else self.licence)
        return spelled(own or SOURCES[source].LICENCE)

    @property
    def automated_pattern(self) -> str:
        """Return the pattern of usage files, "" for none."""
        return str(self.dir / "automated" / "training_data_*.jsonl") if self.automated is None else self.automated

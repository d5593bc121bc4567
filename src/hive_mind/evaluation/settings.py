"""Settings of the evaluation stage."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from hive_mind.config import Settings, setting
from hive_mind.errors import HiveMindError
from hive_mind.evaluation.sandbox import SandboxSettings
from hive_mind.hub import LOCK_FILE
from hive_mind.suites.published import at_hand


class SuiteSettings(Settings):
    """Where a suite's tasks are and how many of them are asked; a path alone will do."""

    path: Path | None = setting(
        None, "the suite's file, or the folder of its files, or `hub` for the published ones; none = not measured"
    )
    limit: int | None = setting(None, "at most so many tasks, each category with its share; none = all", ge=1)
    seed: int = setting(42, "decides which tasks are chosen")

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str | Path) else value


class SuitesSettings(Settings):
    """The suites of tasks that are asked beside the held-out conversations; one without a path is not measured."""

    bfcl: SuiteSettings = setting(SuiteSettings(), "the folder with BFCL v4's files")
    nl2sh: SuiteSettings = setting(SuiteSettings(), "NL2SH-ALFA's tasks")
    humaneval: SuiteSettings = setting(SuiteSettings(), "HumanEval's tasks")
    mbpp: SuiteSettings = setting(SuiteSettings(), "MBPP's tasks")
    usage: SuiteSettings = setting(SuiteSettings(), "your own interactions, held out")
    max_new_tokens: int = setting(512, "a reply's budget in tokens; a function with its docstring is long", ge=1)
    sandbox: SandboxSettings = setting(SandboxSettings(), "what a command or a solution may use while it is tried")

    lock: Path = setting(LOCK_FILE, "file that pins commits and digests of what came from the hub")

    def named(self) -> dict[str, Path]:
        """Return what is named, by suite: paths, or `hub`."""
        suites = {name: getattr(self, name) for name in ("bfcl", "nl2sh", "humaneval", "mbpp", "usage")}
        return {name: suite.path for name, suite in suites.items() if suite.path is not None}

    def located(self) -> SuitesSettings:
        """Return the settings with the folders of published suites in the place of `hub`; they are fetched if need be.

        One that is not to be had keeps the word, and reading it says why.
        """
        found: dict[str, SuiteSettings] = {}
        for name, path in self.named().items():
            with suppress(HiveMindError):
                found[name] = getattr(self, name).model_copy(update={"path": at_hand(name, path, self.lock)})
        return self.model_copy(update=found)


class EvaluationSettings(Settings):
    """Settings of `hive-mind evaluate` and of the evaluation inside `hive-mind run`."""

    held_out: dict[str, Path] = setting({}, "files of tasks beside the test split, each a tier of its own: name: path")
    suites: SuitesSettings = setting(SuitesSettings(), "public tasks and your own, beside the held-out conversations")
    limit: int | None = setting(200, "at most so many conversations a tier; none = all", ge=1)
    seed: int = setting(42, "decides which conversations are chosen, and the resampling of intervals")
    max_new_tokens: int = setting(256, "a reply's budget in tokens", ge=1)
    max_tokens: int = setting(4096, "a prompt or conversation longer than this is left out and counted", ge=1)
    batch_tokens: int = setting(16_384, "tokens of prompt and reply held in memory at once", ge=256)
    format_given: bool = setting(
        True, "ask the base once more with the beginning of a call given, so that format alone cannot explain a gain"
    )
    device: str = setting("auto", "auto, cpu or cuda")
    dtype: str = setting("auto", "auto, bf16 or fp32")

    @field_validator("held_out")
    @classmethod
    def _named(cls, held_out: dict[str, Path]) -> dict[str, Path]:
        for name in held_out:
            if not name.replace("_", "").replace("-", "").isalnum():
                raise ValueError(f"tier {name!r} needs a name of letters, digits, dashes and underscores")
        return held_out

    def only(self, file: Path) -> EvaluationSettings:
        """Return the settings that ask one file of held-out conversations, all of it, and nothing else."""
        nothing = {"held_out": {"sealed": file}, "suites": SuitesSettings(), "limit": None}
        return self.model_copy(update=nothing)

"""Settings of the evaluation stage."""

from __future__ import annotations

from pathlib import Path

from pydantic import field_validator

from hive_mind.config import Settings, setting


class EvaluationSettings(Settings):
    """Settings of `hive-mind evaluate` and of the evaluation inside `hive-mind run`."""

    held_out: dict[str, Path] = setting({}, "files of tasks beside the test split, each a tier of its own: name: path")
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
        return self.model_copy(update={"held_out": {"sealed": file}, "limit": None})

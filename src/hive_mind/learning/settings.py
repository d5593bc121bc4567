"""Settings of daily learning; configs/daily.yaml shows the ones that people change."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hive_mind.catalogue.settings import CatalogueSettings
from hive_mind.config import Settings, setting
from hive_mind.evaluation.paired import FEW_CLUSTERS
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.gate.settings import GateSettings
from hive_mind.model.base import ModelSettings
from hive_mind.training.settings import TrainingSettings
from hive_mind.usage.settings import UsageSettings

ATTEMPTS_A_MONTH = 30


class TriggerSettings(Settings):
    """When there is enough to learn from."""

    min_new: int = setting(50, "approved interactions that the last attempt did not have", ge=1)
    drift_distance: float = setting(
        0.35,
        "learn from fewer if the new sessions' tools are so far from those known (Jensen-Shannon distance, 0 to 1)",
        gt=0, le=1,
    )  # fmt: skip
    drift_p: float = setting(0.01, "... and chance makes them differ so with this probability at most", gt=0, lt=1)
    drift_sessions: int = setting(10, "... over at least so many new sessions that call tools", ge=1)
    new_tool_sessions: int = setting(
        3, "sessions in which a tool must occur before it is learnt or asked; until then its rows wait", ge=1
    )


class HeldOutSettings(Settings):
    """The user's own suite: sessions that are never learnt from."""

    share: float = setting(0.3, "share of all sessions that is held out, for good", gt=0, lt=1)
    seed: int = setting(42, "decides which sessions those are")
    days: int = setting(30, "the suite asks what was held out in the last so many days", ge=1)
    min_items: int = setting(200, "with fewer turns in the suite nothing is trained", ge=1)
    min_sessions: int = setting(
        FEW_CLUSTERS,
        "... nor with fewer sessions: turns of one session are won and lost together, and prove little",
        ge=FEW_CLUSTERS,
    )


class MixSettings(Settings):
    """What a day's dataset is made of."""

    replay_share: float = setting(0.5, "share of training rows taken from the foundation's own", ge=0, lt=1)
    no_tool_share: float = setting(0.15, "least share of training rows that call no tool", ge=0, lt=1)
    per_session: int = setting(40, "at most so many rows of one session", ge=1)
    per_tool: int = setting(400, "at most so many rows, the newest, that call one tool first, or none", ge=1)
    per_client_day: int = setting(200, "at most so many rows that one client made on one day", ge=1)
    most_alike: int = setting(
        12,
        "of more requests of a client and day that differ in a value at most one is kept; a person sees the rest",
        ge=1,
    )
    near_duplicates: Literal["remove", "keep"] = setting(
        "remove", "rows that say nearly the same: one of them is learnt, or all"
    )
    odd_z: float = setting(
        4.0, "hold back new rows whose loss is so many (robust) deviations above others of their tool; 0 = none", ge=0
    )
    seed: int = setting(42, "decides which rows stay under a cap and, with the day, which are replayed")


class WatchSettings(Settings):
    """When a promoted version is taken back because of what happens in use."""

    alpha: float = setting(
        0.05, "chance of taking back a version that is no worse, over all measures and days of its watch", gt=0, lt=0.5
    )
    min_answers: int = setting(30, "answers of either version before anything is concluded", ge=1)
    days: int = setting(14, "a version is watched for so many days after its promotion", ge=1)


class NotifySettings(Settings):
    """Who is told how a day went."""

    desktop: bool = setting(False, "show a notification on the desktop (notify-send)")
    webhook: str | None = setting(
        None, "a URL that day, decision and versions are sent to as JSON; none = nothing leaves this machine"
    )


class KeepSettings(Settings):
    """What remains of past days."""

    days: int = setting(30, "datasets and candidates that were not promoted are removed after so many days", ge=1)


class LearningSettings(Settings):
    """Everything that `hive-mind learn run` does; the sections below are the stages' own settings."""

    name: str = setting(
        "daily", "versions are called <name>_v1, <name>_v2 ...", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )
    models_dir: Path = setting(Path("models"), "where versions, reports and `latest` live")
    dir: Path = setting(Path("data/learning"), "a folder a day is made here, and the history cycles.jsonl")
    imports: list[Path] = setting([], "folders and files that other programs' records of use are imported from first")
    foundation: str | None = setting(
        None, "the version that every day starts from; none = the one that what is served began from"
    )
    foundation_data: Path | None = setting(
        None, "the foundation's training file, replayed from; none = the one that its manifest names"
    )
    mode: Literal["anew", "continue"] = setting(
        "anew", "train from the foundation on all that is approved, or go on from what is served on what is new"
    )
    monthly_alpha: float = setting(
        0.05, "chance of promoting an equal model in a month of daily attempts; a day has a thirtieth", gt=0, lt=0.5
    )
    canary: Path | None = setting(None, "conversations of which a candidate must not fail one")
    quiet_minutes: float = setting(
        0.0, "begin only when no model here has answered for so long; 0 = begin at once", ge=0
    )
    max_wait_hours: float = setting(4.0, "... but wait no longer than this", ge=0)
    max_starts: int = setting(3, "an attempt that was killed so often is given up as failed", ge=1)
    trigger: TriggerSettings = setting(TriggerSettings(), "when there is enough")
    held_out: HeldOutSettings = setting(HeldOutSettings(), "the user's own suite")
    mix: MixSettings = setting(MixSettings(), "the day's dataset")
    watch: WatchSettings = setting(WatchSettings(), "after a promotion")
    keep: KeepSettings = setting(KeepSettings(), "retention")
    notify: NotifySettings = setting(NotifySettings(), "who is told")
    catalogue: CatalogueSettings = setting(CatalogueSettings(), "the user's tools, declared to what is imported")
    usage: UsageSettings = setting(UsageSettings(), "the store of interactions")
    model: ModelSettings = setting(ModelSettings(), "the base model")
    training: TrainingSettings = setting(TrainingSettings(), "the training stage; the LoRA's shape is the foundation's")
    evaluation: EvaluationSettings = setting(EvaluationSettings(format_given=False), "the evaluation stage")
    gate: GateSettings = setting(GateSettings(), "the gate's guards; what decides is the user's own suite")

    def days_gate(self) -> GateSettings:
        """Return the gate of one day: the user's own suite decides, at a thirtieth of the month's level.

        Bonferroni's bound holds whatever the days have in common, and they have most of their questions in common. The
        guards keep their level: a thirtieth would excuse nearly every loss.
        """
        pinned = [*self.gate.must_pass, *([f"held_out/{CANARY}/*"] if self.canary is not None else [])]
        return self.gate.model_copy(
            update={
                "primary": ["usage/*"],
                "alpha": self.monthly_alpha / ATTEMPTS_A_MONTH,
                "guard_alpha": self.gate.guard_alpha or self.gate.alpha,
                "min_primary": self.held_out.min_items,
                "must_pass": pinned,
            }
        )


CANARY = "canary"

"""The control: naive daily fine-tuning. What was used that day, from the model of the day before, always promoted.

No review, no replay, no gate: all that did not fail outright is learnt, which is what a script with a quality filter on
errors does. It learns from every session, for it holds none out, and has a learning rate of its own.
"""

from __future__ import annotations

from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import Conversation
from hive_mind.curation.accept import accept
from hive_mind.files import write_jsonl
from hive_mind.model.base import Base
from hive_mind.sources import usage
from hive_mind.training import TrainingSettings, TrainRequest, train
from hive_mind.usage import teach
from month.recipe import LORA, WORSE_RATE, Recipe
from month.user import Lived

NAME = "naive"


def rates(recipe: Recipe, settings: TrainingSettings, day: int) -> TrainingSettings:
    """Return the control's training on a day: daily learning's with its own rate, tenfold on the day of the mishap."""
    rate = recipe.naive_rate * (WORSE_RATE if day == recipe.plan.worse else 1.0)
    return settings.model_copy(update={**LORA, "learning_rate": rate})


def learn_day(folder: Path, day: int, lived: Lived, settings: TrainingSettings, base: Base, before: str) -> str:
    """Train on a day's interactions from the version `before`; returns the new version's name, or the same one."""
    made = [
        accept(usage.convert(teach.training_row(f"{day}-{number}", one)))  # type: ignore[arg-type]
        for number, one in enumerate(lived.interactions)
        if one.outcome != "failed"
    ]
    rows = [row for row in made if isinstance(row, Conversation)]
    models = folder / "models"
    version = f"{NAME}_v{day}"
    if not rows:
        return before
    if not registry.is_sealed(models / version):
        file = folder / NAME / f"day_{day}.jsonl"
        write_jsonl(file, (row.to_dict() for row in rows))
        train(TrainRequest(file, base, settings, models / version, None, "naive", before, models / before))
    return version

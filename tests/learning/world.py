"""A small world that learns within seconds: a base of two layers, a foundation adapter, and a user with tools."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import torch

from hive_mind import registry
from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.files import write_jsonl
from hive_mind.learning.settings import LearningSettings
from hive_mind.model.base import Base
from hive_mind.training import TrainingSettings, TrainRequest, train
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.store import opened
from tests.gate.conftest import PLACES as ALL_PLACES
from tests.gate.conftest import WORDS, learn
from tests.tiny_models import random_model, write_base

START = datetime(2026, 2, 2, 2, 0, tzinfo=UTC)
PARAMETERS = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
WEATHER = Tool("weather", "Weather of a place", PARAMETERS)
TRAFFIC = Tool("traffic", "Traffic of a place", PARAMETERS)
TOOLS = (WEATHER, TRAFFIC)
PLACES = ALL_PLACES[:4]


def called(tool: Tool, place: str, number: int) -> Conversation:
    request = Message("user", f"{tool.name.capitalize()} in {place}, question {number}?")
    answer = Message("assistant", "", (ToolCall("call_0", tool.name, {"place": place}),))
    return Conversation.build("glaive_tools", [request, answer], TOOLS)


def left_alone(word: str, number: int) -> Conversation:
    request, answer = Message("user", f"Tell me a {word}, question {number}"), Message("assistant", f"No {word} today.")
    return Conversation.build("glaive_tools", [request, answer], TOOLS)


def foundation_rows(start: int, count: int) -> list[Conversation]:
    """Calls of the one tool that the foundation knows, and requests that no tool fits."""
    rows = [called(WEATHER, PLACES[number % len(PLACES)], number) for number in range(start, start + count)]
    return rows + [left_alone(WORDS[number % len(WORDS)], number) for number in range(start, start + count)]


def make_base(folder: Path, tiny_folder: Path, tokenizer) -> Base:
    """A base that has learnt what the foundation's rows look like."""
    model = random_model(tokenizer.vocab_size)
    torch.manual_seed(0)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    learn(model.train(), tokenizer, foundation_rows(0, 10), 70, 1e-2)
    return write_base(folder, tiny_folder, model)


TRAINING = {
    "epochs": 4, "batch_size": 8, "grad_accum": 1, "learning_rate": 1e-2, "lora_r": 8, "lora_alpha": 16,
    "dtype": "fp32", "device": "cpu", "max_length": 512, "supervise": False, "checkpoint_every_steps": 10,
}  # fmt: skip


@dataclass
class World:
    """A models folder with a promoted foundation, a store of usage, and the settings of the cycle over both."""

    folder: Path
    base: Base

    @classmethod
    def make(cls, folder: Path, base: Base) -> "World":
        world = cls(folder, base)
        data = folder / "data" / "foundation"
        write_jsonl(data / "train.jsonl", (row.to_dict() for row in foundation_rows(100, 24)))
        write_jsonl(data / "test.jsonl", (row.to_dict() for row in foundation_rows(900, 12)))
        request = TrainRequest(
            data / "train.jsonl", base, TrainingSettings(**TRAINING), folder / "models" / "foundation_v1"
        )
        train(request)
        registry.promote(folder / "models", "foundation_v1", force=True, note="the first", by="hand")
        return world

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def settings(self, **changes) -> LearningSettings:
        """The cycle's settings; sections are given as dicts."""
        values = {
            "models_dir": self.models, "dir": self.folder / "data" / "learning",
            "usage": self.settings_of_the_store().model_dump(),
            "model": {"base": str(self.base.folder)},
            "training": TRAINING,
            "evaluation": {"device": "cpu", "dtype": "fp32", "max_new_tokens": 40, "format_given": False},
            # What this base of two layers says beside calls is hardly ever well formed, and less so with every day.
            "gate": {
                "min_guard": 5, "max_slowdown": 1000.0, "guards": {"format": {"margin": 1.0, "floor": 0.0}},
            },
            "held_out": {"share": 0.45, "min_items": 20},
            "trigger": {"min_new": 20},
            "mix": {"most_alike": 1000},
            "max_starts": 10,
        }  # fmt: skip
        for key, value in changes.items():
            values[key] = {**values[key], **value} if isinstance(value, dict) and key in values else value
        return LearningSettings.model_validate(values)

    def settings_of_the_store(self) -> UsageSettings:
        data = self.folder / "data"
        return UsageSettings(
            url=str(data / "usage.sqlite"), spool=data / "spool", exports=data / "automated", idle_seconds=1
        )

    def use(self, sessions: int, day: int = 0, tool: Tool = TRAFFIC, length: int = 4, **about) -> list[str]:
        """Fill the store with a day's use: sessions of approved calls of a tool; returns their ids."""
        numbers = iter(Random(f"{day}/{tool.name}/{about}").sample(range(1000, 100_000), sessions * length))
        made = []
        for session in range(sessions):
            for turn in range(length):
                place = PLACES[(session + turn) % len(PLACES)]
                row = called(tool, place, next(numbers))
                moment = START + timedelta(days=day, hours=-10, minutes=10 * session + turn)
                made.append(interaction(row, f"s{day}-{tool.name}-{session}", moment, **about))
        return self.add(made)

    def add(self, interactions: list[Interaction]) -> list[str]:
        with opened(self.settings_of_the_store()) as store:
            return [applied.id for applied in store.add_many(interactions)]


def interaction(row: Conversation, session: str, moment: datetime, **about) -> Interaction:
    """An interaction that succeeded."""
    answer = row.messages[-1]
    results = tuple(Message("tool", "fine", tool_call_id=call.id, name=call.name) for call in answer.tool_calls)
    values = {
        "source": "openai_api", "client": "shell", "outcome": "succeeded", "results": results, "session": session,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    return Interaction(messages=row.messages[:-1], answer=answer, tools=row.tools, **{**values, **about})


def copy(world: World, folder: Path) -> World:
    """A world with the same models and an empty store."""
    shutil.copytree(world.models, folder / "models", symlinks=True)
    return World(folder, world.base)

"""Real files before the gate: a small base that has learnt some rows by heart, and adapters trained on it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from hive_mind import registry
from hive_mind.chat.render import render
from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.evaluation import EvaluationRequest, EvaluationSettings, evaluate
from hive_mind.files import sha256_file, write_jsonl
from hive_mind.gate import GateSettings, judge
from hive_mind.inference.load import ModelReference
from hive_mind.model import lora
from hive_mind.model.attention import Layout
from hive_mind.model.base import load_model
from tests.tiny_models import CPU, random_model, write_base

PLACES = ("Bern", "Oslo", "Lima", "Cairo", "Rome", "Paris", "Delhi", "Quito", "Tokyo", "Kyiv", "Accra", "Perth")
WORDS = ("poem", "joke", "song", "tale", "riddle", "rhyme", "story", "verse", "pun", "toast", "prayer", "fable")
TOOL = Tool("weather", "Weather of a place", {"type": "object", "properties": {"place": {"type": "string"}}})
SETTINGS = EvaluationSettings(max_new_tokens=40, dtype="fp32", device="cpu", format_given=False)
STEPS = 60
GATE = GateSettings(min_primary=10, min_guard=10, max_slowdown=1000.0)


def calls(right=PLACES, request="Weather in {}?"):
    """Requests that the tool fits; those for other places than `right` are answered in words."""
    rows = []
    for place in PLACES:
        call = ToolCall("call_0", "weather", {"place": place})
        answer = Message("assistant", "", (call,)) if place in right else Message("assistant", f"I like {place}.")
        rows.append(Conversation.build("glaive_tools", [Message("user", request.format(place)), answer], (TOOL,)))
    return rows


def others():
    """Requests that the tool does not fit."""
    return [
        Conversation.build(
            "glaive_tools", [Message("user", f"Tell me a {word}"), Message("assistant", f"No {word} today.")], (TOOL,)
        )
        for word in WORDS
    ]


def learn(model, tokenizer, rows, steps, rate):
    rendered = [render(row, tokenizer) for row in rows]
    layout = Layout.from_lengths([len(each.input_ids) for each in rendered])
    ids = torch.tensor([token for each in rendered for token in each.input_ids])
    positions = torch.tensor([flag for each in rendered for flag in each.labelled]).nonzero().squeeze(1)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        loss = F.cross_entropy(model.project(model.hidden(ids, layout)[positions - 1]), ids[positions])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@dataclass(frozen=True)
class World:
    """A models folder, the base under its versions, and the rows that they are asked."""

    models: Path
    base: object
    tokenizer: object
    test: Path
    train: Path
    learnt: Path

    def better(self, name="better_v1", scale=1.0):
        """Seal a version that has learnt every row, its weights times `scale`."""
        folder = self.models / name
        shutil.copytree(self.learnt, folder)
        tensors = load_file(folder / lora.WEIGHTS_FILE)
        save_file({key: tensor * scale for key, tensor in tensors.items()}, folder / lora.WEIGHTS_FILE)
        return self.seal(folder)

    def version(self, name, change):
        """Seal a version whose adapter `change(model)` has made of a fresh one."""
        model = load_model(self.base, CPU)
        lora.attach(model, r=8, alpha=16, seed=1)
        change(model)
        folder = self.models / name
        lora.save_adapter(model, folder, base_id=self.base.id, revision=None)
        return self.seal(folder)

    def seal(self, folder, base=None):
        dataset = {"path": str(self.train), "digest": sha256_file(self.train), "examples": 1}
        registry.seal(folder, base=(base or self.base).identity(), dataset=dataset)
        return folder

    def trained(self, name, rows):
        return self.version(name, lambda model: learn(model, self.tokenizer, rows, STEPS, 2e-2))

    def judge(self, name, champion=None, settings=GATE, base=None, test=None, how=SETTINGS, **more):
        """Put a version before the gate, measured beside the base and the champion."""
        base = base or self.base
        names = [version for version in (champion, name) if version]
        models = [ModelReference("base", base), *(ModelReference(v, base, self.models / v) for v in names)]
        reports = self.models / "reports"

        def measure(sealed):
            asked, ways = (test or self.test, how) if sealed is None else (None, how.only(sealed))
            return evaluate(EvaluationRequest(models, asked, ways, None, reports / "measurements"))

        return judge(self.models, models[-1], champion, settings, measure, **more)


@pytest.fixture(scope="session")
def small_base(tmp_path_factory, tiny_folder, tiny_tokenizer):
    """It has learnt four of the twelve calls, and to leave the tool alone."""
    torch.set_num_threads(1)
    model = random_model(tiny_tokenizer.vocab_size)
    torch.manual_seed(0)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    loss = learn(model.train(), tiny_tokenizer, calls(PLACES[:4]) + others(), 100, 1e-2)
    assert loss < 0.1, "the base of this test did not learn its rows"
    return write_base(tmp_path_factory.mktemp("bases") / "small", tiny_folder, model)


@pytest.fixture(scope="session")
def learnt(tmp_path_factory, small_base, tiny_tokenizer):
    """An adapter that has learnt every row."""
    model = load_model(small_base, CPU)
    lora.attach(model, r=8, alpha=16, seed=1)
    assert learn(model, tiny_tokenizer, calls() + others(), STEPS, 2e-2) < 0.1
    folder = tmp_path_factory.mktemp("learnt")
    lora.save_adapter(model, folder, base_id=small_base.id, revision=None)
    return folder


@pytest.fixture
def world(tmp_path, small_base, learnt, tiny_tokenizer):
    test, train = tmp_path / "test.jsonl", tmp_path / "train.jsonl"
    write_jsonl(test, (row.to_dict() for row in calls() + others()))
    unrelated = [Message("user", "Add two and three"), Message("assistant", "Five.")]
    write_jsonl(train, [Conversation.build("code_alpaca", unrelated).to_dict()])
    return World(tmp_path / "models", small_base, tiny_tokenizer, test, train, learnt)

"""A small world of held-out rows, a base that has learnt them by heart, and one that knows nothing."""

import pytest
import torch
import torch.nn.functional as F

from hive_mind.chat.render import render
from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.files import write_jsonl
from hive_mind.model.attention import Layout
from tests.tiny_models import random_model, write_base

PLACES = ("Bern", "Oslo", "Lima", "Cairo")
TOOL = Tool(
    "weather", "Weather of a place", {"type": "object", "properties": {"place": {"type": "string"}}, "required": []}
)


def held_out_rows():
    """Four calls (one of them with the answer to its result), three requests no tool fits, two without tools."""
    rows = []
    for number, place in enumerate(PLACES):
        call = ToolCall("call_0", "weather", {"place": place, "days": number})
        turns = [Message("user", f"Weather in {place}, {number} days?"), Message("assistant", "", (call,))]
        if number == 0:
            turns += [Message("tool", "rain", (), "call_0", "weather"), Message("assistant", "It rains.")]
        rows.append(Conversation.build("glaive_tools", turns, (TOOL,)))
    for word in ("poem", "joke", "song"):
        turns = [Message("user", f"Tell me a {word}"), Message("assistant", f"No {word} today.")]
        rows.append(Conversation.build("glaive_tools", turns, (TOOL,)))
    for number in (1, 2):
        turns = [Message("user", f"Print {number}"), Message("assistant", f"print({number})")]
        rows.append(Conversation.build("code_alpaca", turns))
    return rows


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Models this small are slower on two threads, and far slower where others compute too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def test_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("held_out") / "test.jsonl"
    write_jsonl(file, (row.to_dict() for row in held_out_rows()))
    return file


def learn_by_heart(model, tokenizer, rows, steps=100):
    rendered = [render(row, tokenizer) for row in rows]
    layout = Layout.from_lengths([len(each.input_ids) for each in rendered])
    ids = torch.tensor([token for each in rendered for token in each.input_ids])
    positions = torch.tensor([flag for each in rendered for flag in each.labelled]).nonzero().squeeze(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / steps)
        loss = F.cross_entropy(model.project(model.hidden(ids, layout)[positions - 1]), ids[positions])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1, "the model of this test did not learn its rows"


@pytest.fixture(scope="session")
def learned_base(tmp_path_factory, tiny_folder, tiny_tokenizer):
    model = random_model(tiny_tokenizer.vocab_size)
    torch.manual_seed(0)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    learn_by_heart(model.train(), tiny_tokenizer, held_out_rows())
    return write_base(tmp_path_factory.mktemp("bases") / "learned", tiny_folder, model)


@pytest.fixture(scope="session")
def random_base(tmp_path_factory, tiny_folder):
    return write_base(tmp_path_factory.mktemp("bases") / "random", tiny_folder, seed=3)

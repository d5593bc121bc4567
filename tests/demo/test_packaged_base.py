"""The tiny base that the package carries: small enough, recorded, and without any notion of tool calling."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_mind.chat.render import render_prompt
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.config import load
from hive_mind.demo import generate
from hive_mind.demo.settings import BaseBuildSettings
from hive_mind.device import pick
from hive_mind.files import read_json
from hive_mind.inference.engine import Engine
from hive_mind.inference.request import Request
from hive_mind.model.base import TINY_FOLDER, ModelSettings, load_model, resolve_base

RECIPE = Path(__file__).parents[2] / "configs" / "tiny_base.yaml"


def test_it_is_at_most_10_megabytes_with_at_most_8192_entries_and_2048_positions() -> None:
    assert sum(file.stat().st_size for file in TINY_FOLDER.iterdir()) <= 10_000_000
    config = read_json(TINY_FOLDER / "config.json")
    assert config["vocab_size"] <= 8_192 and config["max_position_embeddings"] >= 2_048


def test_the_recorded_recipe_is_the_one_in_configs() -> None:
    settings = load(BaseBuildSettings, RECIPE)
    record = read_json(TINY_FOLDER / "base.json")
    assert record["recipe"] == settings.recipe()
    assert record["revision"] == settings.digest()[:12]
    assert record["tokens"] == settings.steps * settings.batch_tokens


def test_its_probes_show_what_it_can_do() -> None:
    last = read_json(TINY_FOLDER / "curve.json")[-1]
    assert last["induction"] > 0.9 and last["copy"] > 0.9 and last["lookup"] > 0.8
    assert read_json(TINY_FOLDER / "base.json")["probes"] == last


@pytest.mark.parametrize("tier", ["your_tools", "not_offered"])
def test_it_calls_no_tool_of_itself(tier: str) -> None:
    tokenizer = load_tokenizer(TINY_FOLDER)
    model = load_model(resolve_base(ModelSettings(base="tiny")), pick("cpu", "fp32"))
    rows = generate.held_out(tier)[:24]
    prompts = [render_prompt(row.messages[:-1], row.tools, tokenizer) for row in rows]
    replies = Engine(model).generate([Request(prompt, 24, tokenizer.stop_ids) for prompt in prompts])
    assert not any("<tool_call>" in tokenizer.decode(reply.ids) for reply in replies)

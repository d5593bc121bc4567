"""The training benchmark's rows: half of each source in every step, none cut, tokens and conversations in one order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import train_rows
from safetensors.torch import load_file

from hive_mind.chat.render import render
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.conversation import Conversation
from hive_mind.device import Device
from hive_mind.errors import UsageError
from hive_mind.model.base import ModelSettings, load_model, resolve_base
from tests.small_base import small_config, write_config, write_tokenizer


@pytest.fixture(scope="module")
def made(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> train_rows.Made:
    return train_rows.make(real_data, tmp_path_factory.mktemp("rows"), "tiny", steps=2, max_length=700)


def test_the_conversations_give_the_token_ids_in_the_same_order(made: train_rows.Made) -> None:
    tokenizer = load_tokenizer(made.base)
    rows = [json.loads(line) for line in made.conversations.read_bytes().splitlines()]
    with np.load(made.arrays) as arrays:
        ends = np.cumsum(arrays["lengths"])
        ids, labelled = np.split(arrays["ids"], ends[:-1]), np.split(arrays["labelled"], ends[:-1])
    assert len(rows) == len(ids) == 32
    for row, own, learnt in zip(rows, ids, labelled, strict=True):
        rendered = render(Conversation.from_dict(row), tokenizer)
        assert rendered.input_ids == own.tolist() and rendered.labelled == learnt.tolist()


def test_no_row_is_cut_and_the_steps_tokens_are_counted(made: train_rows.Made) -> None:
    with np.load(made.arrays) as arrays:
        lengths = arrays["lengths"]
    assert lengths.max() <= 700 and lengths.reshape(2, 16).sum(1).tolist() == made.tokens


def test_every_step_has_eight_rows_of_each_source_shuffled() -> None:
    sources: list[list[Any]] = [[(name, number) for number in range(24)] for name in ("code", "glaive")]
    rows = train_rows.in_steps(sources, steps=3, seed=1)
    assert sorted(rows) == sorted(row for source in sources for row in source)
    for step in (rows[:16], rows[16:32], rows[32:]):
        assert [sum(row[0] == name for row in step) for name in ("code", "glaive")] == [8, 8]
        assert step != sorted(step)


def test_fewer_steps_are_the_beginning_of_more(made: train_rows.Made, real_data: Path, tmp_path: Path) -> None:
    one = train_rows.make(real_data, tmp_path, "tiny", steps=1, max_length=700)
    assert made.conversations.read_bytes().startswith(one.conversations.read_bytes())
    assert train_rows.make(real_data, tmp_path, "tiny", steps=1, max_length=700) == one


def test_too_few_rows_are_named(real_data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"glaive_conversations_220.jsonl gives \d+ rows of at most 100 tokens"):
        train_rows.make(real_data, tmp_path, "tiny", steps=8, max_length=100)


def test_a_base_without_weights_gets_random_ones_that_load(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_config(source, small_config())
    write_tokenizer(source)
    for name in ("one", "two"):
        train_rows.write_base(source, tmp_path / name, seed=3)
    tensors = load_file(tmp_path / "one" / "model.safetensors")
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (
        tmp_path / "two" / "model.safetensors"
    ).read_bytes()
    assert "lm_head.weight" not in tensors
    assert tensors["model.embed_tokens.weight"].float().std() == pytest.approx(0.02, rel=0.1)
    assert all(torch.all(tensor == 1) for name, tensor in tensors.items() if "norm" in name)
    assert all(torch.all(tensor == 0) for name, tensor in tensors.items() if name.endswith("bias"))
    base = resolve_base(ModelSettings(base=str(tmp_path / "one")))
    load_model(base, Device(torch.device("cpu"), torch.bfloat16, "cpu"))

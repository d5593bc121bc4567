"""The generation benchmark on a model of a few thousand parameters: both sides answer, and in fp32 alike."""

import random

import inference_peers
import pytest
import torch

from tests.small_base import small_config, write_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("shape")
    write_config(made, small_config())
    return made


@pytest.fixture(scope="module")
def prompts():
    choose = random.Random(0)
    return [[choose.randrange(200) for _ in range(20 + number)] for number in range(16)]


def test_both_sides_make_the_same_tokens(folder, prompts):
    found = inference_peers.fp32(folder, prompts[:4])
    assert (found["replies"], found["same"], found["logit_gaps"]) == (4, 4, [])


def test_every_part_measures_both_sides(folder, prompts, monkeypatch):
    monkeypatch.setattr(inference_peers, "NEW_TOKENS", 6)
    sides = inference_peers.Sides(folder, torch.bfloat16)
    batch = inference_peers.batch(sides, prompts, rounds=2)
    assert [set(each) for each in batch["rounds"]] == [{"ours", "theirs", "ratio"}] * 2
    assert len(inference_peers.single(sides, prompts)["replies"]) == inference_peers.SINGLES
    assert inference_peers.rows(sides, prompts, rounds=1)["rounds"][0]["one_by_one"]["whole"] > 0
    assert set(inference_peers.mixed(sides, prompts, rounds=1)["ratio"]) == {"one", "mixed"}
    for found in (sides.ours(prompts[:1], 6)[0], sides.peer(prompts[0], 6)):
        assert len(found) == 6

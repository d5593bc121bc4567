"""Greedy generation: the same tokens whatever the batch, and the same as transformers'."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.inference.engine import Engine, Generation
from hive_mind.model import lora
from tests.tiny_models import random_model

VOCABULARY = 300
NO_STOP: frozenset[int] = frozenset()


@pytest.fixture(scope="module")
def model():
    return random_model(VOCABULARY)


def prompts_of(lengths, seed=0):
    choose = random.Random(seed)
    return [[choose.randrange(VOCABULARY) for _ in range(length)] for length in lengths]


def common_stops(model, prompts, steps=12):
    """Ids that some replies reach early and some late, so that rows finish at different steps."""
    replies = Engine(model).generate(prompts, steps, NO_STOP)
    return {reply.ids[3] for reply in replies[::2]}


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=9),
    budget=st.integers(1, 14),
    batch_tokens=st.sampled_from([1, 60, 200, 10_000]),
    seed=st.integers(0, 1000),
)
def test_a_reply_does_not_depend_on_its_batch(model, lengths, budget, batch_tokens, seed):
    prompts = prompts_of(lengths, seed)
    stops = common_stops(model, prompts)
    together = Engine(model, batch_tokens).generate(prompts, budget, stops)
    alone = [Engine(model).generate([prompt], budget, stops)[0] for prompt in prompts]
    assert together == alone


def test_greedy_equals_transformers(model):
    from transformers import Qwen2Config as HubConfig
    from transformers import Qwen2ForCausalLM

    c = model.config
    theirs = Qwen2ForCausalLM(
        HubConfig(
            vocab_size=c.vocab_size, hidden_size=c.hidden_size, intermediate_size=c.intermediate_size,
            num_hidden_layers=c.num_hidden_layers, num_attention_heads=c.num_attention_heads,
            num_key_value_heads=c.num_key_value_heads, rms_norm_eps=c.rms_norm_eps,
            rope_parameters={"rope_type": "default", "rope_theta": c.rope_theta}, tie_word_embeddings=True,
            eos_token_id=None, pad_token_id=0, bos_token_id=None,
        )
    ).eval()  # fmt: skip
    theirs.load_state_dict(dict(model.state_dict()), strict=False)
    theirs.tie_weights()
    prompts = prompts_of([1, 3, 17, 33, 60])
    mine = Engine(model).generate(prompts, 20, NO_STOP)
    for prompt, reply in zip(prompts, mine, strict=True):
        full = theirs.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=20, do_sample=False,
        )  # fmt: skip
        assert reply == Generation(full[0, len(prompt) :].tolist(), stopped=False)


def test_a_reply_ends_before_the_stop_token_or_at_the_budget(model):
    prompts = prompts_of([5, 9, 9])
    free = Engine(model).generate(prompts, 10, NO_STOP)
    assert all(len(reply.ids) == 10 and not reply.stopped for reply in free)
    stop = free[1].ids[4]
    for reply, whole in zip(Engine(model).generate(prompts, 10, {stop}), free, strict=True):
        if stop in whole.ids:
            assert reply == Generation(whole.ids[: whole.ids.index(stop)], stopped=True)
        else:
            assert reply == whole
    at_budget = Engine(model).generate([prompts[1]], whole_steps := free[1].ids.index(stop) + 1, {stop})[0]
    assert at_budget.stopped
    assert not Engine(model).generate([prompts[1]], whole_steps - 1, {stop})[0].stopped


def test_a_forced_beginning_is_part_of_the_reply_and_outside_its_budget(model):
    prompts = prompts_of([4, 20])
    forced = [7, 8, 9]
    replies = Engine(model).generate(prompts, 6, NO_STOP, forced=forced)
    for prompt, reply in zip(prompts, replies, strict=True):
        assert reply.ids[:3] == forced
        assert reply.ids[3:] == Engine(model).generate([[*prompt, *forced]], 6, NO_STOP)[0].ids


def test_progress_counts_every_prompt_once(model):
    done = []
    Engine(model, batch_tokens=100).generate(prompts_of([30, 20, 10, 30, 5]), 4, NO_STOP, on_done=done.append)
    assert sum(done) == 5
    assert len(done) > 1


def test_an_adapter_takes_part(model):
    prompts = prompts_of([12, 30])
    plain = Engine(model).generate(prompts, 8, NO_STOP)
    lora.attach(model, r=2, alpha=4)
    for name, parameter in lora.lora_parameters(model).items():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5, generator=torch.Generator().manual_seed(1))
    try:
        assert Engine(model).generate(prompts, 8, NO_STOP) != plain
    finally:
        lora.detach(model)
    assert Engine(model).generate(prompts, 8, NO_STOP) == plain


def test_nothing_asked_nothing_answered(model):
    assert Engine(model).generate([], 8, NO_STOP) == []

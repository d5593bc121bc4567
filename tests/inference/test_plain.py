"""A constrained reply of which plain decoding has said a part already: that part is not generated again."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.conversation import Tool
from hive_mind.inference.constraint import Constraints
from hive_mind.inference.engine import Engine
from hive_mind.inference.loops import SPAN
from hive_mind.inference.request import Generation, Request
from hive_mind.inference.running import begin
from hive_mind.inference.sampling import Sampling
from tests.tiny_models import random_model, stubborn_model

NOTE = Tool("note", "Write a note.", {
    "type": "object", "properties": {"text": {"type": "string"}, "lines": {"type": "integer"}}, "required": ["text"],
})  # fmt: skip
CALL = '<tool_call>\n{"name": "note", "arguments": {"text": "milk"}}\n</tool_call>'
UNDECLARED = '<tool_call>\n{"name": "note", "arguments": {"title": "milk"}}\n</tool_call>'


@pytest.fixture(scope="module")
def constraints(tiny_tokenizer):
    return Constraints(tiny_tokenizer, tiny_tokenizer.vocab_size)


@pytest.fixture(scope="module")
def models(tiny_tokenizer):
    """Models that know nothing: some of their replies repeat themselves without end."""
    return [random_model(tiny_tokenizer.vocab_size, seed) for seed in range(3)]


def known(tokenizer, constraint, text, stopped, budget=80):
    plain = Generation(tokenizer.encode(text), stopped)
    row = begin(Request([1, 2, 3], budget, tokenizer.stop_ids, constraint=constraint, plain=plain))
    return tokenizer.decode(row.ids), row.stopped, row.done


@settings(max_examples=25)
@given(st.sampled_from(range(3)), st.sampled_from(["auto", "required"]), st.integers(1, 150), st.integers(0, 10**6))
def test_it_is_the_same_reply(constraints, tiny_tokenizer, models, model, choice, budget, seed):
    choose = random.Random(seed)
    prompts = [[choose.randrange(tiny_tokenizer.vocab_size) for _ in range(9)] for _ in range(4)]
    constraint = constraints.constraint((NOTE,), choice)
    engine = Engine(models[model])
    plain = engine.generate([Request(prompt, budget, tiny_tokenizer.stop_ids) for prompt in prompts])
    held = [Request(prompt, budget, tiny_tokenizer.stop_ids, constraint=constraint) for prompt in prompts]
    again = [
        Request(each.prompt, budget, each.stop_ids, constraint=constraint, plain=said)
        for each, said in zip(held, plain, strict=True)
    ]
    assert engine.generate(again) == engine.generate(held)


def test_what_keeps_to_the_tools_needs_no_model(constraints, tiny_tokenizer, models):
    constraint = constraints.constraint((NOTE,))
    plain = [Generation(tiny_tokenizer.encode(text), True) for text in (CALL, "In words.", f"Well. {CALL}")]
    engine, heard = Engine(models[0]), []
    asked = [Request([1, 2], 90, tiny_tokenizer.stop_ids, constraint=constraint, plain=each) for each in plain]
    assert engine.generate(asked, heard.append) == plain
    assert (engine.tokens_read, sum(heard)) == (0, 3)


def test_it_goes_on_from_what_is_not_allowed(constraints, tiny_tokenizer):
    auto, required = constraints.constraint((NOTE,)), constraints.constraint((NOTE,), "required")
    begun = '<tool_call>\n{"name": "note", "arguments": {"'
    assert known(tiny_tokenizer, auto, UNDECLARED, stopped=True) == (begun, False, False)
    open_string = CALL.partition("lk")[0]
    assert known(tiny_tokenizer, auto, open_string, stopped=True) == (open_string, False, False), "a call must end"
    assert known(tiny_tokenizer, required, "In words.", stopped=True) == (begun, False, False)


def test_it_ends_where_plain_decoding_did(constraints, tiny_tokenizer):
    auto = constraints.constraint((NOTE,))
    single = constraints.constraint((NOTE,), parallel=False)
    assert known(tiny_tokenizer, auto, CALL, stopped=True) == (CALL, True, True)
    assert known(tiny_tokenizer, single, f"{CALL}\n{CALL}", stopped=True) == (CALL, True, True), "one call is all"
    words = "one two three"
    length = len(tiny_tokenizer.encode(words))
    assert known(tiny_tokenizer, auto, words, stopped=False, budget=length) == (words, False, True)
    assert known(tiny_tokenizer, auto, words, stopped=False) == (words, False, False), "it had less room, and goes on"


def test_a_drawn_reply_has_no_plain_one():
    with pytest.raises(ValueError, match="draws its tokens"):
        Request([1], 4, sampling=Sampling(0.8), plain=Generation([1], True))


def test_a_loop_in_plain_decoding_is_left_where_the_constraint_leaves_it(constraints, tiny_tokenizer):
    """A model that likes one token best fills a plain reply with it, and is made to go on where calls are offered."""
    stuck, next_best = tiny_tokenizer.encode("x")[0], tiny_tokenizer.encode("y")[0]
    engine = Engine(stubborn_model(tiny_tokenizer.vocab_size, stuck, next_best))
    held = Request([1, 2], 150, tiny_tokenizer.stop_ids, constraint=constraints.constraint((NOTE,)))
    (plain,) = engine.generate([replace(held, constraint=None)])
    assert plain.ids == [stuck] * 150
    anew, again = engine.generate([held]), engine.generate([replace(held, plain=plain)])
    assert again == anew and anew[0].ids[:SPAN] == [stuck] * SPAN and next_best in anew[0].ids

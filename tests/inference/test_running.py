"""Rows join and leave between steps, and each answers as if it were alone."""

import random
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.conversation import Tool
from hive_mind.errors import HiveMindError
from hive_mind.inference.constraint import Constraints
from hive_mind.inference.engine import Engine
from hive_mind.inference.loops import NEXT_SPAN, SPAN, TIMES, looping
from hive_mind.inference.request import Request
from hive_mind.inference.running import PASS_TOKENS, Running
from hive_mind.inference.sampling import Sampling
from tests.tiny_models import random_model, stubborn_model

VOCABULARY = 300


@pytest.fixture(scope="module")
def model():
    return random_model(VOCABULARY)


def request(seed, length, budget, **more):
    choose = random.Random(seed)
    return Request([choose.randrange(VOCABULARY) for _ in range(length)], budget, **more)


def alone(model, asked):
    return Engine(model).generate([asked])[0]


arrivals = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 90), st.integers(1, 9), st.sampled_from([0.0, 0.9])),
    min_size=1, max_size=7,
)  # fmt: skip


@settings(max_examples=20)
@given(arrivals, st.sampled_from([None, 1, 7, 64]), st.integers(0, 99))
def test_rows_come_and_go_at_any_step(model, arrivals, most_tokens, seed):
    waiting = [
        (step, request(seed + number, length, budget, sampling=Sampling(temperature, 0.9, number)))
        for number, (step, length, budget, temperature) in enumerate(arrivals)
    ]
    running, replies = Running(model), {}
    step = 0
    while waiting or running.rows:
        running.join([asked for due, asked in waiting if due <= step])
        waiting = [(due, asked) for due, asked in waiting if due > step]
        for row in running.step(most_tokens):
            replies[id(row.request)] = (row.request, row.generation())
        step += 1
    assert len(replies) == len(arrivals)
    assert running.cache.lengths == []
    for asked, found in replies.values():
        assert found == alone(model, asked)


def test_a_row_whose_client_went_away_leaves_the_others_alone(model):
    asked = [request(n, 10 + n, 8) for n in range(4)]
    running = Running(model)
    rows = running.join(asked)
    for _ in range(3):
        running.step()
    running.leave(rows[1])
    while running.rows:
        running.step()
    assert len(rows[1].ids) == 3
    assert [row.generation() for row in (rows[0], rows[2], rows[3])] == [alone(model, asked[n]) for n in (0, 2, 3)]


def test_a_long_prompt_does_not_hold_up_the_rows_beside_it(model):
    running = Running(model)
    (short,) = running.join([request(1, 5, 20)])
    running.step()
    (long,) = running.join([request(2, 100, 3)])
    for steps in range(1, 6):
        running.step(most_tokens=21)
        assert len(short.ids) == 1 + steps
    assert len(long.ids) == 1  # 5 times 20 tokens read
    assert not long.pending[1:]


def test_a_prompt_longer_than_a_pass(model):
    asked = [request(1, PASS_TOKENS + 700, 3), request(2, 900, 3)]
    assert Engine(model, batch_tokens=10_000).generate(asked) == [alone(model, each) for each in asked]


def test_when_memory_runs_out_nobody_has_joined_and_the_others_go_on(model, monkeypatch):
    running = Running(model)
    first = request(1, 10, 8)
    (row,) = running.join([first])
    running.step()
    alike = request(2, 200, 4).prompt

    def no_memory(tokens, extend):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(model, "extend", no_memory)
        with pytest.raises(MemoryError):
            running.join([Request([*alike, 1], 4), Request([*alike, 2], 4)])
    assert running.rows == [row]
    while running.rows:
        running.step()
    assert row.generation() == alone(model, first)


@pytest.mark.parametrize("passes", [0, 1])
def test_when_memory_runs_out_in_a_step_it_can_be_repeated(model, monkeypatch, passes):
    """Even if some of its passes over the model were done."""
    asked = [request(n, PASS_TOKENS - 30 * n, 4, sampling=Sampling(0.9, 0.9, n)) for n in range(2)]
    running = Running(model)
    rows = running.join(asked)
    extend, done = model.extend, []

    def no_memory_after(tokens, context):
        if len(done) >= passes:
            raise MemoryError
        done.append(len(tokens))
        return extend(tokens, context)

    with monkeypatch.context() as patch:
        patch.setattr(model, "extend", no_memory_after)
        with pytest.raises(MemoryError):
            running.step()
    while running.rows:
        running.step()
    assert len(done) == passes
    assert [row.generation() for row in rows] == [alone(model, each) for each in asked]


class Refuses:
    """A constraint that allows everything and cannot be followed from some token on."""

    not_enforced: ClassVar[dict] = {}
    complete = ends_loops = False

    def __init__(self, tokens, greedy):
        self.left, self.greedy = tokens, greedy

    def matcher(self):
        return Refuses(self.left, self.greedy)

    def accepts(self, token):
        self.left -= 1
        return self.left >= 0

    def restrict(self, logits):
        self.left -= not self.greedy
        if self.left < 0:
            raise HiveMindError("too large to follow")

    def advance(self, token):
        pass

    def forced(self, most):
        return []


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(1.0, 0.9, 3)])
def test_a_constraint_that_fails_ends_its_row_alone(model, sampling):
    failing = request(7, 20, 9, sampling=sampling, constraint=Refuses(3, sampling.greedy))
    others = [request(n, 12 + n, 9, sampling=Sampling(n % 2, 0.9, n)) for n in range(4)]
    running = Running(model)
    first, *rows = running.join([failing, *others])
    done = []
    while running.rows:
        done += running.step()
    assert str(first.error) == "too large to follow" and len(first.ids) == 3 and first in done
    assert [row.generation() for row in rows] == [alone(model, each) for each in others]
    assert all(row.error is None for row in rows)
    with pytest.raises(HiveMindError, match="too large to follow"):
        alone(model, failing)


def test_a_greedy_call_does_not_repeat_itself_without_end(tiny_tokenizer):
    """A model that likes one token best, whatever comes before, fills no string with it."""
    constraints = Constraints(tiny_tokenizer, tiny_tokenizer.vocab_size)
    tool = Tool("t", "", {"type": "object", "properties": {"p": {"type": "string"}}, "required": ["p"]})
    stuck, end = tiny_tokenizer.encode("x")[0], tiny_tokenizer.encode('"}')[0]
    model = stubborn_model(tiny_tokenizer.vocab_size, stuck, end)
    for choice, sampling, ended in (("required", Sampling(), True), ("none", Sampling(), False)):
        constraint = constraints.constraint([tool], choice, parallel=False) or constraints.words()
        (reply,) = Engine(model).generate(
            [Request([1, 2], 200, tiny_tokenizer.stop_ids, sampling, constraint=constraint)]
        )
        assert reply.stopped == ended
        assert reply.ids.count(stuck) == (SPAN if ended else 200)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=SPAN // TIMES), st.lists(st.integers(4, 9), max_size=80))
def test_what_a_loop_is(repeated, before):
    looped = before + repeated * SPAN
    assert looping(looped) == set(repeated)
    assert looping([*looped, 99]) == looping([*looped, 99], before=True) == frozenset()
    assert looping([99, 3, 2, 3, 2] * NEXT_SPAN + [5] * NEXT_SPAN, before=True) == {5}
    assert looping([99, *(repeated * SPAN)[: SPAN - 1]]) == frozenset()


def test_prompt_and_reply_are_kept_for_what_goes_on_from_them(model):
    running = Running(model)
    (row,) = running.join([request(1, 50, 6, keep=True)])
    while running.rows:
        running.step()
    next_turn = Request([*row.request.prompt, *row.ids, 7, 8, 9], 5)
    (second,) = running.join([next_turn])
    assert second.recalled == 50 + len(row.ids) - 1  # the last one was never read
    while running.rows:
        running.step()
    assert second.generation() == alone(model, next_turn)


@pytest.mark.parametrize(("prompt", "budget"), [([], 3), ([1, 2], 0)])
def test_nothing_to_answer_is_an_error(model, prompt, budget):
    running = Running(model)
    (row,) = running.join([request(1, 5, 2)])
    with pytest.raises(ValueError, match="at least one token of prompt and one to answer with"):
        running.join([Request(prompt, budget)])
    assert running.rows == [row]


def test_no_rows_no_step(model):
    running = Running(model)
    assert running.join([]) == []
    assert running.step() == []

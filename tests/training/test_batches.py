"""The order of examples, the steps, and packing: which examples make up a step never depends on how it is split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.training.batches import Packing, Plan, collate, epoch_order, round_up
from hive_mind.training.tokens import Examples

LENGTHS = st.lists(st.integers(2, 40), min_size=1, max_size=60)


def examples(lengths):
    """Examples with distinguishable tokens; the second half of each is labelled."""
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    labelled = np.concatenate([np.arange(length) >= max(1, length // 2) for length in lengths])
    count = len(lengths)
    ids = np.arange(offsets[-1], dtype=np.int32)
    source, rows = (np.arange(count) % 2).astype(np.int16), np.arange(1, count + 1, dtype=np.int32)
    return Examples(ids, labelled, offsets, source, rows, ("a", "b"))


@given(LENGTHS, st.integers(1, 20), st.integers(1, 3), st.integers(0, 5))
def test_an_epoch_holds_every_example_once(lengths, size, epochs, seed):
    plan = Plan(examples(lengths), size, epochs, seed)
    steps = list(plan.steps())
    assert [step.number for step in steps] == list(range(1, plan.total_steps + 1))
    for epoch in range(epochs):
        part = steps[epoch * plan.steps_per_epoch : (epoch + 1) * plan.steps_per_epoch]
        assert sorted(index for step in part for index in step.indices) == list(range(len(lengths)))
        assert part[-1].epoch == epoch + 1
        assert all(len(step.indices) == size for step in part[:-1])
    assert sum(step.tokens for step in steps) == epochs * sum(lengths)
    assert plan.tokens_after(0) == epochs * sum(lengths)


@given(LENGTHS, st.integers(1, 20), st.integers(1, 3), st.integers(1, 40), st.data())
def test_the_steps_after_a_checkpoint_are_the_ones_that_were_left(lengths, size, epochs, limit, data):
    plan = Plan(examples(lengths), size, epochs, 7, limit)
    steps = list(plan.steps())
    assert len(steps) == plan.total_steps <= limit
    done = data.draw(st.integers(0, len(steps)))
    consumed = steps[done - 1].consumed if done else 0
    assert list(plan.steps(consumed)) == steps[done:]


def test_the_order_follows_seed_and_epoch_and_stays_the_same():
    assert epoch_order(8, 42, 0) == [0, 4, 6, 5, 1, 7, 2, 3]
    assert len({tuple(epoch_order(30, seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


@pytest.mark.parametrize(
    ("every", "expected"), [(1.0, {0, 4, 8, 12}), (0.5, {0, 2, 4, 6, 8, 10, 12}), (2.0, {0, 8, 12}), (9.0, {0, 12})]
)
def test_milestones_lie_at_shares_of_an_epoch(every, expected):
    assert Plan(examples([5] * 16), 4, 3, 0).milestones(every) == expected


def test_milestones_beyond_the_last_step_fall_away():
    assert Plan(examples([5] * 16), 4, 3, 0, max_steps=5).milestones(1.0) == {0, 4, 5}


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 20), st.none() | st.integers(1, 100))
def test_splitting_keeps_order_and_limits(lengths, count, tokens):
    batches = Packing(count, tokens).split(range(len(lengths)), lengths)
    assert [index for batch in batches for index in batch] == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= count
        assert len(batch) == 1 or tokens is None or sum(lengths[i] for i in batch) <= tokens


@given(st.lists(st.integers(1, 2000), max_size=40), st.integers(1, 8), st.integers(1, 4))
def test_sharing_out_keeps_every_example_and_the_count_and_evens_the_tokens(lengths, count, workers):
    indices = [10 + place for place in range(len(lengths))]
    packing = Packing(count)
    plain, dealt = packing.split(indices, lengths), packing.share_out(indices, lengths, workers)
    assert sorted(index for part in dealt for index in part) == indices
    assert len(dealt) == len(plain) and all(1 <= len(part) <= count for part in dealt)
    assert dealt == packing.share_out(indices, lengths, workers)
    assert Packing(count, 500).share_out(indices, lengths, workers) == Packing(count, 500).split(indices, lengths)
    if workers == 1:
        assert dealt == plain


def test_sharing_out_deals_the_longest_first():
    assert Packing(3).share_out([7, 8, 9, 10, 11, 12], [900, 800, 700, 100, 100, 200], workers=2) == [
        [7, 12, 10],
        [8, 9, 11],
    ]


@given(LENGTHS, st.booleans(), st.data())
def test_a_micro_batch_predicts_each_labelled_token_from_the_one_before(lengths, rounded, data):
    made = examples(lengths)
    chosen = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8, unique=True))
    batch = collate(made, chosen, rounded=rounded)
    expected_rows, expected_targets, expected_sources = [], [], []
    start = 0
    for index in chosen:
        rendered = made.example(index)
        assert batch.input_ids[start : start + lengths[index]].tolist() == rendered.input_ids
        assert batch.layout.positions[start : start + lengths[index]].tolist() == list(range(lengths[index]))
        for place, (token, learnt) in enumerate(zip(rendered.input_ids, rendered.labelled, strict=True)):
            if learnt:
                expected_rows.append(start + place - 1)
                expected_targets.append(token)
                expected_sources.append(int(made.source[index]))
        start += lengths[index]
    assert batch.rows.tolist() == expected_rows
    assert batch.targets.tolist() == expected_targets
    assert batch.sources.tolist() == expected_sources
    assert len(batch.input_ids) == batch.layout.tokens == (round_up(start) if rounded else start)


@given(st.integers(1, 100_000))
def test_rounding_costs_little_and_leaves_few_lengths(tokens):
    rounded = round_up(tokens)
    assert tokens <= rounded <= max(tokens + 15, tokens * 17 / 16)
    assert round_up(rounded) == rounded
    assert rounded % 16 == 0

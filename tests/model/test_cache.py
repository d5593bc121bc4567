"""Reading on from a cache equals reading the whole sequence, however rows come, grow, share and go."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.model.attention import Layout
from hive_mind.model.cache import Extend
from tests.model.test_qwen2 import sequences
from tests.small_base import random_model, small_config


@pytest.fixture(scope="module")
def model():
    return random_model(small_config())


def cache_of(model, parts, capacity):
    """A cache that holds these sequences, and the last state of each."""
    cache = model.new_cache()
    cache.reserve(len(parts), capacity)
    return cache, append(model, cache, list(cache.add_rows(len(parts))), parts)


def append(model, cache, rows, parts):
    extend = Extend(cache, rows, [len(part) for part in parts])
    return model.extend(torch.cat(parts), extend)[extend.layout.last]


def last_state(model, whole):
    return model.hidden(whole, Layout.from_lengths([len(whole)]))[-1]


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_decoding_equals_the_full_forward(model):
    """Rows of unlike lengths are read together, then go on token by token."""
    parts = sequences(model.config, [5, 41, 1])
    more = sequences(model.config, [6, 6, 6], seed=2)
    cache, states = cache_of(model, parts, 47)
    seen = [states, *(model.step(torch.stack([row[i] for row in more]), cache) for i in range(6))]
    for row, (start, rest) in enumerate(zip(parts, more, strict=True)):
        for read, states in enumerate(seen):
            close(states[row], last_state(model, torch.cat([start, rest[:read]])))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 70)), min_size=1, max_size=6), st.integers(0, 99))
def test_reading_in_pieces_equals_reading_at_once(model, pieces, seed):
    """Some rows get some tokens, again and again, across the blocks and granules of the attention."""
    rows = [torch.empty(0, dtype=torch.int64) for _ in range(4)]
    cache = model.new_cache()
    cache.reserve(4, 1)
    cache.add_rows(4)
    for number, (row, length) in enumerate(pieces):
        chosen = sorted({row, (row + number) % 4})
        parts = sequences(model.config, [length] * len(chosen), seed + number)
        for at, part in zip(chosen, parts, strict=True):
            rows[at] = torch.cat([rows[at], part])
        cache.reserve(4, max(map(len, rows)))
        states = append(model, cache, chosen, parts)
        for at, state in zip(chosen, states, strict=True):
            close(state, last_state(model, rows[at]))
    assert cache.lengths == [len(row) for row in rows]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_row_that_leaves_gives_its_number_to_the_last(model, gone):
    parts = sequences(model.config, [5, 11, 3])
    cache, _ = cache_of(model, parts, 20)
    cache.drop(gone)
    left = [parts[0], parts[1], parts[2]]
    left[gone] = left[-1]
    left.pop()
    tokens = torch.tensor([7, 8])
    states = model.step(tokens, cache)
    for state, part, token in zip(states, left, tokens, strict=True):
        close(state, last_state(model, torch.cat([part, token[None]])))


def test_a_row_joins_where_another_was(model):
    first, second, third = sequences(model.config, [30, 8, 12])
    cache, _ = cache_of(model, [first, second], 33)
    cache.drop(0)
    cache.add_rows(1)
    close(append(model, cache, [1], [third])[0], last_state(model, third))
    close(model.step(torch.tensor([4, 5]), cache)[0], last_state(model, torch.cat([second, torch.tensor([4])])))


def test_a_beginning_is_copied_from_row_to_row_and_taken_out_and_put_in(model):
    alike, rest, other = sequences(model.config, [40, 9, 4])
    cache, _ = cache_of(model, [torch.cat([alike, rest])], 60)
    keys, values = cache.take(0, 40)
    cache.reserve(3, 60)
    cache.add_rows(2)
    cache.copy(0, 1, 40)
    cache.put(2, keys, values, 37)
    for row, kept in ((1, 40), (2, 37)):
        close(append(model, cache, [row], [other])[0], last_state(model, torch.cat([alike[:kept], other])))


def test_a_full_cache_is_an_error(model):
    cache, _ = cache_of(model, sequences(model.config, [32]), 32)
    with pytest.raises(ValueError, match="holds 32 tokens a row and is full"):
        model.step(torch.tensor([3]), cache)
    with pytest.raises(ValueError, match="full"):
        append(model, cache, [0], [torch.tensor([3])])


def test_a_cache_can_be_made_smaller_again(model):
    """To what its rows need; they go on as before."""
    parts, more = sequences(model.config, [30, 5, 33]), sequences(model.config, [3, 3], seed=4)
    cache, _ = cache_of(model, parts, 400)
    cache.reserve(9, 10)
    assert cache.tokens == 9 * 416
    cache.drop(0)
    cache.resize(2, 36)
    assert cache.tokens == 2 * 64
    states = append(model, cache, [0, 1], more)
    for row, start in enumerate((parts[2], parts[1])):
        close(states[row], last_state(model, torch.cat([start, more[row]])))

"""Attention over a cache against the plain formula."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.model.cached_attention import GRANULE, extend_attention, step_attention

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 3e-2}


def plain_attention(query, keys, values, past):
    """The formula in fp64, one head and token after the other."""
    group = query.shape[1] // keys.shape[0]
    out = torch.empty(query.shape, dtype=torch.float64)
    for token in range(query.shape[0]):
        for head in range(query.shape[1]):
            seen_keys, seen_values = (x[head // group, : past + token + 1].double() for x in (keys, values))
            scores = seen_keys @ query[token, head].double() / query.shape[-1] ** 0.5
            out[token, head] = torch.softmax(scores, 0) @ seen_values
    return out.float()


def tensors(shapes, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@given(
    past=st.integers(0, 150), length=st.integers(1, 150), kv_heads=st.integers(1, 3), group=st.integers(1, 4),
    spare=st.integers(0, 2), seed=st.integers(0, 99),
)  # fmt: skip
def test_the_newest_tokens_of_a_row(dtype, past, length, kv_heads, group, spare, seed):
    capacity = (-(-(past + length) // GRANULE) + spare) * GRANULE
    query, keys, values = tensors(
        [(length, kv_heads * group, 8), (kv_heads, capacity, 8), (kv_heads, capacity, 8)], dtype, seed
    )
    found = extend_attention(query, keys, values, past)
    expected = plain_attention(query, keys[:, : past + length], values[:, : past + length], past)
    torch.testing.assert_close(found.float(), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@given(st.lists(st.integers(1, 90), min_size=1, max_size=6), st.integers(0, 99))
def test_one_token_of_every_row(dtype, lengths, seed):
    rows, seen = len(lengths), max(lengths)
    query, keys, values = tensors([(rows, 6, 8), (rows, 2, seen + 7, 8), (rows, 2, seen + 7, 8)], dtype, seed)
    mask = torch.zeros(rows, seen, dtype=dtype)
    for row, length in enumerate(lengths):
        mask[row, length:] = float("-inf")
    found = step_attention(query, keys[:, :, :seen], values[:, :, :seen], mask)
    for row, length in enumerate(lengths):
        expected = plain_attention(query[row][None], keys[row, :, :length], values[row, :, :length], length - 1)
        torch.testing.assert_close(found[row].float(), expected[0], rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])

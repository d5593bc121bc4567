"""Blocked attention is causal attention: compared with torch's, at lengths around a block's edge, in any grouping."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from hive_mind.model.attention import Layout, attend
from hive_mind.model.blocked_attention import BLOCK, blocked_attention


def inputs(heads: int, kv_heads: int, length: int, width: int, dtype: torch.dtype) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(length)
    shapes = [(heads, length, width), (kv_heads, length, width), (kv_heads, length, width), (heads, length, width)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


def with_gradients(attention, query, key, value, upstream) -> list[torch.Tensor]:
    leaves = [x.clone().requires_grad_() for x in (query, key, value)]
    out = attention(*leaves)
    out.backward(upstream)
    return [out.detach(), *(leaf.grad for leaf in leaves)]


def library(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    group = query.shape[0] // key.shape[0]
    key, value = key.repeat_interleave(group, 0), value.repeat_interleave(group, 0)
    return F.scaled_dot_product_attention(query[None], key[None], value[None], is_causal=True)[0]


@pytest.mark.parametrize("length", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
@pytest.mark.parametrize(("heads", "kv_heads", "width"), [(4, 2, 64), (6, 1, 32), (3, 3, 16)])
def test_output_and_gradients_are_those_of_plain_attention(length, heads, kv_heads, width) -> None:
    given = inputs(heads, kv_heads, length, width, torch.float64)
    for ours, theirs in zip(with_gradients(blocked_attention, *given), with_gradients(library, *given), strict=True):
        # sums of the key's and value's gradients are kept in fp32
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_in_bf16_it_is_as_near_to_the_truth_as_torch() -> None:
    given = inputs(4, 2, 300, 64, torch.bfloat16)
    truth = with_gradients(library, *(x.double() for x in given))
    for ours, theirs, true in zip(
        with_gradients(blocked_attention, *given), with_gradients(library, *given), truth, strict=True
    ):
        errors = [float((x.double() - true).norm() / true.norm()) for x in (ours, theirs)]
        assert errors[0] < 0.008
        assert errors[0] < 2 * errors[1]


@pytest.mark.parametrize("lengths", [(70, 200, 5), (130, 130)])
def test_packed_sequences_see_only_themselves(lengths: tuple[int, ...]) -> None:
    total = sum(lengths)
    query, key, value, _ = (x.transpose(0, 1) for x in inputs(4, 2, total, 64, torch.bfloat16))
    together = attend(query, key, value, Layout.from_lengths(lengths))
    start = 0
    for length in lengths:
        part = slice(start, start + length)
        alone = attend(query[part], key[part], value[part], Layout.from_lengths([length]))
        torch.testing.assert_close(together[part], alone, rtol=0.02, atol=0.02)
        exact = library(*(x[part].transpose(0, 1).double() for x in (query, key, value))).transpose(0, 1)
        torch.testing.assert_close(together[part].double(), exact, rtol=0.05, atol=0.05)
        start += length

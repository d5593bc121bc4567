"""Every attention path gives what one masked product over the pack gives, and a missing kernel is no obstacle."""

import sys
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F

from hive_mind.model import attention
from hive_mind.model.attention import Layout

LENGTHS = (5, 1, 33, 12)
HEADS, KV_HEADS, WIDTH = 4, 2, 16


def masked(query, key, value, layout):
    """Block-diagonal causal attention as one product over the pack: what the other paths must equal."""
    example = torch.repeat_interleave(torch.arange(len(layout.lengths)), torch.tensor(layout.lengths))
    allowed = (example[:, None] == example[None]) & torch.ones(layout.tokens, layout.tokens, dtype=torch.bool).tril()
    key, value = (x.repeat_interleave(HEADS // KV_HEADS, 1) for x in (key, value))
    parts = (x.transpose(0, 1)[None] for x in (query, key, value))
    return F.scaled_dot_product_attention(*parts, attn_mask=allowed)[0].transpose(0, 1)


def inputs(dtype, lengths=LENGTHS):
    generator = torch.Generator().manual_seed(0)
    layout = Layout.from_lengths(lengths)
    shapes = [(layout.tokens, heads, WIDTH) for heads in (HEADS, KV_HEADS, KV_HEADS)]
    return [torch.randn(shape, generator=generator).to(dtype).requires_grad_(True) for shape in shapes], layout


def kernel(query, key, value, offsets, key_offsets, longest, longest_key, *, window_size=None, is_causal=None):
    """Stands in for torch's kernel, which needs a GPU, with its calling conventions checked."""
    assert window_size == (-1, 0) or is_causal is True
    assert key.shape == value.shape == query.shape
    assert torch.equal(offsets, key_offsets) and offsets.dtype == torch.int32
    assert longest == longest_key == int(offsets.diff().max())
    cuts = [slice(a, b) for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    parts = [[x[cut].transpose(0, 1)[None] for x in (query, key, value)] for cut in cuts]
    return torch.cat([F.scaled_dot_product_attention(*part, is_causal=True)[0].transpose(0, 1) for part in parts])


def new_kernel(query, key, value, cu_q, cu_k, max_q, max_k, *, window_size=(-1, -1)):
    return kernel(query, key, value, cu_q, cu_k, max_q, max_k, window_size=window_size)


def old_kernel(query, key, value, cu_q, cu_k, max_q, max_k, is_causal=False):
    return kernel(query, key, value, cu_q, cu_k, max_q, max_k, is_causal=is_causal)


@pytest.fixture
def varlen(monkeypatch):
    """Put a function in the place of torch's kernel, or nothing."""

    def use(function):
        module = ModuleType("torch.nn.attention.varlen")
        if function is not None:
            module.varlen_attn = function
        monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", module if function else None)
        attention.varlen_causal.cache_clear()

    yield use
    attention.varlen_causal.cache_clear()


@pytest.mark.parametrize("lengths", [LENGTHS, (7, 7, 7)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_separate_attention_equals_one_masked_product(dtype, lengths):
    tensors, layout = inputs(dtype, lengths)
    found, expected = (path(*tensors, layout) for path in (attention.attend, masked))
    tolerance = {"rtol": 3e-2, "atol": 3e-2} if dtype == torch.bfloat16 else {}
    torch.testing.assert_close(found, expected, **tolerance)
    for one, other in zip(
        torch.autograd.grad(found.sum(), tensors), torch.autograd.grad(expected.sum(), tensors), strict=True
    ):
        torch.testing.assert_close(one, other, **tolerance)


@pytest.mark.parametrize("function", [new_kernel, old_kernel])
def test_the_varlen_kernel_is_called_as_its_version_wants(varlen, function):
    varlen(function)
    tensors, layout = inputs(torch.float64)
    found, expected = attention._varlen(*tensors, layout), masked(*tensors, layout)
    torch.testing.assert_close(found, expected)


def test_a_torch_without_the_kernel_is_seen(varlen):
    varlen(None)
    assert attention.varlen_causal() is None


def test_this_torch_has_the_kernel():
    assert attention.varlen_causal() in ({"window_size": (-1, 0)}, {"is_causal": True})


@pytest.mark.parametrize("changed", range(len(LENGTHS)))
@pytest.mark.parametrize("path", ["_separate", "_varlen"])
def test_a_change_in_one_example_moves_nothing_in_another(varlen, path, changed):
    varlen(new_kernel)
    tensors, layout = inputs(torch.float64)
    altered = [tensor.clone() for tensor in tensors]
    rows = slice(int(layout.offsets[changed]), int(layout.offsets[changed + 1]))
    for tensor in altered:
        tensor.data[rows] += 1
    before, after = (getattr(attention, path)(*given, layout).split(LENGTHS) for given in (tensors, altered))
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [
        n != changed for n in range(len(LENGTHS))
    ]

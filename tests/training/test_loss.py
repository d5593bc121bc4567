"""The chunked loss and its gradient are those of plain cross entropy over the full logits."""

import pytest
import torch
import torch.nn.functional as F

from hive_mind.training.loss import LOGITS_BYTES, chunk_rows, scaled_loss, token_losses

ROWS, SIZE, WORDS = 23, 8, 50


def problem(dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(ROWS, SIZE, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    weight = torch.randn(WORDS, SIZE, generator=generator, dtype=torch.float64).to(dtype)
    return hidden, weight, torch.randint(0, WORDS, (ROWS,), generator=generator)


@pytest.mark.parametrize("chunk", [1, 7, ROWS, 1000])
def test_loss_and_gradient_are_plain_cross_entropy(chunk):
    hidden, weight, targets = problem()
    expected = F.cross_entropy(hidden @ weight.T, targets, reduction="sum") / 11
    (wanted,) = torch.autograd.grad(expected, hidden)
    loss = scaled_loss(hidden, weight, targets, chunk, 1 / 11)
    (gradient,) = torch.autograd.grad(loss, hidden)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, wanted, rtol=1e-10, atol=1e-14)


def test_the_gradient_passes_on_what_comes_from_above():
    hidden, weight, targets = problem()
    (once,) = torch.autograd.grad(scaled_loss(hidden, weight, targets, 5, 1.0), hidden)
    (thrice,) = torch.autograd.grad(3 * scaled_loss(hidden, weight, targets, 5, 1.0), hidden)
    torch.testing.assert_close(thrice, 3 * once)


def test_bf16_products_have_a_fp32_softmax():
    hidden, weight, targets = problem(torch.bfloat16)
    loss = scaled_loss(hidden, weight, targets, 7, 1 / ROWS)
    assert loss.dtype == torch.float32
    logits = F.linear(hidden, weight).float()
    torch.testing.assert_close(loss, F.cross_entropy(logits, targets), rtol=1e-6, atol=0)
    (gradient,) = torch.autograd.grad(loss, hidden)
    (wanted,) = torch.autograd.grad(F.cross_entropy(logits, targets), hidden)
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(gradient.float(), wanted.float(), rtol=0.02, atol=1e-4)


def test_token_losses_add_up_to_the_loss():
    hidden, weight, targets = problem()
    losses = token_losses(hidden, weight, targets, 7)
    assert losses.shape == (ROWS,)
    torch.testing.assert_close(losses.sum(), scaled_loss(hidden, weight, targets, 7, 1.0))


def test_nothing_labelled_is_no_loss():
    hidden, weight, targets = problem()
    assert scaled_loss(hidden[:0], weight, targets[:0], 7, 1.0).item() == 0
    assert token_losses(hidden[:0], weight, targets[:0], 7).shape == (0,)


def test_auto_keeps_the_logits_small():
    assert chunk_rows("auto", 151_936) * 151_936 * 4 <= LOGITS_BYTES
    assert chunk_rows(100, 151_936) == 100

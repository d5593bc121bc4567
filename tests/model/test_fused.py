"""The written-out gradients are autograd's, compiled kernels and packed weights compute the same."""

import pytest
import torch
import torch.nn.functional as F

from hive_mind.model import fused, kernels
from hive_mind.model.kernels import EAGER, Kernels
from hive_mind.model.lora import attach, detach, lora_parameters, pack_weights
from hive_mind.model.packed import pack
from tests.model.test_lora import adapted
from tests.model.test_qwen2 import packed_logits, sequences
from tests.small_base import random_model, small_config

ROWS, WIDTH, OUT, R = 10, 8, 6, 3


def random(*shape, dtype=torch.float64, grad=True, seed=0):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(shape, dtype=dtype, generator=generator).requires_grad_(grad)


@pytest.mark.parametrize("bias", [True, False])
def test_a_lora_linear_and_its_gradients(bias):
    x, a, b = random(ROWS, WIDTH), random(R, WIDTH), random(OUT, R)
    weight, shift = random(OUT, WIDTH, grad=False), random(OUT, grad=False) if bias else None
    out = fused.lora_linear(x, weight, shift, a, b, 1.5)
    torch.testing.assert_close(out, F.linear(x, weight, shift) + 1.5 * x @ a.T @ b.T)
    assert torch.autograd.gradcheck(
        lambda *inputs: fused.lora_linear(inputs[0], weight, shift, *inputs[1:], 1.5), (x, a, b)
    )


def test_the_gradients_of_fp32_masters_under_bf16_products_are_fp32_and_lie_as_they_do():
    x = random(ROWS, WIDTH, dtype=torch.bfloat16)
    a, b = random(R, WIDTH, dtype=torch.float32), random(OUT, R, dtype=torch.float32)
    weight = random(OUT, WIDTH, dtype=torch.bfloat16, grad=False)
    fused.lora_linear(x, weight, None, a, b, 2.0).sum().backward()
    assert a.grad.dtype == b.grad.dtype == torch.float32
    assert b.grad.stride() == b.stride()  # fused AdamW reads both in the order of their memory


def test_a_norm_and_its_gradient():
    x, weight = random(ROWS, WIDTH), random(WIDTH, grad=False)
    expected = weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
    torch.testing.assert_close(fused.rms_norm(x, weight, 1e-6, EAGER), expected)
    assert torch.autograd.gradcheck(lambda x: fused.rms_norm(x, weight, 1e-6, EAGER), (x,))


def test_a_swiglu_and_its_gradients():
    gate, up = random(ROWS, WIDTH), random(ROWS, WIDTH, seed=1)
    torch.testing.assert_close(fused.swiglu(gate, up, EAGER), F.silu(gate) * up)
    assert torch.autograd.gradcheck(lambda *inputs: fused.swiglu(*inputs, EAGER), (gate, up))


def test_a_rotation_and_its_gradient():
    angles = random(ROWS, 1, WIDTH // 2, grad=False)
    cos, sin = (torch.cat((x, x), -1) for x in (angles.cos(), angles.sin()))
    x = random(ROWS, 2, WIDTH)
    torch.testing.assert_close(fused.rotate(x, cos, sin, EAGER).norm(), x.norm())
    assert torch.autograd.gradcheck(lambda x: fused.rotate(x, cos, sin, EAGER), (x,))


@pytest.fixture(scope="module")
def compiled() -> Kernels:
    made = kernels.compiled()
    try:
        made.swiglu(torch.ones(4, 4), torch.ones(4, 4))
    except torch._dynamo.exc.TorchDynamoException as error:
        pytest.skip(f"no compiler: {str(error).splitlines()[0]}")
    return made


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("rows", [3, 40])
def test_compiled_kernels_compute_what_the_plain_ones_do(compiled, dtype, rows):
    x, gate, up, grad = (random(rows, 64, dtype=dtype, grad=False, seed=seed) for seed in range(4))
    weight = random(64, dtype=dtype, grad=False)
    heads = random(rows, 2, 32, dtype=dtype, grad=False)
    cos = random(rows, 1, 32, dtype=dtype, grad=False)
    targets = torch.arange(rows)[:, None]
    _, factor = EAGER.rms_norm(x, weight, 1e-6)
    calls = {
        "rms_norm": (x, weight, 1e-6), "rms_norm_backward": (grad, x, weight, factor), "swiglu": (gate, up),
        "swiglu_backward": (grad, gate, up), "rotate": (heads, cos, cos), "cross_entropy": (x, targets, 0.1),
    }  # fmt: skip
    assert set(calls) == set(Kernels.__dataclass_fields__)
    tolerance = {"rtol": 2e-2, "atol": 2e-2} if dtype == torch.bfloat16 else {"rtol": 1e-4, "atol": 1e-5}
    for name, inputs in calls.items():
        found = getattr(compiled, name)(*inputs)
        expected = getattr(EAGER, name)(*(i.clone() if isinstance(i, torch.Tensor) else i for i in inputs))
        torch.testing.assert_close(found, expected, **tolerance)


def test_the_softmax_at_the_target_is_exact_before_it_is_rounded():
    """A target that is nearly certain has a gradient of nearly nothing, not of one bf16 step below one."""
    logits = torch.zeros(1, 64, dtype=torch.bfloat16)
    logits[0, 5] = 12.0
    wanted = torch.softmax(logits.double(), -1)[0, 5] - 1
    _, gradient = EAGER.cross_entropy(logits, torch.tensor([[5]]), 1.0)
    assert gradient[0, 5].item() == pytest.approx(wanted.item(), rel=1e-2)


def test_packed_weights_give_the_same_products():
    weight = random(96, 64, dtype=torch.bfloat16, grad=False)
    made = pack(weight)
    if made is None:
        pytest.skip("this CPU does not multiply bf16 in hardware")
    x, grad, bias = (random(*shape, dtype=torch.bfloat16, grad=False) for shape in ((40, 64), (40, 96), (96,)))
    torch.testing.assert_close(made.linear(x, bias), F.linear(x, weight, bias), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(made.backward_linear(grad), grad @ weight, rtol=1e-2, atol=1e-2)
    assert torch.equal(made.plain(), weight)
    assert pack(weight.float()) is None


def test_a_model_with_packed_weights_learns_the_same():
    gradients = []
    for packed in (False, True):
        model = adapted().to(torch.bfloat16)
        if packed:
            pack_weights(model)
        parts = sequences(model.config)
        loss = packed_logits(model, parts).float().square().mean()
        gradients.append(
            torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(lora_parameters(model).values()))])
        )
    plain, found = gradients
    assert (found - plain).norm() / plain.norm() < 0.02


def test_packed_weights_take_the_plain_ones_place_and_come_back():
    model = random_model(small_config(), dtype=torch.bfloat16)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attach(model, 2, 4)
    pack_weights(model)
    layer = model.model.layers[0].mlp.up_proj
    if layer.packed is None:
        pytest.skip("this CPU does not multiply bf16 in hardware")
    assert layer.weight is None
    detach(model)
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_base_in_the_making_has_gradients_for_its_norms():
    model = random_model(small_config()).requires_grad_(True)
    packed_logits(model, sequences(model.config)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    attach(model, 2, 4)
    assert not model.model.norm.weight.requires_grad

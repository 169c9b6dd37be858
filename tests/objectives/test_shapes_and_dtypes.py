"""Shapes and number formats that a loss takes and gives."""

import pytest
import torch

from .cases import LOSSES

every_loss = pytest.mark.parametrize("name", LOSSES)
ROWS = [[-40.25, -38.5, -41.0, -39.75], [-120.0, -180.0, -130.5, -170.25], [-7.125, -6.5, -7.0, -7.75]]


def columns(dtype: torch.dtype) -> list[torch.Tensor]:
    return list(torch.tensor(ROWS, dtype=dtype).unbind(1))


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(name, dtype):
    """Losses in bfloat16 would have two digits; the result is that of the upcast inputs, bit for bit."""
    inputs = columns(dtype)
    loss = LOSSES[name](*inputs)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, LOSSES[name](*[tensor.float() for tensor in inputs]))


@every_loss
def test_gradients_return_in_half_precision(name):
    """Mixed-precision training would break: a bfloat16 leaf takes the float32 gradient rounded once."""
    inputs = [tensor.requires_grad_() for tensor in columns(torch.bfloat16)]
    upcast = [tensor.detach().float().requires_grad_() for tensor in inputs]
    gradients = torch.autograd.grad(LOSSES[name](*inputs).sum(), inputs)
    expected = torch.autograd.grad(LOSSES[name](*upcast).sum(), upcast)
    for gradient, in_float32 in zip(gradients, expected, strict=True):
        assert torch.equal(gradient, in_float32.bfloat16())


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_full_precision_is_kept(name, dtype):
    """float64 checks would be float32 checks in disguise, or float32 training would pay for float64."""
    inputs = columns(dtype)
    loss = LOSSES[name](*inputs)
    assert loss.dtype == dtype
    in_float64 = LOSSES[name](*[tensor.double() for tensor in inputs])
    # float32: |z| ≤ 25 in an exponential turns a rounding of 6e-8 into 25·6·6e-8 = 9e-6.
    torch.testing.assert_close(loss.double(), in_float64, rtol=1e-5 if dtype == torch.float32 else 0, atol=0)


@every_loss
def test_half_precision_policy_with_full_precision_reference(name):
    """A bfloat16 policy beside a float32 reference would raise, or be computed in bfloat16."""
    inputs = columns(torch.float32)
    inputs[0], inputs[1] = inputs[0].bfloat16(), inputs[1].bfloat16()
    loss = LOSSES[name](*inputs)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, LOSSES[name](*[tensor.float() for tensor in inputs]))


@every_loss
def test_batch_of_one(name):
    """A squeezed or averaged batch of one would come back without its axis, or mixed with others."""
    whole = LOSSES[name](*columns(torch.float64))
    for pair in range(3):
        alone = LOSSES[name](*[tensor[pair : pair + 1] for tensor in columns(torch.float64)])
        assert alone.shape == (1,)
        # Vector and remainder kernels may differ in the last bit, grown by exponents of up to 25.
        torch.testing.assert_close(alone, whole[pair : pair + 1], rtol=1e-13, atol=0)


@every_loss
def test_empty_batch(name):
    """A last micro-batch that filtering left empty would stop the run."""
    loss = LOSSES[name](*[torch.empty(0) for _ in range(4)])
    assert loss.shape == (0,)
    assert loss.dtype == torch.float32


@every_loss
@pytest.mark.parametrize("odd", range(4))
@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1)])
def test_shapes_that_differ_are_refused(name, odd, shape):
    """Broadcasting would pair every policy value with every reference value and train on the mixture."""
    tensors = [torch.zeros(3) for _ in range(4)]
    tensors[odd] = torch.zeros(shape)
    with pytest.raises(ValueError, match="need one shape, one value a pair") as caught:
        LOSSES[name](*tensors)
    argument = (
        "policy_chosen_logps",
        "policy_rejected_logps",
        "reference_chosen_logps",
        "reference_rejected_logps",
    )
    for place, given_name in enumerate(argument):
        assert f"{given_name} {shape if place == odd else (3,)}" in str(caught.value)

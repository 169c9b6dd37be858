"""Shapes and number formats that a loss takes and gives."""

import inspect

import pytest
import torch

from lossgrid.objectives.catalogue import OBJECTIVES

from .cases import CASES, EVERY_CASE, NAN_FOR_ONE_PAIR
from .log_probabilities import TOKENS

every_case = pytest.mark.parametrize("case", EVERY_CASE.values(), ids=EVERY_CASE)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
ROWS = [[-40.25, -38.5, -41.0, -39.75], [-120.0, -180.0, -130.5, -170.25], [-7.125, -6.5, -7.0, -7.75]]
HALF = [torch.float16, torch.bfloat16]


def columns(case, dtype: torch.dtype) -> list[torch.Tensor]:
    """The tensors that the loss takes; averages are so much smaller than sums."""
    tensors = torch.tensor(ROWS, dtype=dtype).unbind(1)[: len(case.objective.arguments)]
    return [tensor / TOKENS if case.objective.length_normalised else tensor for tensor in tensors]


@every_case
def test_half_precision_is_computed_in_float32(case):
    """Losses in bfloat16 would have two digits; the result is that of the upcast inputs, bit for bit."""
    for dtype in HALF:
        inputs = columns(case, dtype)
        loss = case(*inputs)
        assert loss.dtype == torch.float32
        assert torch.equal(loss, case(*[tensor.float() for tensor in inputs]))


@every_case
def test_gradients_return_in_half_precision(case):
    """Mixed-precision training would break: a bfloat16 leaf takes the float32 gradient rounded once."""
    inputs = [tensor.requires_grad_() for tensor in columns(case, torch.bfloat16)]
    upcast = [tensor.detach().float().requires_grad_() for tensor in inputs]
    gradients = torch.autograd.grad(case(*inputs).sum(), inputs)
    expected = torch.autograd.grad(case(*upcast).sum(), upcast)
    for gradient, in_float32 in zip(gradients, expected, strict=True):
        assert torch.equal(gradient, in_float32.bfloat16())


@every_case
def test_full_precision_is_kept(case):
    """float64 checks would be float32 checks in disguise, or float32 training would pay for float64."""
    in_float64 = case(*columns(case, torch.float64))
    assert in_float64.dtype == torch.float64
    loss = case(*columns(case, torch.float32))
    assert loss.dtype == torch.float32
    # Exponents that a float32 can hold, below 88, turn six roundings of 6e-8 into 88·6·6e-8 = 3e-5.
    smallest = torch.finfo(torch.float32).tiny
    torch.testing.assert_close(loss.double(), in_float64, rtol=1e-4, atol=smallest)


@every_case
def test_half_precision_policy_with_full_precision_reference(case):
    """A bfloat16 policy beside a float32 reference would raise, or be computed in bfloat16."""
    inputs = columns(case, torch.float32)
    inputs[0], inputs[1] = inputs[0].bfloat16(), inputs[1].bfloat16()
    loss = case(*inputs)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, case(*[tensor.float() for tensor in inputs]))


@pytest.mark.filterwarnings(
    "ignore:.*degrees of freedom:UserWarning"
)  # torch's, of the variance of one number
@every_case
def test_micro_batch_of_one(case):
    """A squeezed or averaged batch of one would come back without its axis, or be NaN where nobody expects it."""
    whole = columns(case, torch.float64)
    together = case(*whole)
    for pair in range(3):
        alone = case(*[tensor[pair : pair + 1] for tensor in whole])
        assert alone.shape == (1,)
        assert alone.isnan().item() == (case.objective.name in NAN_FOR_ONE_PAIR)
        if not case.objective.couples_batch:
            # Vector and remainder kernels may differ in the last bit, grown by exponents of up to 25.
            torch.testing.assert_close(alone, together[pair : pair + 1], rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", [name for name, cases in CASES.items() if cases[0].objective.couples_batch])
def test_documentation_says_what_a_micro_batch_does(name):
    """A run with one pair a device would turn NaN, or become another loss, without a word in the docs."""
    objective = CASES[name][0].objective
    documentation = inspect.getdoc(objective.load())
    assert "micro-batch" in documentation
    if name in NAN_FOR_ONE_PAIR:
        assert "NaN for a micro-batch of one pair" in documentation
        assert "NaN for a micro-batch of one pair" in objective.convention


@pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning")
@every_objective
def test_empty_batch(objective):
    """A last micro-batch that filtering left empty would stop the run."""
    loss = CASES[objective.name][0](*[torch.empty(0) for _ in objective.arguments])
    assert loss.shape == (0,)
    assert loss.dtype == torch.float32


@every_objective
@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1)])
def test_shapes_that_differ_are_refused(objective, shape):
    """Broadcasting would pair every policy value with every reference value and train on the mixture."""
    for odd in objective.arguments:
        shapes = {name: shape if name == odd else (3,) for name in objective.arguments}
        with pytest.raises(ValueError, match="need one shape, one value a pair") as caught:
            CASES[objective.name][0](*[torch.zeros(each) for each in shapes.values()])
        for name, each in shapes.items():
            assert f"{name} {each}" in str(caught.value)

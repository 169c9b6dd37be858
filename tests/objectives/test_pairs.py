"""What every loss starts from, against values worked out by hand."""

import torch

from lossgrid.objectives.pairs import log_ratio_margin, log_ratios, native_precision, raise_precision

POLICY = [torch.tensor([-10.0, -300.0]), torch.tensor([-12.0, -280.0])]
REFERENCE = [torch.tensor([-11.0, -290.0]), torch.tensor([-11.5, -295.0])]


def test_margin_by_hand():
    """A wrong sign of one of the four terms would reward what the data rejects.

    (−10 − −12) − (−11 − −11.5) = 2 − 0.5 = 1.5; (−300 − −280) − (−290 − −295) = −20 − 5 = −25.
    """
    assert log_ratio_margin(*POLICY, *REFERENCE).tolist() == [1.5, -25.0]  # sums of halves: exact in float32


def test_log_ratios_by_hand():
    """A response would be compared with the other response's reference.

    Chosen −10 − −11 = 1, −300 − −290 = −10; rejected −12 − −11.5 = −0.5, −280 − −295 = 15.
    """
    chosen, rejected = log_ratios(*POLICY, *REFERENCE)
    assert chosen.tolist() == [1.0, -10.0]
    assert rejected.tolist() == [-0.5, 15.0]


def test_native_precision_ends_with_its_context():
    """The audit's look at half precision would leave training in half precision behind it."""
    half = torch.ones(1, dtype=torch.bfloat16)
    with native_precision():
        assert raise_precision(one=half)[0].dtype == torch.bfloat16
    assert raise_precision(one=half)[0].dtype == torch.float32

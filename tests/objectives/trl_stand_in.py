"""The installed TRL's own `DPOTrainer._compute_loss` at arbitrary log-probabilities.

The method runs on a stand-in for the trainer whose model returns the per-token log-probabilities wanted; the
reference's come in with the batch, as they do with `precompute_ref_log_probs`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from hypothesis import strategies as st

# Multiples of 1/64 below 4096 add exactly in float32, so that the order of the sums in ρ cannot matter.
dyadic = st.integers(-2000 * 64, 0).map(lambda sixtyfourths: sixtyfourths / 64)
four_logps = st.tuples(dyadic, dyadic, dyadic, dyadic)
betas = st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
smoothings = st.sampled_from([1e-3, 0.1, 0.25, 0.4])


@contextmanager
def get_trl_loss(output_dir: str) -> Iterator[Callable]:
    """TRL's loss of a batch, from the summed log-probabilities of the responses; averaged over the batch."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_HUB_OFFLINE", "1")
        environment.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        from trl import DPOConfig
        from trl.trainer.dpo_trainer import DPOTrainer

        args = DPOConfig(output_dir=output_dir, report_to=[], use_cpu=True)

        def loss_of(loss_type, logps, beta, tau=0.05, lengths=(1, 1), label_smoothing=0.0):
            args.discopop_tau = tau
            return DPOTrainer._compute_loss(
                trainer(loss_type, beta, label_smoothing, args),
                *model_and_batch(logps, lengths),
                return_outputs=False,
            )

        loss_of.defaults = SimpleNamespace(beta=args.beta, discopop_tau=args.discopop_tau)
        yield loss_of


def trainer(loss_type, beta, label_smoothing, args):
    """What `_compute_loss` reads of its trainer, for one process without reference model."""
    return SimpleNamespace(
        model=SimpleNamespace(training=True),
        accelerator=SimpleNamespace(
            device=torch.device("cpu"), gather=lambda each: each, gather_for_metrics=lambda each: each
        ),
        args=args,
        beta=beta,
        loss_types=[loss_type],
        loss_weights=[1.0],
        label_smoothing=label_smoothing,
        f_divergence_type="reverse_kl",
        precompute_ref_logps=True,
        use_weighting=False,
        aux_loss_enabled=False,
        ld_alpha=None,
        _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0,
        _tp_size=1,
    )


def model_and_batch(logps, lengths):
    """A model that answers with the given sums, and the batch of pairs whose two responses have these lengths.

    Each sum sits on the first response token, so that no sum over tokens rounds it.
    """
    chosen, rejected, reference_chosen, reference_rejected = logps
    longest, pairs = max(lengths), len(chosen)
    completion = torch.tensor(
        [[0] + [1] * length + [0] * (longest - length) for length in lengths for _ in range(pairs)]
    )
    first = torch.cat([chosen, rejected]).unsqueeze(1)
    unread = torch.zeros(2 * pairs, longest)
    outputs = SimpleNamespace(
        log_probs=torch.cat([first, torch.zeros(2 * pairs, longest - 1, dtype=first.dtype)], dim=1),
        entropy=unread,
        mean_logits=unread,
        is_top1=unread.bool(),
    )
    batch = {
        "input_ids": torch.ones_like(completion),
        "attention_mask": torch.ones_like(completion),
        "completion_mask": completion,
        "ref_chosen_logps": reference_chosen,
        "ref_rejected_logps": reference_rejected,
    }
    return (lambda **inputs: outputs), batch


def of_pair(logps, dtype=torch.float32):
    return [torch.tensor([each], dtype=dtype, requires_grad=True) for each in logps]


def of_pairs(rows):
    return [torch.tensor(each, requires_grad=True) for each in zip(*rows, strict=True)]


def assert_same_bits(ours, theirs, ours_from, theirs_from):
    """Loss and both gradients of the policy are equal to the last bit, NaN equal to NaN."""
    assert_within(0, 0, ours, theirs, ours_from, theirs_from)


def assert_within(of_loss, of_gradient, ours, theirs, ours_from, theirs_from):
    """Loss and both gradients of the policy differ by no more than this."""
    torch.testing.assert_close(ours.squeeze(), theirs.squeeze(), rtol=0, atol=of_loss, equal_nan=True)
    gradients = torch.autograd.grad(ours.sum(), ours_from[:2])
    expected = torch.autograd.grad(theirs.sum(), theirs_from[:2])
    torch.testing.assert_close(gradients, expected, rtol=0, atol=of_gradient, equal_nan=True)

"""The health of a training run: one record a step, and what they add up to.

Divergence is a result like any other, so it is measured at every step on the loss and on the gradient norm
before clipping, and written down where a resumed run finds it again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from lossgrid.training.processes import all_agree
from lossgrid.training.training_log import spell_number

RHO_QUANTILES = {"rho_min": 0.0, "rho_q05": 0.05, "rho_median": 0.5, "rho_q95": 0.95, "rho_max": 1.0}


@dataclass(frozen=True)
class PairBatch:
    """What one micro-batch says of its pairs; every tensor has shape (batch,), float32.

    Attributes:
        losses: Loss of each pair.
        chosen_log_ratio: log π/π_ref of the chosen response in nats.
        rejected_log_ratio: The same of the rejected response.
    """

    losses: Tensor
    chosen_log_ratio: Tensor
    rejected_log_ratio: Tensor

    def stack(self) -> Tensor:
        """Shape (batch, 3), for gathering over processes."""
        return torch.stack([self.losses, self.chosen_log_ratio, self.rejected_log_ratio], dim=1)


def describe_step(
    step: int,
    pairs: Tensor,
    grad_norm: float,
    learning_rate: float,
    reward_scale: float,
    learned: Mapping[str, float],
) -> dict[str, float | int | bool]:
    """The record of one optimiser step.

    Args:
        step: Number of the step, from 1.
        pairs: Shape (pairs of the global batch, 3): loss, chosen and rejected log-ratio.
        grad_norm: L2 norm of the whole gradient before clipping.
        learning_rate: Of this step.
        reward_scale: β that turns a log-ratio into an implicit reward.
        learned: Values and gradients of the loss's own learned parameters, as they enter the record.

    Returns:
        A flat record; `nonfinite` says whether a pair's loss, the gradient norm or anything learned is not
        finite.
    """
    losses, chosen, rejected = pairs.double().unbind(1)
    rho = chosen - rejected
    quantiles = torch.quantile(rho, torch.tensor(list(RHO_QUANTILES.values()), dtype=rho.dtype))
    bad_pairs = int((~torch.isfinite(losses)).sum())
    return {
        "step": step,
        "loss": losses.mean().item(),
        "grad_norm": grad_norm,
        "learning_rate": learning_rate,
        "pairs": len(losses),
        "nonfinite_pairs": bad_pairs,
        "nonfinite": bad_pairs > 0 or not all(map(math.isfinite, [grad_norm, *learned.values()])),
        "reward_chosen": reward_scale * chosen.mean().item(),
        "reward_rejected": reward_scale * rejected.mean().item(),
        "margin": reward_scale * rho.mean().item(),
        "accuracy": (rho > 0).double().mean().item(),
        **dict(zip(RHO_QUANTILES, quantiles.tolist(), strict=True)),
        **learned,
    }


def has_finite_weights(model) -> bool:
    """Whether every weight of a model is finite, over the shards of all processes."""
    return all_agree(all(bool(torch.isfinite(_get_shard(weight)).all()) for weight in model.parameters()))


def _get_shard(weight: Tensor) -> Tensor:
    """What this process holds of a weight.

    Under ZeRO-3 the weight itself is empty outside a forward pass. Its shards are of equal size, so that the last
    ones may reach beyond the weight, with memory that nobody has written.
    """
    if not hasattr(weight, "ds_tensor"):
        return weight
    shard = weight.ds_tensor.flatten()
    return shard[: max(0, weight.ds_numel - dist.get_rank() * shard.numel())]


def summarise_health(
    records: list[dict], planned_steps: int, nonfinite_policy: str, weights_finite: bool
) -> dict:
    """What `health.json` says of a run that came to its end.

    Args:
        records: The training log.
        planned_steps: Optimiser steps of the recipe.
        nonfinite_policy: `stop`, `skip` or `propagate`.
        weights_finite: Whether the weights at the end are all finite.

    Returns:
        `status` is `diverged` where the run was stopped at a non-finite step or ends with non-finite weights,
        else `finished`; `healthy` is true for a finished run without any non-finite step. `max_grad_norm`,
        `rho_min` and `rho_max` leave out the steps where they are NaN (the norm also where it is infinite).
        Numbers that are not finite are words.
    """
    bad = [record for record in records if record["nonfinite"]]
    diverged = not weights_finite or (bool(bad) and nonfinite_policy == "stop")
    finite_norms = [record["grad_norm"] for record in records if math.isfinite(record["grad_norm"])]
    lowest, highest = (
        [record[name] for record in records if not math.isnan(record[name])]
        for name in ("rho_min", "rho_max")
    )
    summary = {
        "status": "diverged" if diverged else "finished",
        "healthy": not bad and weights_finite,
        "reason": _explain(bad, weights_finite),
        "nonfinite_policy": nonfinite_policy,
        "steps": len(records),
        "planned_steps": planned_steps,
        "nonfinite_steps": len(bad),
        "first_nonfinite_step": bad[0]["step"] if bad else None,
        "max_grad_norm": max(finite_norms, default=math.nan),
        "rho_min": min(lowest, default=math.nan),
        "rho_max": max(highest, default=math.nan),
        "final_loss": records[-1]["loss"] if records else math.nan,
        "final_accuracy": records[-1]["accuracy"] if records else math.nan,
    }
    return {key: spell_number(value) for key, value in summary.items()}


def _explain(bad: list[dict], weights_finite: bool) -> str:
    if not bad:
        return "" if weights_finite else "the last step made the weights non-finite"
    record = bad[0]
    return (
        f"step {record['step']}: {record['nonfinite_pairs']} of {record['pairs']} pairs had a non-finite loss, "
        f"gradient norm {record['grad_norm']:.4g}, margins ρ from {record['rho_min']:.4g} "
        f"to {record['rho_max']:.4g}"
    )

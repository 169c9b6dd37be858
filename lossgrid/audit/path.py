"""The path along which a loss is audited: what it and its slope are at a margin ρ.

A loss takes log-probabilities; the audit moves one pair of them along a path that ρ parametrises.

- Losses with a reference: the log-ratio of the chosen response is +ρ/2, that of the rejected one −ρ/2, with all
  reference log-probabilities equal. Losses of the margin depend on ρ alone; losses that weigh each response on
  its own are audited on this path and no other.
- Losses without a reference: both responses start at the same log-probability b, −2 nats a token (times 50 tokens
  where the loss takes sums), and ρ is the difference of their log-probabilities. At ρ=0 each moves by half of ρ; the
  rising one then slows down and never comes nearer to 0 than b/2, b·(1 + exp(ρ/b))/2 for ρ>0, and the falling one
  makes up for it: both stay log-probabilities of something for every ρ.
- Losses that couple the pairs of a micro-batch: the audited pair moves in a micro-batch of 8 whose other 7 pairs
  stay at margins of 1 nat times the normal quantiles of 1/14, 3/14, …, 13/14, over references that differ: their
  margins under the reference are the same quantiles, moved on by three pairs. The slope is that of the *sum* of
  the losses by the pair's own ρ, which is what training follows; the value is that sum less the other pairs'
  losses at ρ=0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from lossgrid.objectives.pairs import native_precision
from lossgrid.objectives.specification import Objective, Setting

TOKEN_LOGP = -2.0
TOKENS = 50
MICRO_BATCH = 8
COMPANIONS = ndtri((np.arange(MICRO_BATCH - 1) + 0.5) / (MICRO_BATCH - 1))
REFERENCE_MARGINS = np.roll(COMPANIONS, 3)


@dataclass(frozen=True)
class MarginLoss:
    """One loss in one setting as a function of the margin ρ.

    Attributes:
        objective: The loss.
        setting: A value for each of its hyper-parameters; of a learned one, its first value.
        couples_batch: Whether the path runs within a micro-batch.
    """

    objective: Objective
    setting: Setting
    couples_batch: bool = False

    def evaluate(
        self, rho: float | Sequence[float] | np.ndarray, dtype: torch.dtype = torch.float64
    ) -> tuple[np.ndarray, np.ndarray]:
        """The loss and its derivative by ρ, computed by autograd in the precision asked for.

        Args:
            rho: Margins in nats, a number or shape (n,).
            dtype: Precision of every step of the computation, half precision included (training upcasts half
                precision to float32 before its losses).

        Returns:
            Losses and slopes a nat, each of shape (n,) and float64.
        """
        points = torch.as_tensor(np.atleast_1d(np.asarray(rho, dtype=float))).to(dtype).requires_grad_()
        with native_precision():
            losses = self._sum_micro_batches(points) if self.couples_batch else self.apply(points)
            (slopes,) = torch.autograd.grad(losses.sum(), points)
        return losses.detach().double().numpy() - self.others_at_zero, slopes.double().numpy()

    def get_slope(self, rho: float) -> float:
        """The derivative at one margin, for root finders."""
        return float(self.evaluate(rho)[1][0])

    def get_loss(self, rho: float) -> float:
        """The loss at one margin."""
        return float(self.evaluate(rho)[0][0])

    def apply(self, rho: Tensor, reference_margins: Tensor | None = None) -> Tensor:
        """The losses of one micro-batch of pairs.

        Args:
            rho: Margin of each pair, shape (batch,).
            reference_margins: log π_w − log π_l of each pair under the reference, shape (batch,); None for 0.
        """
        chosen, rejected = get_responses(self.objective, rho)
        of_reference = torch.zeros_like(rho) if reference_margins is None else reference_margins / 2
        logps = {"policy_chosen_logps": chosen, "policy_rejected_logps": rejected}
        if not self.objective.reference_free:
            logps = {
                "policy_chosen_logps": chosen + of_reference,
                "policy_rejected_logps": rejected - of_reference,
                "reference_chosen_logps": of_reference,
                "reference_rejected_logps": -of_reference,
            }
        keywords = self.objective.get_keywords(self.setting)
        return self._function(*(logps[name] for name in self.objective.arguments), **keywords)

    def apply_within(self, own: Tensor, companions: np.ndarray, references: np.ndarray) -> Tensor:
        """The losses of a micro-batch of one pair and, after it, of its companions.

        Args:
            own: Margin of the pair, a tensor without dimensions; its reference margin is 0.
            companions: Margins of the others in nats.
            references: Their reference margins.
        """
        others, of_reference = (torch.as_tensor(values).to(own.dtype) for values in (companions, references))
        return self.apply(
            torch.cat([own[None], others]), torch.cat([torch.zeros_like(others[:1]), of_reference])
        )

    def _sum_micro_batches(self, points: Tensor) -> Tensor:
        return compute_each(lambda own: self.apply_within(own, COMPANIONS, REFERENCE_MARGINS).sum(), points)

    @cached_property
    def _function(self):
        return self.objective.load()

    @cached_property
    def others_at_zero(self) -> float:
        """The losses of the other pairs of the micro-batch while the audited one is at ρ=0, in total."""
        if not self.couples_batch:
            return 0.0
        losses = self.apply_within(torch.zeros((), dtype=torch.float64), COMPANIONS, REFERENCE_MARGINS)
        return losses[1:].sum().item()


def compute_each(compute: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """A function of one number at each of many, shape (n,)."""
    try:
        return torch.vmap(compute)(points)
    except RuntimeError:
        # A loss that branches on its values cannot be computed for all margins at once.
        return torch.stack([compute(point) for point in points])


def get_responses(objective: Objective, rho: Tensor) -> tuple[Tensor, Tensor]:
    """The log-probabilities (log-ratios, where there is a reference) of both responses at a margin.

    Args:
        objective: Whose path it is.
        rho: Shape (n,), nats.

    Returns:
        Those of the chosen and of the rejected response in nats, each of shape (n,).
    """
    if not objective.reference_free:
        return rho / 2, -rho / 2
    base = TOKEN_LOGP if objective.length_normalised else TOKENS * TOKEN_LOGP
    furthest = -base / 2
    # Not abs(), whose derivative at 0 is 0.
    size = torch.where(rho > 0, rho, -rho)
    higher = base - furthest * torch.expm1(-size / (2 * furthest))
    return torch.where(rho > 0, higher, higher + rho), torch.where(rho > 0, higher - rho, higher)


def get_unit(objective: Objective, setting: Setting) -> float:
    """Nats in one unit of z: 1/β_kl of a modulated loss, 1/β of another with a β, else 1."""
    name = objective.modulation[0] if objective.modulation else "beta"
    return 1 / setting[name] if name in setting else 1.0

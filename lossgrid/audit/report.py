"""What the audit says of one loss in one setting."""

from dataclasses import dataclass
from math import inf

from lossgrid.objectives.specification import Setting


@dataclass(frozen=True)
class StationaryPoint:
    """A margin where the slope changes its sign.

    Attributes:
        kind: ``minimum`` or ``maximum``.
        rho: Margin in nats; −inf for the bottom of a slope that leads to ever smaller margins.
        loss: The loss there (its limit at −inf).
    """

    kind: str
    rho: float
    loss: float


@dataclass(frozen=True)
class Jump:
    """A margin where the value of the loss is discontinuous.

    Attributes:
        rho: Margin in nats.
        height: How much the loss rises there, as the margin grows.
    """

    rho: float
    height: float


@dataclass(frozen=True)
class Landscape:
    """The loss as a function of the margin.

    Attributes:
        start: Sign of the slope at ρ=0: ``right`` (negative: training raises the margin), ``wrong`` or ``flat``.
        start_loss: The loss at ρ=0.
        start_slope: The slope at ρ=0, a nat.
        monotone: Whether the slope is positive nowhere.
        stationary: All extrema, from the left to the right.
        trap: The minimum that keeps training from the fall to its right: one with a maximum to its right, or one
            at a negative margin. Of several, the one that training meets from ρ=0.
        barrier: The maximum to be crossed on the way out of the trap; None where the loss never falls again.
        target: The minimum at which the loss aims by design: at ρ ≥ 0, with no fall to its right.
        jumps: Discontinuities of the value, which no gradient sees.
        plateau: The interval of margins where the gradient is exactly 0, None where there is none.
    """

    start: str
    start_loss: float
    start_slope: float
    monotone: bool
    stationary: tuple[StationaryPoint, ...]
    trap: StationaryPoint | None
    barrier: StationaryPoint | None
    target: StationaryPoint | None
    jumps: tuple[Jump, ...]
    plateau: tuple[float, float] | None

    @property
    def barrier_height(self) -> float | None:
        """Loss from the bottom of the trap to the top of the barrier."""
        return self.barrier.loss - self.trap.loss if self.trap and self.barrier else None


@dataclass(frozen=True)
class Tails:
    """The gradient of very wrong and of very right pairs.

    Attributes:
        left_slope: How the slope's size behaves for ρ→−∞: ``vanishing``, ``bounded``, ``polynomial`` or
            ``exponential``.
        right_slope: How it behaves for ρ→+∞: ``vanishing``, ``constant`` or ``growing``.
        bounded_below: Whether the loss has a lower bound.
    """

    left_slope: str
    right_slope: str
    bounded_below: bool


@dataclass(frozen=True)
class Limit:
    """Where a computation stops being finite.

    Attributes:
        evaluation: How the formula is computed; empty for a loss with one way only.
        precision: ``float16``, ``bfloat16``, ``float32`` or ``float64``.
        left: Largest negative margin whose loss or slope is infinite or not a number; 0 where that of ρ=0 is; None
            where there is none.
        right: Smallest such positive margin.
    """

    evaluation: str
    precision: str
    left: float | None
    right: float | None


@dataclass(frozen=True)
class Audit:
    """Everything that the audit finds of one loss in one setting.

    Attributes:
        objective: Name of the loss.
        setting: A value for each of its hyper-parameters.
        unit: Nats in one unit of z.
        landscape: Extrema, start, jumps.
        tails: Gradients far away.
        limits: Limits of every evaluation in every precision.
        couples_batch: Whether a pair's loss was seen to depend on the other pairs of its micro-batch.
        nan_at_micro_batch_1: Whether loss or slope of a micro-batch of one pair is not finite.
        ratio: r = β_mix/(τβ_kl) of a modulated loss.
        verdict: The findings in one sentence.
    """

    objective: str
    setting: Setting
    unit: float
    landscape: Landscape
    tails: Tails
    limits: tuple[Limit, ...]
    couples_batch: bool
    nan_at_micro_batch_1: bool
    ratio: float | None
    verdict: str = ""

    @property
    def start_slope_z(self) -> float:
        """The slope at ρ=0 by z instead of by ρ."""
        return self.landscape.start_slope * self.unit

    @property
    def equivalent_discopop(self) -> tuple[float, float] | None:
        """The β and the τ of the DiscoPOP that is the same function: β_kl and τβ_kl/β_mix."""
        if self.ratio is None:
            return None
        return 1 / self.unit, 1 / self.ratio if self.ratio else inf

    def get_limit(self, precision: str, evaluation: str | None = None) -> Limit:
        """The limits in one precision.

        Args:
            precision: ``float16``, ``bfloat16``, ``float32`` or ``float64``.
            evaluation: How the formula is computed; None for the setting's own.

        Raises:
            KeyError: There is no such precision or evaluation.
        """
        wanted = self.setting.get("evaluation", "") if evaluation is None else evaluation
        for limit in self.limits:
            if (limit.evaluation, limit.precision) == (wanted, precision):
                return limit
        known = ", ".join(f"{limit.evaluation or 'no choice'} in {limit.precision}" for limit in self.limits)
        raise KeyError(f"{self.objective}: no limit for {wanted!r} in {precision!r}; there are: {known}")

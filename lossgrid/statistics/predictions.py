"""What the audit says of a loss before training, beside what training made of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lossgrid.statistics.clustered import Estimate
from lossgrid.statistics.paired import get_interval, get_quantile
from lossgrid.statistics.quality import TRUE_REWARD, Quality

# Of the steps, at either end of a run.
WINDOW = 0.25
# Of a window: long ones forget more of the step before, and few of them know less of their spread.
BATCHES = 4
# Two of the batches' degrees of freedom are those of a straight line.
FREEDOM = BATCHES - 2
# In nats: below this the policy has not left its reference, and the sign of a margin says nothing.
NO_MARGIN = 1e-2


@dataclass(frozen=True)
class Window:
    """The mean margin of the steps of a quarter of a run.

    Attributes:
        mean: In nats.
        standard_error: Of so few batches that it is to be read with its interval alone.
        low: Lower end of the 95 % interval.
        high: Upper end.
        steps: Those whose margin is finite.
    """

    mean: float
    standard_error: float
    low: float
    high: float
    steps: int


def compare_predictions(
    audit: pd.DataFrame,
    cells: pd.DataFrame,
    logs: Mapping[str, Sequence[dict]],
    quality: Quality | None = TRUE_REWARD,
) -> pd.DataFrame:
    """Set each trained cell beside its loss's audit.

    Args:
        audit: Table written by `audit_objectives`.
        cells: Table written by `collect_results`; aliases are left out.
        logs: The records of each trained cell's training log, by the cell's path.
        quality: What a run is better or worse by than the SFT model; None where nothing of the kind is measured.

    Returns:
        A row a trained cell:

        - `predicted_start` (right, wrong, flat) and `early_margin`, the mean over the first quarter of the steps
          (`early_steps`) of the pairs' median margin in nats, with its standard error `early_margin_se` and the ends
          of its 95 % interval, `early_margin_low` and `early_margin_high` (see `estimate_window`); `start_holds` is
          whether its sign is the predicted one, empty where no margin has arisen or the interval holds 0.
        - `trap_rho` and `late_margin`, the same mean over the last quarter.
        - `reward_minus_sft` ± `reward_minus_sft_se` with `n` and `chats`, and `reward_against_sft`: above, below or
          within the 95 % interval. In a study without a reward, the same of its primary metric, with the columns that
          the table of cells has for it; nothing of the kind without one.
        - `left_limit`, the margin below which float32 is not finite in this evaluation, `rho_min`, the worst margin
          met, `nonfinite_steps`, and `overflow_holds`: non-finite exactly where the worst margin lies below it.
    """
    predictions = audit.assign(reference=audit["objective"] + "/" + audit["setting"]).set_index("reference")
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
    rows = []
    for cell in trained.itertuples():
        prediction = predictions.loc[cell.cell.rpartition("/")[0]]
        margins = np.array([record["rho_median"] for record in logs[cell.cell]], float)
        early, late = (estimate_window(margins, at_end) for at_end in (False, True))
        limit = prediction["left_limit_float32"]
        has_limit = pd.notna(limit)
        expected_nonfinite = bool(has_limit and cell.rho_min < limit)
        rows.append(
            {
                "cell": cell.cell,
                "title": cell.title,
                "label": cell.label,
                "seed": cell.seed,
                "predicted_start": prediction["start"],
                "early_margin": early.mean,
                "early_margin_se": early.standard_error,
                "early_margin_low": early.low,
                "early_margin_high": early.high,
                "early_steps": early.steps,
                "start_holds": check_start(prediction["start"], early),
                "trap_rho": prediction["trap_rho"],
                "late_margin": late.mean,
                "late_margin_se": late.standard_error,
                "late_margin_low": late.low,
                "late_margin_high": late.high,
                **(_compare_with_sft(cell._asdict(), quality) if quality else {}),
                "left_limit": limit,
                "rho_min": cell.rho_min,
                "nonfinite_steps": cell.nonfinite_steps,
                "overflow_holds": expected_nonfinite == (cell.nonfinite_steps > 0),
            }
        )
    return pd.DataFrame(rows)


def _compare_with_sft(cell: Mapping[str, Any], quality: Quality) -> dict[str, Any]:
    """The difference from the SFT model, what it rests on, and where it lies."""
    value, error = cell[quality.difference], cell[f"{quality.difference}_se"]
    n = quality.n if quality.is_reward else f"{quality.difference}_n"
    return {
        quality.difference: value,
        f"{quality.difference}_se": error,
        n: cell[n],
        quality.difference_count: cell[quality.difference_count],
        f"{quality.metric}_against_sft": describe_difference(value, error, cell[quality.difference_count]),
    }


def estimate_window(margins: np.ndarray, at_end: bool) -> Window:
    r"""The mean of a quarter of a run with an error that knows that steps are not independent.

    One step's margin resembles the last one's. The error is therefore that of the means :math:`m_b` of four batches
    of consecutive steps, about the straight line :math:`\hat m_b` through them, because a margin that grows is no
    noise.

    .. math:: SE^2 = \frac{1}{4\cdot2}\sum_{b=1}^4(m_b-\hat m_b)^2

    with two degrees of freedom, so that t is 4.30. It is right where a batch is longer than the margins' memory. Of
    margins about 0 with an autocorrelation of 0.9 (of 0.95) 8 % (12 %) of windows of 128 steps have a 95 % interval
    without 0, and 21 % (38 %) of those of 32 steps; with steps as independent it would be 66 to 79 %.

    Steps whose margin is not finite are left out; fewer than four steps have no standard error.

    Reference: Law and Carson 1979, doi:10.1287/opre.27.5.1011, for batch means.
    """
    size = max(1, math.ceil(WINDOW * len(margins)))
    window = margins[-size:] if at_end else margins[:size]
    window = window[np.isfinite(window)]
    error = math.nan
    if len(window) >= BATCHES:
        means = np.array([batch.mean() for batch in np.array_split(window, BATCHES)])
        places = np.arange(BATCHES)
        residuals = means - np.polynomial.Polynomial.fit(places, means, 1)(places)
        error = math.sqrt((residuals**2).sum() / (BATCHES * FREEDOM))
    mean = float(window.mean()) if len(window) else math.nan
    reach = float(get_quantile(FREEDOM + 1)) * error
    return Window(mean, error, mean - reach, mean + reach, len(window))


def check_start(predicted: str, early: Window) -> bool | None:
    """Whether the sign of the first margins is the predicted one; None where it cannot be told."""
    told = abs(early.mean) > NO_MARGIN and (early.low > 0 or early.high < 0)
    if predicted not in ("right", "wrong") or not told:
        return None
    return (early.mean > 0) == (predicted == "right")


def describe_difference(difference: float, error: float, clusters: int) -> str:
    """Where a difference lies by its 95 % interval, the one that claims are judged by."""
    low, high = get_interval(Estimate(difference, error, clusters, clusters))
    if math.isnan(low):
        return "not known"
    return "above" if low > 0 else "below" if high < 0 else "within"

"""What the audit says of a loss before training, beside what training made of it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

# Of the steps, at either end of a run.
WINDOW = 0.25
# Two-sided 95 % of a normal distribution.
Z = 1.96
# In nats: below this the policy has not left its reference, and the sign of a margin says nothing.
NO_MARGIN = 1e-2


def compare_predictions(
    audit: pd.DataFrame, cells: pd.DataFrame, logs: Mapping[str, Sequence[dict]]
) -> pd.DataFrame:
    """Set each trained cell beside its loss's audit.

    Args:
        audit: Table written by `audit_objectives`.
        cells: Table written by `collect_results`; aliases are left out.
        logs: The records of each trained cell's training log, by the cell's path.

    Returns:
        A row a trained cell:

        - `predicted_start` (right, wrong, flat) and `early_margin` ± `early_margin_se`, the mean over the first
          quarter of the steps (`early_steps`) of the pairs' median margin in nats; `start_holds` is whether its
          sign is the predicted one, empty where no margin has arisen or the sign is within two standard errors.
        - `trap_rho` and `late_margin` ± `late_margin_se`, the same mean over the last quarter.
        - `reward_minus_sft` ± `reward_minus_sft_se` with `n` and `chats`, and `reward_against_sft`: above, below or
          within the 95 % interval.
        - `left_limit`, the margin below which float32 is not finite in this evaluation, `rho_min`, the worst margin
          met, `nonfinite_steps`, and `overflow_holds`: non-finite exactly where the worst margin lies below it.
    """
    predictions = audit.assign(reference=audit["objective"] + "/" + audit["setting"]).set_index("reference")
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
    rows = []
    for cell in trained.itertuples():
        prediction = predictions.loc[cell.cell.rpartition("/")[0]]
        margins = np.array([record["rho_median"] for record in logs[cell.cell]], float)
        early, early_se, steps = estimate_window(margins, at_end=False)
        late, late_se, _ = estimate_window(margins, at_end=True)
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
                "early_margin": early,
                "early_margin_se": early_se,
                "early_steps": steps,
                "start_holds": check_start(prediction["start"], early, early_se),
                "trap_rho": prediction["trap_rho"],
                "late_margin": late,
                "late_margin_se": late_se,
                "reward_minus_sft": cell.reward_minus_sft,
                "reward_minus_sft_se": cell.reward_minus_sft_se,
                "n": cell.n,
                "chats": cell.chats,
                "reward_against_sft": describe_difference(cell.reward_minus_sft, cell.reward_minus_sft_se),
                "left_limit": limit,
                "rho_min": cell.rho_min,
                "nonfinite_steps": cell.nonfinite_steps,
                "overflow_holds": expected_nonfinite == (cell.nonfinite_steps > 0),
            }
        )
    return pd.DataFrame(rows)


def estimate_window(margins: np.ndarray, at_end: bool) -> tuple[float, float, int]:
    """Mean, its standard error over steps, and the number of steps, of a quarter of a run.

    Steps whose margin is not finite are left out; one step has no standard error.
    """
    size = max(1, math.ceil(WINDOW * len(margins)))
    window = margins[-size:] if at_end else margins[:size]
    window = window[np.isfinite(window)]
    error = window.std(ddof=1) / math.sqrt(len(window)) if len(window) > 1 else math.nan
    return (window.mean() if len(window) else math.nan), error, len(window)


def check_start(predicted: str, margin: float, error: float) -> bool | None:
    """Whether the sign of the first margins is the predicted one; None where it cannot be told."""
    if predicted not in ("right", "wrong") or not abs(margin) > max(NO_MARGIN, 2 * error):
        return None
    return (margin > 0) == (predicted == "right")


def describe_difference(difference: float, error: float) -> str:
    """Where a difference lies by its 95 % interval."""
    if not math.isfinite(difference):
        return "not known"
    if abs(difference) <= Z * error:
        return "within"
    return "above" if difference > 0 else "below"

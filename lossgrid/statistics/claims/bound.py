"""Claims that no run exceeds a value."""

import numpy as np
import pandas as pd

from lossgrid.statistics.claims.finding import Finding, count, lean, say
from lossgrid.statistics.claims.proportion import select_runs
from lossgrid.statistics.judged_metrics import Metric
from lossgrid.statistics.paired import get_quantile
from lossgrid.studies.claims import Bound


def judge_bound(claim: Bound, metric: Metric, trained: pd.DataFrame) -> Finding:
    """The largest mean of the runs, against the bound.

    A mean is bounded where the 95 % interval of every run is. There is no p-value: the largest of several means is
    chosen by its value, so that a test of it alone would find too much.
    """
    runs = select_runs(trained, claim.cells)
    scored = runs[np.isfinite(runs[claim.metric].astype(float))]
    missing = len(runs) - len(scored)
    numbers = {"runs": len(runs), "threshold": claim.at_most}
    if scored.empty:
        return Finding("inconclusive", f"None of {count(len(runs))} has finite scores", numbers)
    means = scored[claim.metric].astype(float)
    reaches = get_quantile(scored["chats"].to_numpy(float)) * scored[f"{claim.metric}_se"].astype(float)
    largest, widest = means.idxmax(), (means + reaches).idxmax()
    value, low, high = (means[largest] + side * reaches[largest] for side in (0, -1, 1))
    # A run without scores, or without an interval, may hold anything.
    within = not missing and bool(((means + reaches) <= claim.at_most).all())
    detail = (
        f"The largest mean {claim.metric} of {count(len(runs))} is {say(value)} {metric.unit} (95 % "
        f"interval {say(low)} to {say(high)}, {scored.loc[largest, 'n']:.0f} responses), of "
        f"{scored.loc[largest, 'run']}"
    )
    if means[widest] + reaches[widest] > max(high, claim.at_most) and widest != largest:
        detail += (
            f"; the interval of {scored.loc[widest, 'run']} reaches to {say(means[widest] + reaches[widest])}"
        )
    detail += f"; {missing} without finite scores" if missing else ""
    detail += f"; the claim is at most {say(claim.at_most)}"
    beyond = bool(((means - reaches) > claim.at_most).any())
    numbers |= {"effect": value, "low": low, "high": high, "n": int(scored.loc[largest, "n"])}
    return Finding(lean(within, beyond), detail, numbers)


def judge_gradients(claim: Bound, trained: pd.DataFrame) -> Finding:
    """The largest gradient norm of the runs, against the bound; one that is not finite lies within no bound."""
    runs = select_runs(trained, claim.cells)
    norms = runs["max_grad_norm"].astype(float)
    broken = int((runs["nonfinite_steps"].astype(float) > 0).sum())
    steps = int(runs["steps"].astype(float).sum())
    beyond = bool(broken or norms.max() > claim.at_most)
    where = f", of {runs.loc[norms.idxmax(), 'run']}" if norms.notna().any() else ""
    detail = (
        f"The largest finite gradient norm in {steps} steps of {count(len(runs))} is {say(norms.max())}{where}; "
        + (f"{count(broken)} met a loss or gradient that is not finite; " if broken else "")
        + f"the claim is at most {say(claim.at_most)}"
    )
    numbers = {"effect": norms.max(), "n": steps, "runs": len(runs), "threshold": claim.at_most}
    return Finding(lean(not beyond, beyond), detail, numbers)

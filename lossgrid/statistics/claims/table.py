"""The table of claims: each with its verdict, for which the claims of a study are weighed together."""

from pathlib import Path

import numpy as np
import pandas as pd

from lossgrid.statistics.claims.bound import judge_bound, judge_gradients
from lossgrid.statistics.claims.difference import judge_difference, say_smallest
from lossgrid.statistics.claims.finding import LEVEL, Finding, say_p
from lossgrid.statistics.claims.proportion import judge_proportion
from lossgrid.statistics.judged_metrics import get_metric
from lossgrid.statistics.multiplicity import adjust_holm
from lossgrid.statistics.quality import get_quality
from lossgrid.statistics.runs import find_runs
from lossgrid.studies import Study
from lossgrid.studies.claims import Claim

COLUMNS = [
    "claim", "statement", "kind", "verdict", "effect", "low", "high", "n", "runs", "detail", "threshold",
    "predicted_low", "predicted_high", "p", "p_holm", "mde", "left_out", "seed_low", "seed_high", "seed_sd",
]  # fmt: skip


def evaluate_claims(study: Study, results: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """Judge every claim of a study.

    Supported means that the whole 95 % interval lies where the claim says and that its p-value, adjusted by Holm
    for all tested claims of the study, is at most 0.05; refuted the same on the other side; inconclusive everything
    else. Paired differences and shares with a threshold are tested; bounds and claims that no run shows an event
    are judged by their rules alone.

    Args:
        study: The study.
        results: Its results folder, with the `scores` of the SFT model and of every trained cell, and for win
            rates `tables/alpaca_eval_questions.csv`.
        cells: Table written by `collect_cells`.

    Returns:
        A row a claim, in the order of the file: `claim` (its id), `statement`, `kind`, `verdict` (supported,
        refuted or inconclusive), `effect` with the ends `low` and `high` of its 95 % interval (a share of runs,
        a difference, the largest value; no interval for a gradient norm), `n` observations (runs, pairs, steps or
        responses) of so many `runs`, `detail` (the numbers in a sentence), `threshold` (share or bound) and the
        ends of the `predicted` interval; `p` and `p_holm`, empty without a test; and of a difference `mde`, the
        smallest that would be found with a probability of at least 80 % whatever the other claims show, `left_out`
        pairs without both scores (as in `compare_cells`), and `seed_low`, `seed_high` and `seed_sd` of the cell's
        seeds. An alias counts as the run that was trained for it, once.

    Raises:
        ValueError: Two runs that a claim compares did not answer the same questions.
    """
    trained = find_runs(cells)
    tested = [is_tested(claim) for claim in study.claims]
    findings = [_judge(study, claim, trained, Path(results), sum(tested)) for claim in study.claims]
    # A declared test that could not be made stays in the family: the data do not decide how many tests there are.
    family = [
        1.0 if np.isnan(each.p) and test else each.p for each, test in zip(findings, tested, strict=True)
    ]
    rows = [
        {
            "claim": claim.id,
            "statement": claim.statement,
            "kind": claim.kind,
            **_settle(finding, adjusted, sum(tested)),
        }
        for claim, finding, adjusted in zip(study.claims, findings, adjust_holm(family), strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def is_tested(claim: Claim) -> bool:
    """Whether a claim has a p-value and belongs to the family that Holm's procedure adjusts."""
    return claim.kind == "paired_difference" or (
        claim.kind == "proportion_of_runs" and claim.relation != "none"
    )


def _judge(study: Study, claim: Claim, trained: pd.DataFrame, results: Path, tests: int) -> Finding:
    if claim.kind == "proportion_of_runs":
        return judge_proportion(claim, trained, get_quality(study))
    if claim.metric == "grad_norm":
        return judge_gradients(claim, trained)
    metric = get_metric(study, claim.metric)
    if claim.kind == "paired_difference":
        return judge_difference(claim, metric, trained, results, tests)
    return judge_bound(claim, metric, trained)


def _settle(finding: Finding, adjusted: float, tests: int) -> dict:
    """The verdict in the light of the other claims, and the columns that say so."""
    verdict, detail = finding.leaning, finding.detail
    made = not np.isnan(finding.p)
    if made:
        detail += f"; {say_p(finding.p)}" + (
            f", by Holm over {tests} tests {say_p(adjusted)}" if tests > 1 else ""
        )
    if made and verdict != "inconclusive" and adjusted > LEVEL:
        detail += f"; alone it would be {verdict}, beside the study's other tests it is not"
        verdict = "inconclusive"
    smallest = finding.numbers.get("mde", np.nan)
    if made and verdict == "inconclusive" and np.isfinite(smallest):
        detail += say_smallest(smallest, tests)
    columns = {
        "verdict": verdict,
        "detail": f"{detail}.",
        "p": finding.p,
        "p_holm": adjusted if made else np.nan,
    }
    return {**finding.numbers, **columns}

"""Verdicts, against intervals in closed form and tables made up to sit on either side of every rule."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, nct, t

from lossgrid.statistics.claims import COLUMNS, evaluate_claims
from lossgrid.studies import load_study

STUDY = """\
title: A small study
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 1, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 1, batch_size: 32, max_length: 64}
objectives:
  dpo: {beta: 0.05, seeds: [1, 2]}
  hinge: {beta: 0.05, seeds: [1, 2, 3, 4, 5]}
  discopop: {beta: 0.05, seeds: [1]}
  dlrml: {beta_kl: 0.05, beta_mix: [0.05, 0.2], seeds: [1]}
claims:
"""
DPO, HINGE = "dpo/beta~0.05", "hinge/beta~0.05"
DISCOPOP, ALIAS = "discopop/beta~0.05__tau~0.05", "dlrml/beta_kl~0.05__beta_mix~0.05__tau~0.05"
DLRML = "dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05"
HEALTHY = {
    "alias_of": "", "status": "finished", "steps": 100, "nonfinite_steps": 0, "max_grad_norm": 2.0, "chats": 4,
    "n": 8, "reward": 1.0, "reward_se": 0.1, "kl": 2.0, "kl_se": 0.5, "reward_minus_sft": 0.5,
    "reward_minus_sft_se": 0.1,
}  # fmt: skip


def make_cells(**changes) -> pd.DataFrame:
    """Every cell of the study; changes by objective are one dict a cell, in the study's order."""
    references = {"dpo": [DPO] * 2, "hinge": [HINGE] * 5, "discopop": [DISCOPOP], "dlrml": [ALIAS, DLRML]}
    rows = [{**HEALTHY, "cell": "sft", "objective": "sft", "status": None}]
    for objective, names in references.items():
        seeds = range(1, len(names) + 1) if len(set(names)) == 1 else [1] * len(names)
        for seed, name, change in zip(seeds, names, changes.get(objective, [{}] * len(names)), strict=True):
            rows.append({**HEALTHY, "cell": f"{name}/seed~{seed}", "objective": objective, **change})
    table = pd.DataFrame(rows)
    twin = table["cell"] == f"{DISCOPOP}/seed~1"
    alias = table["cell"] == f"{ALIAS}/seed~1"
    for column in table.columns.difference(["cell", "objective", "alias_of"]):
        table.loc[alias, column] = table.loc[twin, column].iloc[0]
    table.loc[alias, "alias_of"] = f"{DISCOPOP}/seed~1"
    return table


@pytest.fixture
def judge(tmp_path):
    """A function that judges claims and gives their rows by id; scores are (chat, turn, reward, kl) by run."""

    def judge(cells, *claims, scores=None):
        path = tmp_path / "small.yaml"
        lines = [
            json.dumps({"id": f"c{number}", "statement": "So it is.", **claim})
            for number, claim in enumerate(claims)
        ]
        path.write_text(STUDY + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
        for run, values in (scores or {}).items():
            folder = tmp_path / "results" / run / "scores"
            folder.mkdir(parents=True, exist_ok=True)
            names = ("id", "turn", "reward", "kl")
            rows = [json.dumps(dict(zip(names, value, strict=True))) + "\n" for value in values]
            (folder / "frontier.jsonl").write_text("".join(rows))
        return evaluate_claims(load_study(path), tmp_path / "results", cells)

    return judge


def share(cells: str, event: str, relation: str, threshold: float | None = None) -> dict:
    claim = {"kind": "proportion_of_runs", "cells": cells, "event": event, "relation": relation}
    return claim if threshold is None else {**claim, "threshold": threshold}


def bound(cells: str, metric: str, at_most: float) -> dict:
    return {"kind": "bound", "cells": cells, "metric": metric, "at_most": at_most}


def difference(cell: str, baseline: str, **changes) -> dict:
    return {"kind": "paired_difference", "cell": cell, "baseline": baseline, "metric": "reward", **changes}


DIVERGED = {"status": "diverged", "nonfinite_steps": 1, "steps": 7}
SKIPPED = {"nonfinite_steps": 3}
# t of 3 degrees of freedom is 3.182: −0.4 ± 0.32 lies below 0, −0.2 ± 0.32 does not.
BELOW, LOW = {"reward_minus_sft": -0.4}, {"reward_minus_sft": -0.2}


@pytest.mark.parametrize("count", range(6))
def test_the_interval_of_a_share_is_clopper_and_pearson_s(count, judge):
    """With five runs a normal approximation would claim certainty. The closed form is a quantile of beta."""
    cells = make_cells(hinge=[DIVERGED] * count + [{}] * (5 - count))
    row = judge(cells, share("hinge/*", "diverged", "above", 0.4)).iloc[0]
    low = beta.ppf(0.025, count, 6 - count) if count else 0
    high = beta.ppf(0.975, count + 1, 5 - count) if count < 5 else 1
    assert (row["low"], row["high"]) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    assert (row["effect"], row["n"], row["runs"], row["threshold"]) == (count / 5, 5, 5, 0.4)
    if count == 5:
        # All of n: the lower end is the n-th root of 2.5 %.
        assert row["low"] == pytest.approx(0.025**0.2, abs=1e-9)


@pytest.mark.parametrize(
    ("relation", "threshold", "count", "verdict"),
    [
        # 5 of 5: 47.8 % to 100 %. 4 of 5: 28.4 % to 99.5 %. 0 of 5: 0 to 52.2 %.
        ("above", 0.4, 5, "supported"), ("above", 0.48, 5, "inconclusive"), ("above", 0.4, 4, "inconclusive"),
        ("above", 0.53, 0, "refuted"), ("above", 0.52, 0, "inconclusive"), ("below", 0.53, 0, "supported"),
        ("below", 0.4, 5, "refuted"), ("below", 0.48, 5, "inconclusive"), ("none", None, 0, "supported"),
        ("none", None, 1, "refuted"),
    ],
)  # fmt: skip
def test_the_verdict_on_a_share_follows_its_interval(relation, threshold, count, verdict, judge):
    """A verdict read off the share alone would be right for four runs of five, and unfounded."""
    cells = make_cells(hinge=[DIVERGED] * count + [{}] * (5 - count))
    assert judge(cells, share("hinge/*", "diverged", relation, threshold))["verdict"].iloc[0] == verdict


def test_that_no_run_shows_an_event_says_how_far_the_runs_reach(judge):
    """None of five is no proof: a share of 1 − 0.025^(1/5) = 52.2 % gives none of five in 1 of 40 studies."""
    table = judge(make_cells(), share("hinge/*", "nonfinite", "none"))
    assert table["high"].iloc[0] == pytest.approx(1 - 0.025**0.2, abs=1e-9)
    assert table["detail"].iloc[0] == (
        "0 of 5 runs met a loss, gradient or weight that is not finite; the claim is that none does, and 5 runs "
        "cannot exclude a share of up to 52.2 %."
    )


@pytest.mark.parametrize(
    ("event", "count"), [("diverged", 1), ("nonfinite", 2), ("below_sft", 2), ("failed", 3)]
)
def test_what_counts_as_an_event(event, count, judge):
    """A run that skips bad steps did not diverge; one that learns the opposite failed without any of it."""
    cells = make_cells(hinge=[DIVERGED, SKIPPED, BELOW, {**BELOW, "reward_minus_sft_se": 0.01}, LOW])
    row = judge(cells, share("hinge/*", event, "below", 0.5)).iloc[0]
    assert row["effect"] == count / 5


def test_weights_that_are_not_finite_are_an_event_without_a_bad_step(judge):
    """The last update itself can overflow; no loss was computed after it."""
    cells = make_cells(dpo=[{"status": "diverged", "nonfinite_steps": 0}, {}])
    assert judge(cells, share("dpo/*", "nonfinite", "none"))["verdict"].iloc[0] == "refuted"


def test_an_alias_counts_once_and_stands_for_its_run(judge):
    """DiscoPOP and dLRML at one β are one training run; counted twice, it would narrow the interval."""
    cells = make_cells(discopop=[DIVERGED])
    patterns = ("d[il]*", "dlrml/*", f"{ALIAS}*")
    table = judge(cells, *(share(pattern, "diverged", "above", 0.1) for pattern in patterns))
    assert list(table["runs"]) == [2, 2, 1]
    assert list(table["effect"]) == [0.5, 0.5, 1]


def test_gradients_are_bounded_by_the_largest_of_all_runs(judge):
    """A mean over runs would hide the one that exploded."""
    cells = make_cells(dlrml=[{}, {"max_grad_norm": 31.0}])
    table = judge(cells, bound("dlrml/*", "grad_norm", 31.0), bound("dlrml/*", "grad_norm", 30.9))
    assert list(table["verdict"]) == ["supported", "refuted"]
    assert list(table["effect"]) == [31.0, 31.0]
    assert list(table["n"]) == [200, 200]
    assert f"of {DLRML}/seed~1" in table["detail"].iloc[0]
    assert table["low"].isna().all()


def test_a_gradient_that_is_not_finite_lies_within_no_bound(judge):
    """The largest finite norm of a run that overflowed can be small."""
    row = judge(make_cells(dpo=[{}, DIVERGED]), bound("dpo/*", "grad_norm", 100)).iloc[0]
    assert row["verdict"] == "refuted"
    assert "1 run met a loss or gradient that is not finite" in row["detail"]


def test_a_mean_is_bounded_by_the_interval_of_the_largest(judge):
    """Largest KL 5 ± 3.182·0.5 over 4 chats: from 3.41 to 6.59."""
    cells = make_cells(hinge=[{"kl": value} for value in (1, 2, 5, 3, 4)])
    table = judge(cells, *(bound("hinge/*", "kl", at_most) for at_most in (6.6, 6.5, 3.5, 3.4)))
    assert list(table["verdict"]) == ["supported", "inconclusive", "inconclusive", "refuted"]
    reach = t.ppf(0.975, 3) * 0.5
    assert table[["effect", "low", "high"]].iloc[0].tolist() == pytest.approx([5, 5 - reach, 5 + reach])
    assert table[["n", "runs"]].iloc[0].tolist() == [8, 5]


def test_a_run_without_scores_supports_no_bound(judge):
    """Its KL may be anything."""
    cells = make_cells(dpo=[{}, {**DIVERGED, "kl": np.nan}])
    row = judge(cells, bound("dpo/*", "kl", 100)).iloc[0]
    assert (row["verdict"], row["effect"]) == ("inconclusive", 2.0)
    assert "1 without finite scores" in row["detail"]


def make_scores(rewards, kl=0.0) -> list[tuple]:
    """Rewards in chats of two turns each."""
    return [
        (f"chat{number // 2}", 1 + number % 2, float(reward), kl) for number, reward in enumerate(rewards)
    ]


SCORES = {
    "sft": make_scores([0, 1, 0, 1, 0, 1, 0, 1]),
    f"cells/{DPO}/seed~1": make_scores([1, 2, 1, 2, 2, 3, 2, 3]),
    f"cells/{DPO}/seed~2": make_scores([3, 4, 3, 4, 4, 5, 4, 5]),
    f"cells/{DISCOPOP}/seed~1": make_scores([1, 2, 1, 2, 2, 3, 2, 3]),
    f"cells/{DLRML}/seed~1": make_scores([0, 1, 0, 1, 1, 0, 0, 1]),
}


def test_a_difference_is_paired_averaged_over_seeds_and_clustered_by_chat(judge):
    """DPO's seeds are 1, 1 | 1, 1 | 2, 2 | 2, 2 and 3, 3 | 3, 3 | 4, 4 | 4, 4 above SFT: on average 2, 2, 3, 3.

    The mean is 2.5, the sums of deviations of the chats are −1, −1, 1, 1, and SE = √(4/3 · 4/64) = 0.2887, with
    t of 3 degrees of freedom. Sixteen responses as independent ones would give 0.13 and a quantile of 2.13.
    """
    row = judge(make_cells(), difference(DPO, "sft"), scores=SCORES).iloc[0]
    reach = t.ppf(0.975, 3) * np.sqrt(1 / 12)
    assert row[["effect", "low", "high"]].tolist() == pytest.approx([2.5, 2.5 - reach, 2.5 + reach])
    assert (row["n"], row["runs"], row["verdict"]) == (8, 3, "supported")
    assert "8 pairs of responses in 4 chats" in row["detail"]
    assert "by its seeds +1.5, +3.5" in row["detail"]


@pytest.mark.parametrize(
    ("cell", "baseline", "direction", "verdict"),
    [
        (DPO, "sft", "greater", "supported"), (DPO, "sft", "less", "refuted"), ("sft", DPO, "less", "supported"),
        ("sft", DPO, "greater", "refuted"), (DLRML, "sft", "greater", "inconclusive"),
        (DLRML, "sft", "less", "inconclusive"), (DPO, ALIAS, "greater", "supported"),
    ],
)  # fmt: skip
def test_the_verdict_on_a_difference_follows_its_sign(cell, baseline, direction, verdict, judge):
    """A claim turned round must get the opposite verdict; an alias is looked up where it was trained."""
    table = judge(make_cells(), difference(cell, baseline, direction=direction), scores=SCORES)
    assert table["verdict"].iloc[0] == verdict


def test_what_is_inconclusive_says_what_would_have_been_found(judge):
    """That eight answers show no difference says little. The chats' mean differences are 1, 0, 0 and −1."""
    scores = {**SCORES, f"cells/{DLRML}/seed~1": make_scores([1, 2, 0, 1, 0, 1, -1, 0])}
    row = judge(make_cells(), difference(DLRML, "sft"), scores=scores).iloc[0]
    # Deviations 2, 0, 0, −2: SE = √(4/3 · 8/64) = 0.4082. By the non-central t of 3 degrees of freedom 4.256 of it
    # are found: P(T > 3.1824) = 0.8.
    assert row["effect"] == pytest.approx(0)
    assert nct.sf(t.ppf(0.975, 3), 3, row["mde"] / np.sqrt(1 / 6)) == pytest.approx(0.8, abs=1e-6)
    assert "a difference of 1.74 would be found with a probability of 80 %" in row["detail"]


def test_the_same_answers_twice_show_no_power(judge):
    """Two settings of which neither left the SFT model spread by nothing, and that a difference of 0 would be found
    is no comfort.
    """
    scores = {**SCORES, f"cells/{DLRML}/seed~1": SCORES["sft"]}
    row = judge(make_cells(), difference(DLRML, "sft"), scores=scores).iloc[0]
    assert (row["verdict"], row["effect"], row["p"]) == ("inconclusive", 0, 1)
    assert np.isnan(row["mde"])
    assert "; every pair has the same score on both sides" in row["detail"]
    assert "would be found" not in row["detail"]


@pytest.mark.parametrize(
    ("predicted", "words"),
    [
        ([0.5, 1.0], "which the interval lies above"), ([4.0, 5.0], "which the interval lies below"),
        ([1.0, 4.0], "which holds the whole interval"), ([2.0, 4.0], "which the interval overlaps"),
    ],
)  # fmt: skip
def test_a_prediction_is_shown_beside_the_interval(predicted, words, judge):
    """Superiority is what is tested; whether the effect is as large as predicted is another question."""
    row = judge(make_cells(), difference(DPO, "sft", predicted=predicted), scores=SCORES).iloc[0]
    assert (row["verdict"], [row["predicted_low"], row["predicted_high"]]) == ("supported", predicted)
    assert words in row["detail"]


def test_a_diverged_run_wins_and_loses_no_comparison(judge):
    """Its scores are those of the weights before it broke."""
    row = judge(make_cells(dpo=[{}, DIVERGED]), difference(DPO, "sft"), scores=SCORES).iloc[0]
    assert row["verdict"] == "inconclusive"
    assert f"no comparison, because {DPO}/seed~2 diverged" in row["detail"]


def test_other_chats_are_refused(judge):
    """Differences between answers to different questions would be taken for effects of the loss."""
    other = [("another", 1, 1.0, 0.0), *SCORES["sft"][1:]]
    with pytest.raises(ValueError, match=f"sft and cells/{DPO}/seed~1 answered different chats"):
        judge(make_cells(), difference(DPO, "sft"), scores={**SCORES, "sft": other})


def test_a_table_for_every_study(judge, tmp_path):
    """A study without claims has an empty table; a table read from a file gives the same verdicts."""
    cells = make_cells(hinge=[DIVERGED, SKIPPED, BELOW, LOW, {}])
    claims = [share("hinge/*", "failed", "above", 0.4), bound("*", "kl", 3), difference(DPO, ALIAS)]
    table = judge(cells, *claims, scores=SCORES)
    assert list(table.columns) == COLUMNS
    assert list(table["claim"]) == ["c0", "c1", "c2"]
    cells.to_csv(tmp_path / "cells.csv", index=False)
    again = judge(pd.read_csv(tmp_path / "cells.csv"), *claims, scores=SCORES)
    pd.testing.assert_frame_equal(table, again)
    study = tmp_path / "none.yaml"
    study.write_text(STUDY.replace("claims:\n", ""), encoding="utf-8")
    empty = evaluate_claims(load_study(study), tmp_path, cells)
    assert (list(empty.columns), len(empty)) == (COLUMNS, 0)

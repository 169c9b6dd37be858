"""Claims of one study weighed together, and claims about what a judge was asked."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from judgment_files import write_alpaca_eval, write_frontier, write_mt_bench, write_summaries
from scipy.stats import binomtest, t

from lossgrid.statistics.claims import evaluate_claims
from lossgrid.statistics.claims.proportion import get_p_of_share
from lossgrid.statistics.paired import find_smallest_difference
from lossgrid.studies import load_study

STUDY = """\
title: A small study
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 1, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 1, batch_size: 32, max_length: 64}
judge: {model: judge, base_url: "http://127.0.0.1:1/v1"}
mt_bench: {}
alpaca_eval: {}
summaries: {rows: 10}
objectives:
  dpo: {beta: 0.05}
  hinge: {beta: 0.05, seeds: [1, 2, 3, 4, 5]}
claims:
"""
DPO, HINGE = "dpo/beta~0.05", "hinge/beta~0.05"
RUN = f"cells/{DPO}/seed~1"
CHATS = 8


@pytest.fixture
def judge(tmp_path):
    """A function that judges claims and gives the table; changes are columns of the runs of an objective."""

    def judge(*claims, **changes):
        path = tmp_path / "small.yaml"
        named = [{"id": f"c{number}", "statement": "So.", **claim} for number, claim in enumerate(claims)]
        path.write_text(STUDY + "".join(f"  - {json.dumps(claim)}\n" for claim in named), encoding="utf-8")
        healthy = {"alias_of": "", "status": "finished", "nonfinite_steps": 0, "steps": 9, "chats": 4, "n": 8}
        healthy |= {"reward": 1.0, "reward_se": 0.1, "kl": 2.0, "kl_se": 0.5, "max_grad_norm": 1.0}
        healthy |= {"reward_minus_sft": 1.0, "reward_minus_sft_se": 0.1}
        rows = [{"cell": "sft", "objective": "sft"}]
        for name, seeds in ((DPO, 1), (HINGE, 5)):
            objective = name.partition("/")[0]
            rows += [
                {
                    **healthy,
                    "cell": f"{name}/seed~{seed}",
                    "objective": objective,
                    **changes.get(objective, {}),
                }
                for seed in range(1, seeds + 1)
            ]
        return evaluate_claims(load_study(path), tmp_path / "results", pd.DataFrame(rows))

    return judge


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def differ(cell: str, baseline: str, metric: str = "reward", direction: str = "greater") -> dict:
    sides = {"cell": cell, "baseline": baseline, "metric": metric, "direction": direction}
    return {"kind": "paired_difference", **sides}


def share(relation: str, threshold: float | None = None, event: str = "diverged") -> dict:
    claim = {"kind": "proportion_of_runs", "cells": "hinge/*", "event": event, "relation": relation}
    return claim if threshold is None else {**claim, "threshold": threshold}


BOUND = {"kind": "bound", "cells": "hinge/*", "metric": "grad_norm", "at_most": 5}


def make_p(p: float) -> list[float]:
    """Rewards of eight chats, equal in both turns, whose t test against 0 has this p.

    Deviations ±1 have the standard error √(8/7)/√8 = 1/√7, so that the mean is the quantile over √7.
    """
    mean = t.isf(p / 2, CHATS - 1) / np.sqrt(CHATS - 1)
    return np.repeat(mean + np.tile([1.0, -1.0], CHATS // 2), 2).tolist()


@pytest.fixture
def borderline(results):
    """DPO above SFT with p = 0.04."""
    write_frontier(results, "sft", [0.0] * 2 * CHATS)
    write_frontier(results, RUN, make_p(0.04))


def test_what_is_found_alone_is_not_found_beside_another(judge, borderline):
    """Twenty claims on noise would have one supported. 0.04 twice is 0.08 by Holm."""
    alone = judge(differ(DPO, "sft")).iloc[0]
    assert (alone["verdict"], alone["p"], alone["p_holm"]) == (
        "supported",
        *[pytest.approx(0.04, abs=1e-9)] * 2,
    )
    assert alone["detail"].endswith("; p = 0.04.")
    both = judge(differ(DPO, "sft"), differ(DPO, "sft", direction="less"))
    assert list(both["verdict"]) == ["inconclusive", "inconclusive"]
    assert both["p"].tolist() == pytest.approx([0.04, 0.04], abs=1e-9)
    assert both["p_holm"].tolist() == pytest.approx([0.08, 0.08], abs=1e-9)
    assert "p = 0.04, by Holm over 2 tests p = 0.08; alone it would be supported" in both["detail"].iloc[0]
    assert "alone it would be refuted" in both["detail"].iloc[1]
    # The interval is that of the difference, and no wider for the company.
    assert both.loc[0, ["effect", "low", "high"]].tolist() == alone[["effect", "low", "high"]].tolist()


def test_a_strong_finding_stands_beside_weak_ones(judge, results):
    """Holm takes from the weak: 0.001 and 0.04 are 0.002 and 0.04, and both are found."""
    write_frontier(results, "sft", [0.0] * 2 * CHATS)
    write_frontier(results, RUN, make_p(0.04))
    for seed in range(1, 6):
        write_frontier(results, f"cells/{HINGE}/seed~{seed}", make_p(0.001))
    table = judge(differ(DPO, "sft"), differ(HINGE, "sft"))
    assert table["p_holm"].tolist() == pytest.approx([0.04, 0.002], abs=1e-9)
    assert list(table["verdict"]) == ["supported", "supported"]


def test_what_has_no_p_value_is_outside_the_family(judge, borderline):
    """A bound is a fact about the runs: declaring ten of them must not cost a difference its verdict."""
    table = judge(differ(DPO, "sft"), BOUND, share("none"), {**BOUND, "metric": "kl", "at_most": 50})
    assert table["verdict"].tolist() == ["supported"] * 4
    assert table["p_holm"].iloc[0] == pytest.approx(0.04, abs=1e-9)
    assert table.loc[1:, ["p", "p_holm", "mde"]].isna().all(axis=None)


def test_a_share_is_tested_by_the_exact_binomial_test(judge, borderline):
    """Five of five against 0.4 have the probability 0.4⁵ = 0.01024, and twice that for both sides."""
    table = judge(share("above", 0.4), differ(DPO, "sft"), hinge={"status": "diverged"})
    assert table["p"].tolist() == pytest.approx([0.02048, 0.04], abs=1e-9)
    assert table["p_holm"].tolist() == pytest.approx([0.04096, 0.04096], abs=1e-9)
    assert table["verdict"].tolist() == ["supported", "supported"]
    beside = judge(*[share("above", 0.4)] * 5, hinge={"status": "diverged"})
    assert set(beside["verdict"]) == {"inconclusive"}
    assert beside["p_holm"].tolist() == pytest.approx([5 * 0.02048] * 5, abs=1e-9)


@given(st.integers(1, 40), st.integers(0, 40), st.floats(0.01, 0.99))
def test_a_share_s_interval_leaves_out_what_its_test_rejects(n, events, threshold):
    """A single claim whose interval and p disagree would be "supported alone" and not beside itself."""
    events = min(n, events)
    p = get_p_of_share(events, n, threshold)
    interval = binomtest(events, n).proportion_ci(0.95, method="exact")
    assume(abs(p - 0.05) > 1e-6)
    assert (p < 0.05) == (threshold < interval.low or threshold > interval.high)


def test_a_test_that_could_not_be_made_still_counts(judge, borderline, results):
    """The claim was declared. If divergence shrank the family, it would help the claims that are left."""
    for seed in range(1, 6):
        write_frontier(results, f"cells/{HINGE}/seed~{seed}", make_p(0.001))
    table = judge(differ(HINGE, "sft"), differ(DPO, "sft"), hinge={"status": "diverged"})
    assert table["verdict"].tolist() == ["inconclusive", "inconclusive"]
    assert table.loc[0, ["p", "p_holm"]].isna().all()
    assert table["p_holm"].iloc[1] == pytest.approx(0.08, abs=1e-9)
    assert "by Holm" not in table["detail"].iloc[0]


def test_what_would_have_been_found_allows_for_the_other_claims(judge, borderline):
    """A difference found alone is not found in company: it is what suffices at Holm's most severe level."""
    table = judge(differ(DPO, "sft"), *[share("above", 0.4)] * 3)
    smallest = find_smallest_difference(1 / np.sqrt(CHATS - 1), CHATS, 0.05 / 4)
    assert table["mde"].iloc[0] == pytest.approx(smallest, rel=1e-9)
    assert "would be found with a probability of at least 80 %" in table["detail"].iloc[0]
    assert table["mde"].iloc[1:].isna().all()


def test_rewards_that_are_not_finite_decide_nothing(judge, results):
    """They are left out of the mean and are not missing by chance."""
    write_frontier(results, "sft", [0.0] * 2 * CHATS)
    write_frontier(results, RUN, [float("inf"), *make_p(0.001)[1:]])
    row = judge(differ(DPO, "sft")).iloc[0]
    assert (row["verdict"], row["left_out"], row["n"]) == ("inconclusive", 1, 15)
    assert "no comparison without finite scores of all" in row["detail"]


def test_a_bound_holds_where_the_interval_of_every_run_does(judge, results):
    """The run with the largest mean may be known best: 3 ± 3.182·0.1 is within 4, and 2 ± 3.182·1 is not."""
    kl = {"kl": 3.0, "kl_se": 0.1}
    bound = {"kind": "bound", "cells": "*", "metric": "kl", "at_most": 4}
    sure = judge(bound, dpo=kl).iloc[0]
    assert (sure["verdict"], sure["effect"]) == ("supported", 3)
    unsure = judge(bound, dpo=kl, hinge={"kl": 2.0, "kl_se": 1.0}).iloc[0]
    assert (unsure["verdict"], unsure["effect"]) == ("inconclusive", 3)
    assert f"the interval of {HINGE}/seed~1 reaches to 5.18" in unsure["detail"]


def test_a_claim_about_mt_bench_by_hand(judge, results):
    """Differences 1, 1 | 2, 2 | 3, missing: mean 1.8 over five pairs in three questions, one pair left out.

    Sums of deviations −1.6, 0.4 and 1.2: SE² = 3/2 · (2.56 + 0.16 + 1.44)/25 = 0.2496.
    """
    write_mt_bench(results, "sft", {81: (5, 5), 82: (4, 4), 83: (3, 3)})
    write_mt_bench(results, RUN, {81: (6, 6), 82: (6, 6), 83: (6, None)})
    row = judge(differ(DPO, "sft", "mt_bench")).iloc[0]
    reach = t.ppf(0.975, 2) * np.sqrt(0.2496)
    assert row[["effect", "low", "high"]].tolist() == pytest.approx([1.8, 1.8 - reach, 1.8 + reach])
    assert (row["n"], row["left_out"], row["runs"], row["verdict"]) == (5, 1, 2, "inconclusive")
    assert "+1.8 points of MT-Bench" in row["detail"]
    assert "5 pairs of answers in 3 questions, 1 left out without both scores" in row["detail"]


def test_claims_about_win_rates_are_in_percentage_points(judge, results):
    """The SFT model is the baseline of its own study: its row is 50 on every prompt. Also length-controlled, where
    the prompt without a judgment is part of the mean, as in the leaderboard, and not of the number of judgments.
    """
    cells = {"sft": [(50, 50)] * 4, f"{DPO}/seed~1": [(90, 80), (80, 70), (None, 75), (85, 75)]}
    write_alpaca_eval(
        results, [(cell, id, *rates) for cell, rows in cells.items() for id, rates in enumerate(rows)]
    )
    table = judge(differ(DPO, "sft", "win_rate"), differ("sft", DPO, "lc_win_rate"))
    # Deviations 5, −5, 0 of three: SE = √25/√3; 5, −5, 0, 0 of four: √(50/3)/2. Either way three were judged.
    assert table["effect"].tolist() == pytest.approx([35, -25])
    reaches = ((table["high"] - table["low"]) / 2).tolist()
    assert reaches == pytest.approx(t.ppf(0.975, 2) * np.array([5 / np.sqrt(3), np.sqrt(50 / 12)]))
    assert list(table["verdict"]) == ["supported", "refuted"]
    assert table[["n", "left_out"]].to_numpy().tolist() == [[3, 1], [3, 1]]
    assert "+35 percentage points of win rate" in table["detail"].iloc[0]
    assert "3 pairs of answers in 3 prompts, 1 left out without both scores" in table["detail"].iloc[0]
    assert (
        "3 pairs of answers in 3 prompts, 1 more by prediction for want of a judgment"
        in table["detail"].iloc[1]
    )


def test_claims_about_summaries_are_clustered_by_post(judge, results):
    """Rows of one post repeat it: preferences 1.6, 1.6 | 1.8, 1.8 less the SFT model's 1.5 are 10, 10 | 30, 30."""
    rows = [("p1", 1, 0.1), ("p1", 2, 0.1), ("p2", 3, 0.3), ("p2", 4, 0.3)]
    for run, weight in (("sft", 0), (RUN, 1)):
        opponents = ("human", "sft") if run == RUN else ("human",)
        judged = [
            (post, id, opponent, True, 1.5 + weight * more)
            for opponent in opponents
            for post, id, more in rows
        ]
        write_summaries(results, run, judged)
    table = judge(differ(DPO, "sft", "summary_win_rate_human"), differ(DPO, "sft", "summary_win_rate_sft"))
    # As in the smallest closed form of a paired difference, times 10: SE = 10 with one degree of freedom.
    assert table["effect"].tolist() == pytest.approx([20, 20])
    assert ((table["high"] - table["low"]) / 2).tolist() == pytest.approx([t.ppf(0.975, 1) * 10] * 2)
    assert "4 pairs of summaries in 2 posts" in table["detail"].iloc[0]

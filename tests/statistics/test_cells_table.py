"""The table of cells, from a made-up results folder of a small study."""

import json

import pandas as pd
import pytest

from lossgrid.statistics.cells_table import HEALTH_COLUMNS, collect_cells
from lossgrid.studies import get_trained_cells, load_study

STUDY = """\
title: A small study
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 1, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 1, batch_size: 32, max_length: 64}
seeds: [1]
objectives:
  dpo: {beta: 0.05, seeds: [1, 2]}
  discopop:
    - {beta: 0.05}
    - {beta: 5.0, evaluation: published}
  dlrml: {beta_kl: 0.05, beta_mix: 0.05}
"""
DPO, DPO_2 = "dpo/beta~0.05/seed~1", "dpo/beta~0.05/seed~2"
DISCOPOP = "discopop/beta~0.05__tau~0.05/seed~1"
DIVERGED = "discopop/beta~5__tau~0.05__evaluation~published/seed~1"
ALIAS = "dlrml/beta_kl~0.05__beta_mix~0.05__tau~0.05/seed~1"
HEALTH = {
    "status": "finished", "healthy": True, "reason": "", "nonfinite_policy": "stop", "steps": 8,
    "planned_steps": 8, "nonfinite_steps": 0, "first_nonfinite_step": None, "max_grad_norm": 1.5,
    "rho_min": -1.0, "rho_max": 2.0, "final_loss": 0.5, "final_accuracy": 0.75, "identity": "0" * 64,
}  # fmt: skip
# Two chats with two turns each: reward, nats, tokens.
SFT_SCORES = [(0.0, 0.0, 10), (1.0, 0.0, 10), (0.0, 0.0, 10), (1.0, 0.0, 10)]
SCORES = [(1.0, 2.0, 10), (2.0, 4.0, 30), (3.0, 0.0, 10), (4.0, 2.0, 30)]


def write_run(folder, scores, finished=True, ids=("a", "a", "b", "b"), health=None):
    (folder / "scores").mkdir(parents=True)
    lines = [
        {
            "id": chat,
            "turn": 1 + number % 2,
            "reward": reward,
            "kl": kl,
            "tokens": tokens,
            "finished": finished,
        }
        for number, (chat, (reward, kl, tokens)) in enumerate(zip(ids, scores, strict=True))
    ]
    (folder / "scores" / "frontier.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if health:
        (folder / "health.json").write_text(json.dumps(health))


@pytest.fixture
def study(tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "small.yaml").write_text(STUDY, encoding="utf-8")
    return load_study(tmp_path / "studies" / "small.yaml")


@pytest.fixture
def results(study, tmp_path):
    """Scores and health of every trained cell; those of cells but the first are the first's, one point up."""
    folder = tmp_path / "results"
    write_run(folder / "sft", SFT_SCORES)
    for number, cell in enumerate(get_trained_cells(study)):
        health = dict(HEALTH)
        if cell.path == DIVERGED:
            health |= {
                "status": "diverged", "healthy": False, "steps": 3, "nonfinite_steps": 1,
                "first_nonfinite_step": 3, "reason": "step 3: 1 of 32 pairs",
            }  # fmt: skip
        scores = [(reward + number, kl, tokens) for reward, kl, tokens in SCORES]
        write_run(folder / "cells" / cell.path, scores, finished=cell.path != DIVERGED, health=health)
    return folder


def test_a_row_for_sft_and_every_cell_in_study_order(study, results):
    """A cell that is missing here is missing from the paper."""
    table = collect_cells(study, results)
    assert list(table["cell"]) == ["sft", DPO, DPO_2, DISCOPOP, DIVERGED, ALIAS]
    assert list(table["title"]) == ["SFT", "DPO", "DPO", "DiscoPOP (LRML)", "DiscoPOP (LRML)", "dLRML"]
    assert list(table["label"][1:]) == [
        "β 0.05",
        "β 0.05",
        "β 0.05",
        "β 5, published",
        "β_kl 0.05, β_mix 0.05",
    ]
    assert list(table["seed"][1:]) == [1, 2, 1, 1, 1]
    assert list(table["beta"][1:4]) == [0.05] * 3
    assert list(table["evaluation"][3:]) == ["log_space", "published", "log_space"]


def test_the_numbers_of_a_cell_by_hand(study, results):
    """Rewards 1, 2 | 3, 4: mean 2.5, chats' sums of deviations −2 and 2, SE = √(2 · 8/16) = 1. Less SFT's
    0, 1 | 0, 1: differences 1, 1 | 3, 3, mean 2, sums −2 and 2, SE 1. KL 2, 4 | 0, 2: mean 2, sums 2 and −2,
    SE 1. Per token 8/80 = 0.1, residuals 1, 1 | −1, −1, SE = √(2 · 8/6400) = 0.05.
    """
    row = collect_cells(study, results).set_index("cell").loc[DPO]
    expected = {
        "reward": 2.5, "reward_se": 1, "reward_minus_sft": 2, "reward_minus_sft_se": 1, "kl": 2, "kl_se": 1,
        "kl_per_token": 0.1, "kl_per_token_se": 0.05, "tokens": 20,
    }  # fmt: skip
    assert {key: row[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    assert (row["n"], row["chats"], row["unfinished"]) == (4, 2, 0)
    assert {key: row[key] for key in ("steps", "max_grad_norm", "status")} == {
        "steps": 8, "max_grad_norm": 1.5, "status": "finished",
    }  # fmt: skip


def test_the_sft_row_is_its_own_baseline(study, results):
    """Every difference is read against this row: it must be 0 and certain."""
    row = collect_cells(study, results).set_index("cell").loc["sft"]
    assert (row["reward"], row["reward_minus_sft"], row["reward_minus_sft_se"], row["kl"]) == (0.5, 0, 0, 0)
    assert row[["status", "seed", "steps"]].isna().all()


def test_an_alias_repeats_its_trained_cell_and_names_it(study, results):
    """DiscoPOP is dLRML at β_mix = β_kl: two rows that differ would report one function twice, differently."""
    table = collect_cells(study, results).set_index("cell")
    assert table.loc[ALIAS, "alias_of"] == DISCOPOP
    assert (table.drop([ALIAS, "sft"])["alias_of"] == "").all()
    own = ["objective", "title", "label", "beta", "beta_kl", "beta_mix", "alias_of"]
    assert table.loc[ALIAS].drop(own).equals(table.loc[DISCOPOP].drop(own))
    assert (table.loc[ALIAS, "beta_kl"], table.loc[ALIAS, "beta_mix"]) == (0.05, 0.05)


def test_a_diverged_cell_is_a_result(study, results):
    """Left out, a loss would look as healthy as its luckiest runs."""
    row = collect_cells(study, results).set_index("cell").loc[DIVERGED]
    assert (row["status"], row["healthy"], row["steps"], row["first_nonfinite_step"]) == (
        "diverged",
        False,
        3,
        3,
    )
    assert (row["reason"], row["unfinished"], row["n"]) == ("step 3: 1 of 32 pairs", 4, 4)


@pytest.mark.parametrize("ids", [("a", "a", "c", "c"), ("b", "b", "a", "a")])
def test_other_chats_than_the_sft_model_s_are_refused(ids, study, results):
    """Differences between answers to different questions would be taken for effects of the loss."""
    (results / "cells" / DPO / "scores" / "frontier.jsonl").unlink()
    (results / "cells" / DPO / "scores").rmdir()
    write_run(results / "cells" / DPO, SCORES, ids=ids)
    with pytest.raises(ValueError, match=f"{DPO} and the SFT model answered different chats"):
        collect_cells(study, results)


def test_a_chat_that_is_scored_twice_is_refused(study, results):
    """Duplicates would count an answer twice and narrow the interval."""
    file = results / "cells" / DPO / "scores" / "frontier.jsonl"
    file.write_text(file.read_text() + file.read_text().splitlines()[0] + "\n")
    with pytest.raises(ValueError, match="duplicate"):
        collect_cells(study, results)


def test_the_file_has_no_times_and_is_the_same_twice(study, results, tmp_path):
    """Results are compared bit for bit between machines: a duration in them would never agree."""
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for file in files:
        collect_cells(study, results).to_csv(file, index=False, float_format="%.6g")
    assert files[0].read_bytes() == files[1].read_bytes()
    columns = set(pd.read_csv(files[0]).columns)
    assert columns == {
        "cell", "objective", "title", "label", "beta", "beta_kl", "beta_mix", "tau", "evaluation", "seed",
        "alias_of", "n", "chats", "reward", "reward_se", "reward_minus_sft", "reward_minus_sft_se", "kl", "kl_se",
        "kl_per_token", "kl_per_token_se", "tokens", "unfinished", *HEALTH_COLUMNS,
    }  # fmt: skip

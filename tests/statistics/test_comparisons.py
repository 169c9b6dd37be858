"""The table behind the forest plot, from a made-up results folder of a judged study."""

import numpy as np
import pandas as pd
import pytest
from judgment_files import write_alpaca_eval, write_frontier, write_mt_bench, write_summaries

from lossgrid.statistics.comparisons import COLUMNS, compare_cells, read_seed_values
from lossgrid.studies import find_aliases, get_cells, load_study

STUDY = """\
title: A small study
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 1, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 1, batch_size: 32, max_length: 64}
judge: {model: judge, base_url: "http://127.0.0.1:1/v1"}
mt_bench: {}
alpaca_eval: {}
summaries: {rows: 10}
seeds: [1]
objectives:
  hinge: {beta: 0.05}
  dpo: {beta: [0.05, 0.1], seeds: [1, 2]}
  discopop: {beta: 0.05}
  dlrml: {beta_kl: 0.05, beta_mix: 0.05}
"""
HINGE, DPO, DPO_2 = "hinge/beta~0.05", "dpo/beta~0.05", "dpo/beta~0.1"
DISCOPOP, ALIAS = "discopop/beta~0.05__tau~0.05", "dlrml/beta_kl~0.05__beta_mix~0.05__tau~0.05"
# By how much each run is better than the SFT model, on every metric.
LEVELS = {
    f"{HINGE}/seed~1": 3,
    f"{DPO}/seed~1": 1,
    f"{DPO}/seed~2": 2,
    f"{DPO_2}/seed~1": 1,
    f"{DPO_2}/seed~2": 3,
}
LEVELS |= {f"{DISCOPOP}/seed~1": -2}
# What makes one question harder than another, for one run and not for the other.
NOISE = np.array([0.5, -0.5, 0.25, -0.25, 1.0, -1.0, 0.0, 0.0, 0.75, -0.75, 0.5, -0.5])


@pytest.fixture
def load(tmp_path):
    """A function that reads the study, changed by replacing text."""

    def load(*replacements):
        text = STUDY
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "small.yaml"
        path.write_text(text, encoding="utf-8")
        return load_study(path)

    return load


@pytest.fixture
def results(tmp_path):
    """Scores of every trained run: its level, and noise of its own on the questions."""
    folder = tmp_path / "results"
    wins = []
    for number, (cell, level) in enumerate({"sft": 0, **LEVELS}.items()):
        run = cell if cell == "sft" else f"cells/{cell}"
        scores = 5 + level + np.roll(NOISE, number)
        write_frontier(folder, run, scores.tolist())
        write_mt_bench(folder, run, {81 + pair: tuple(scores[2 * pair :][:2]) for pair in range(6)})
        preferences = 1 + scores / 10
        write_summaries(
            folder,
            run,
            [
                (f"p{index // 2}", index, opponent, False, preference)
                for opponent in ("human", "sft")
                for index, preference in enumerate(preferences)
                if (cell, opponent) != ("sft", "sft")
            ],
        )
        wins += [(cell, index, 10 * score, 10 * score - 1) for index, score in enumerate(scores)]
    write_alpaca_eval(folder, wins)
    return folder


def make_cells(study, **diverged) -> pd.DataFrame:
    cells = get_cells(study)
    aliases = find_aliases(cells)
    rows = [{"cell": "sft", "objective": "sft", "title": "SFT", "alias_of": np.nan, "status": None}]
    for cell in cells:
        broken = cell.objective in diverged
        rows.append(
            {
                "cell": cell.path, "objective": cell.objective, "title": cell.objective.upper(), "label": cell.label,
                "alias_of": aliases.get(cell.path, ""), "status": "diverged" if broken else "finished",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def compare(study, results, **diverged) -> pd.DataFrame:
    return compare_cells(study, results, make_cells(study, **diverged))


def test_every_setting_stands_beside_the_first_of_dpo_by_every_metric(load, results):
    """A setting that is missing here is missing from the figure. Reward has both baselines."""
    study = load()
    table = compare(study, results)
    assert list(table.columns) == COLUMNS
    others = [HINGE, DPO_2, DISCOPOP, ALIAS]
    metrics = ["mt_bench", "win_rate", "lc_win_rate", "summary_win_rate_human", "summary_win_rate_sft"]
    found = table.groupby(["metric", "baseline"], sort=False)["setting"].agg(list).to_dict()
    assert found == {
        ("reward", DPO): others,
        ("reward", "sft"): [HINGE, DPO, DPO_2, DISCOPOP, ALIAS],
        **{(metric, DPO): others for metric in metrics},
    }
    assert table[["objective", "title", "label"]].iloc[0].tolist() == ["hinge", "HINGE", "β 0.05"]


def test_the_numbers_of_a_setting_by_hand(load, results):
    """DPO at β 0.1 has levels 1 and 3, DPO at β 0.05 has 1 and 2: 0.5 apart, in both turns of six chats.

    The noise is that of the runs and sums to 0 over the questions, so that it moves intervals and not means.
    """
    table = compare(load(), results).set_index(["metric", "baseline", "setting"])
    row = table.loc["reward", DPO, DPO_2]
    assert row["difference"] == pytest.approx(0.5, abs=1e-12)
    assert read_seed_values(row["seed_values"]) == pytest.approx({1: -0.5, 2: 1.5})
    expected = {"n": 12, "clusters": 6, "left_out": 0, "seeds": 2, "seed_low": -0.5, "seed_high": 1.5}
    assert row[list(expected)].to_dict() == pytest.approx(expected)
    assert row["seed_sd"] == pytest.approx(2**0.5)
    assert row["low"] < 0.5 < row["high"]
    assert table.loc["win_rate", DPO, DPO_2]["difference"] == pytest.approx(5)
    assert table.loc["win_rate", DPO, DPO_2]["clusters"] == 12
    assert table.loc["summary_win_rate_sft", DPO, DPO_2][
        ["difference", "clusters"]
    ].tolist() == pytest.approx([5, 6])


def test_an_alias_repeats_the_numbers_of_its_run_and_counts_once(load, results):
    """Trained once and tested twice, a loss would make every other one's q larger."""
    table = compare(load(), results)
    alias, own = (
        table[table["setting"] == name].set_index(["metric", "baseline"]) for name in (ALIAS, DISCOPOP)
    )
    assert (alias["alias_of"] == DISCOPOP).all()
    columns = [column for column in COLUMNS[7:] if column != "baseline"]
    pd.testing.assert_frame_equal(alias[columns], own[columns])
    # Three are tested by MT-Bench: Benjamini and Hochberg multiply the smallest p by 3, and not by 4.
    tested = table[(table["metric"] == "mt_bench") & (table["alias_of"] == "")]
    smallest = tested.loc[tested["p"].idxmin()]
    assert len(tested) == 3
    assert smallest["q"] <= 3 * smallest["p"] * (1 + 1e-12)
    assert tested["q"].max() == pytest.approx(tested["p"].max())


def test_a_study_without_dpo_is_compared_with_the_sft_model(load, results):
    """It has a baseline all the same, once for every metric."""
    study = load(("  dpo: {beta: [0.05, 0.1], seeds: [1, 2]}\n", ""))
    table = compare(study, results)
    assert set(table["baseline"]) == {"sft"}
    assert not table.duplicated(["metric", "setting"]).any()
    assert len(table) == 6 * 3
    # The SFT model draws with itself; the others' win rates over its summaries are above 50 % by their levels.
    row = table.set_index(["metric", "setting"]).loc["summary_win_rate_sft", HINGE]
    assert row["difference"] == pytest.approx(30)


def test_only_what_the_study_measures_is_compared(load, results):
    """The scores of another study's evaluation would be read, or a missing file end the job."""
    study = load(
        ("mt_bench: {}\n", "mt_bench: {mode: pairwise}\n"),
        ("alpaca_eval: {}\n", ""),
        ("summaries: {rows: 10}", "summaries: {rows: 10, opponents: human}"),
    )
    (results / "tables" / "alpaca_eval_questions.csv").unlink()
    assert set(compare(study, results)["metric"]) == {"reward", "summary_win_rate_human"}
    bare = load(*[(line + "\n", "") for line in STUDY.splitlines()[4:8]])
    assert set(compare(bare, results)["metric"]) == {"reward"}


def test_a_diverged_setting_is_shown_and_not_tested(load, results):
    """Its scores are those of its last finite weights; with a p-value it would rank as a loss that works."""
    table = compare(load(), results, hinge=True).set_index("setting")
    assert table.loc[HINGE, "diverged"].all()
    assert not table.drop(HINGE)["diverged"].any()
    assert table.loc[HINGE, ["p", "q"]].isna().all(axis=None)
    assert np.isfinite(table.loc[HINGE, "difference"]).all()
    assert table.drop(HINGE)["p"].notna().all()
    # Where the baseline did, nothing is tested against it.
    broken = compare(load(), results, dpo=True)
    assert (broken["p"].notna() == ((broken["baseline"] == "sft") & (broken["objective"] != "dpo"))).all()


def test_missing_judgments_are_left_out_and_counted(load, results):
    """A judge that cannot read the answers of one loss must not make it look precise."""
    file = results / "cells" / f"{HINGE}/seed~1" / "scores" / "mt_bench.jsonl"
    lines = file.read_text().splitlines()
    lines[3] = lines[3].replace('"state": "ok"', '"state": "parse_error"')
    file.write_text("\n".join(lines) + "\n")
    table = compare(load(), results)
    counts = table[table["metric"] == "mt_bench"].set_index("setting")[["n", "left_out"]]
    assert counts.loc[HINGE].tolist() == [11, 1]
    assert counts.loc[DPO_2].tolist() == [12, 0]


def test_a_length_controlled_difference_is_the_leaderboards(load, results):
    """The leaderboard's rate is a mean over all prompts, whatever became of a judgment: made of fewer, the difference
    would be another one, and counted as judged, the prompt would be a judgment that nobody made.
    """
    file = results / "tables" / "alpaca_eval_questions.csv"
    before = compare(load(), results).set_index(["metric", "setting"])
    questions = pd.read_csv(file)
    questions.loc[(questions["cell"] == f"{HINGE}/seed~1") & (questions["id"] == 3), "win"] = np.nan
    questions.to_csv(file, index=False)
    after = compare(load(), results).set_index(["metric", "setting"])
    numbers = ["difference", "se", "seed_values"]
    assert after.loc[("lc_win_rate", HINGE), numbers].equals(before.loc[("lc_win_rate", HINGE), numbers])
    for metric in ("win_rate", "lc_win_rate"):
        assert after.loc[(metric, HINGE), ["n", "clusters", "left_out"]].tolist() == [11, 11, 1]
        assert after.loc[(metric, DPO_2), ["n", "clusters", "left_out"]].tolist() == [12, 12, 0]


def test_a_table_read_from_a_file_compares_alike(load, results, tmp_path):
    """Rules hand over CSV, where an empty alias is NaN."""
    study = load()
    table = compare(study, results)
    make_cells(study).to_csv(tmp_path / "cells.csv", index=False)
    again = compare_cells(study, results, pd.read_csv(tmp_path / "cells.csv"))
    pd.testing.assert_frame_equal(table, again)

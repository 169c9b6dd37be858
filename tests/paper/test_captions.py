"""A caption says what is shown, which interval, over how many, and what is not shown."""

import pandas as pd
import pytest

from lossgrid.paper.captions import write_caption
from lossgrid.paper.captions.cells import describe_frontier, describe_plane
from lossgrid.paper.captions.data import describe_length_differences
from lossgrid.paper.captions.judge_card import describe_judge_card
from lossgrid.paper.captions.judged import describe_differences, describe_mt_bench, describe_win_rates
from lossgrid.paper.captions.logs import describe_learned_mix, describe_loss_shapes, describe_training_curves
from lossgrid.statistics.judge_card import describe_card
from tests.figures.made_up_card import FILES, make_card_rows
from tests.figures.made_up_cells import make_cell, make_table
from tests.figures.made_up_lengths import make_lengths
from tests.figures.made_up_scores import (
    make_cells,
    make_comparisons,
    make_leaderboard,
    make_mt_bench,
    make_runs,
)


@pytest.fixture
def cells() -> pd.DataFrame:
    """Two seeds, a diverged run without scores, an alias."""
    return make_table(
        [
            make_cell("dpo", "β 0.05", 1.0, 1.4, beta=0.05),
            make_cell("dpo", "β 0.05", 1.1, 1.5, seed=2, beta=0.05),
            make_cell("discopop", "β 9", float("nan"), float("nan"), beta=9.0, status="diverged", steps=7),
            make_cell("dlrml", "β_kl 0.05, β_mix 0.2", 1.1, 0.0, beta_kl=0.05, beta_mix=0.2),
            make_cell("dlrml", "β_kl 0.05, β_mix 0.05", 1.0, 1.0, beta_kl=0.05, beta_mix=0.05, alias_of="x"),
        ]
    )


def test_the_frontier_says_its_interval_its_n_and_its_gaps(cells):
    """Without these a bar could be anything."""
    text = describe_frontier(cells)
    for said in (
        "for 4 runs of 3 settings of 3 losses",
        "95 % intervals of each run (±1.96 standard errors) clustered by chat",
        "over 512 responses to 256 chats", "1 of 4 runs diverged (DiscoPOP (LRML), β 9, seed 1)",
        "Left out, for want of finite scores: DiscoPOP (LRML), β 9, seed 1.",
    ):  # fmt: skip
        assert said in text, said
    assert "published" not in text


def test_nothing_of_one_study_is_said_of_another(cells):
    """A number that is written into a caption by hand is wrong in the next study."""
    healthy = cells[cells["status"] != "diverged"].assign(n=80, chats=40)
    text = describe_frontier(healthy)
    assert "None of the 3 runs diverged." in text
    assert "over 80 responses to 40 chats" in text
    assert "Left out" not in text


def test_figures_of_modulated_losses_count_their_own_runs(cells):
    """The plane of a study with other losses shows a part of it."""
    text = describe_plane(cells)
    assert "2 runs of 2 settings of 2 losses" in text
    assert "Left out, the runs of other losses: 2 runs." in text
    assert "over 7 to 20 steps" in text
    assert describe_learned_mix(cells) == "The study has no cell with a learned mix."


def test_training_curves_say_what_their_bands_are(cells):
    """A band of eight steps is no interval over seeds."""
    text = describe_training_curves(cells)
    assert "4 runs of 3 settings of 3 losses over 7 to 20 steps" in text
    assert "means over 8 steps; bands are 95 % intervals (Student's t, from the spread of these steps" in text


def test_formulas_have_no_intervals():
    """Said, so that nobody looks for them."""
    shapes = pd.DataFrame({"objective": ["dpo", "dpo", "ipo"], "label": ["β 1", "β 2", "β 1"]})
    text = describe_loss_shapes(shapes)
    assert "3 settings of 2 losses" in text
    assert "no intervals" in text


def test_judgments_say_who_judged_and_how_many_failed():
    """Numbers of two judges cannot be compared, and what failed is missing from every mean."""
    runs = make_runs()
    scores, cells = make_mt_bench(runs), make_cells(runs)
    overall = scores[(scores["category"] == "all") & (scores["turn"] == "all")]
    failed, judgments = overall["n_parse_error"].sum(), (overall["n_ok"] + overall["n_parse_error"]).sum()
    text = describe_mt_bench(scores, cells, "gpt-9, 2031-02")
    assert "the judge gpt-9, 2031-02" in text
    assert "clustered by question, over 80 questions a run" in text
    assert f"Of {judgments:,} judgments, {failed} could not be read and 0 could not be had" in text
    assert "1 of 26 runs diverged (DiscoPOP (LRML), β 100, published, seed 1)" in text


def test_win_rates_say_their_baseline_and_which_length_control():
    """The published length control and that of a study are two numbers."""
    runs = make_runs()
    text = describe_win_rates(make_leaderboard(runs), make_cells(runs), "oracle", "SFT")
    assert "Win rate against SFT" in text
    assert "lc_study" in text
    other = make_leaderboard(runs, "length_controlled_winrate")
    assert "lc_study" not in describe_win_rates(other, make_cells(runs), "oracle", "SFT")


def test_differences_say_what_is_paired_and_how_many_were_found():
    """An interval by question is another one than by chat."""
    runs = make_runs()
    table = make_comparisons(runs, {"mt_bench": 0.2, "reward": 0.1})
    text = describe_differences(table, make_cells(runs))
    found = ((table["q"] <= 0.05) & ~table["setting"].str.contains("100.*published")).sum()
    assert f"Filled: {found} of {len(table)} differences" in text
    assert "MT-Bench, minus SFT (76 to 80 questions)" in text
    assert "Student's t" in text


def test_a_caption_is_a_file_for_latex(cells, tmp_path):
    """It is read inside of a command's argument, where an empty line would end it with an error."""
    path = tmp_path / "frontier.tex"
    write_caption(describe_frontier(cells), "frontier", "mini", path)
    head, _, text = path.read_text(encoding="utf-8").partition("True reward")
    assert all(line.startswith("%") for line in head.splitlines())
    assert r"\protect\input{results/mini/figures/frontier.tex}" in head
    assert "\n\n" not in text
    assert text.endswith(".%\n")
    assert all(ord(letter) < 128 for letter in text)


def test_the_caption_of_a_judge_card_counts_what_is_left_out():
    """Unreadable replies are the hard cases: a reader must know how many are missing."""
    text = describe_judge_card(describe_card(make_card_rows(), FILES, "new"), "new", "gpt-4")
    assert "The judge new beside gpt-4" in text
    assert "Of 60 ratings, 6 could not be read and 0 could not be had" in text
    assert "3 stored ones without a verdict" in text
    assert "clustered by question" in text
    ratings = describe_card(make_card_rows(("single",)), {"single": FILES["single"]}, "new")
    rated = describe_judge_card(ratings, "new", "gpt-4")
    assert "pair" not in rated


def test_lengths_say_their_clusters_and_what_lies_far_away():
    """Pairs that share a prompt are no independent pairs."""
    lengths, data = make_lengths([*[7, 9, 3] * 200, 900], [*[6, 9, 4] * 200, 1])
    text = describe_length_differences(lengths, data)
    for said in (
        "the responses of 601 preference pairs", "every pair having a prompt of its own",
        "Hatched at the ends: 1 pair beyond 1 token.", "counted in cells on a logarithmic scale",
    ):  # fmt: skip
        assert said in text, said
    data.loc[data["measure"] == "length_difference_mean", "clusters"] = 200
    few = describe_length_differences(lengths.head(3), data.assign(clusters=2))
    assert "both clustered by prompt (2 prompts)" in few
    assert "a point a pair" in few
    assert "Hatched" not in few

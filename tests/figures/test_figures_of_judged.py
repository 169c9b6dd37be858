"""Frontier and plane of a study without a reward: a judge's score takes its place, and says so."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from captured import Capture, get_points
from made_up_cells import make_cell, make_table
from svg import read_texts

from lossgrid.figures import frontier, plane
from lossgrid.paper.captions.cells import describe_frontier, describe_plane
from lossgrid.statistics.quality import Quality

TITLE = "A study of chats"
RATED = Quality("mt_bench", "MT-Bench score", "points of 10", "answers", "questions")


@pytest.fixture
def cells() -> pd.DataFrame:
    """Two seeds of DPO, DiscoPOP, and a cell that the judge could not rate."""
    table = make_table(
        [
            make_cell("dpo", "β 0.05", 10.0, np.nan, beta=0.05),
            make_cell("dpo", "β 0.05", 12.0, np.nan, seed=2, beta=0.05),
            make_cell("discopop", "β 0.05", 30.0, np.nan, beta=0.05),
            make_cell("dlrml", "β_kl 0.05, β_mix 0.2", 20.0, np.nan, beta_kl=0.05, beta_mix=0.2),
        ]
    ).drop(columns=["reward", "reward_se"])
    return table.assign(
        mt_bench=[7.2, 7.5, 7.3, 6.8, np.nan], mt_bench_se=0.1, mt_bench_n=158, mt_bench_clusters=80
    )


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_the_frontier_is_that_of_the_judge(cells, tmp_path, monkeypatch):
    """An axis of "true reward" over a judge's ratings would be read as what no judge can be."""
    capture, path = Capture(monkeypatch, frontier), tmp_path / "frontier.svg"
    frontier.plot_frontier(cells, TITLE, [path], quality=RATED)
    drawn = {(round(x, 9), round(y, 9)) for x, y in get_points(capture.figure.axes[0])}
    # The mean over DPO's seeds, and DiscoPOP's one.
    assert {(11.0, 7.4), (30.0, 6.8)} <= drawn
    texts = read_texts(path)
    assert "MT-Bench score, points of 10" in texts
    assert "SFT = reference (158 answers a run; bars: 95 %)" in texts
    assert "without finite scores: dLRML β_kl 0.05, β_mix 0.2 (finished)" in texts
    assert not [text for text in texts if "reward" in text]


def test_the_caption_counts_what_the_judge_saw(cells):
    """Two kinds of interval stand in one figure, over other observations each."""
    caption = describe_frontier(cells, quality=RATED)
    assert caption.startswith("MT-Bench score (points of 10) over the KL divergence")
    assert "clustered by question, over 158 judged answers to 80 questions a run" in caption
    assert "of the divergence clustered by chat, over 512 responses to 256 chats" in caption
    assert "reward" not in caption
    caption = describe_plane(cells, RATED)
    assert "Mean MT-Bench score (points of 10) over seeds (white: the SFT model), share of steps" in caption
    assert "divergence" not in caption


def test_the_plane_is_coloured_by_the_judge(cells, tmp_path):
    """White is the SFT model's score, whatever the scale."""
    path = tmp_path / "plane.svg"
    plane.plot_plane(cells, TITLE, [path], RATED)
    texts = read_texts(path)
    assert "mean over seeds (white: SFT, 7.20)" in texts
    assert "MT-Bench score, points of 10" in texts
    assert "6.80 ± 0.20" in texts
    assert "no finite score" in texts


def test_without_reward_and_judge_there_is_no_frontier(cells, tmp_path):
    """A study of training alone still has all the files that the workflow promises."""
    unscored = cells.drop(columns=[column for column in cells if column.startswith("mt_bench")])
    frontier.plot_frontier(unscored, TITLE, [tmp_path / "frontier.svg"], quality=None)
    assert frontier.NOTHING in read_texts(tmp_path / "frontier.svg")
    assert describe_frontier(unscored, quality=None) == f"No frontier: {frontier.NOTHING}."
    plane.plot_plane(unscored, TITLE, [tmp_path / "plane.svg"], None)
    texts = read_texts(tmp_path / "plane.svg")
    assert "steps with a non-finite loss or gradient" in texts
    assert not [text for text in texts if "white: SFT" in text]
    assert "The share of steps with a non-finite loss or gradient" in describe_plane(unscored, None)

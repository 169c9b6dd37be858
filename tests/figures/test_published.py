"""Published numbers stand beside ours where a study says so, as another judge's, and change nothing of ours."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from captured import Capture, get_bars, get_points
from made_up_cells import make_cell, make_table
from made_up_scores import make_cells, make_leaderboard, make_mt_bench, make_runs
from svg import read_texts

from lossgrid.figures import frontier, mt_bench, win_rate_length
from lossgrid.figures.published import Published, get_published, read_frontier, read_published
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import Study, StudyError, load_study

TITLE = "A study of losses"
STUDY = """\
title: A study that repeats a paper
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 3, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 2, batch_size: 32, max_length: 64}
judge: {model: oracle, base_url: "http://127.0.0.1/v1"}
mt_bench: {questions: fastchat}
alpaca_eval: {instructions: alpaca_eval.json, baseline: reference}
reproduces: {paper: discopop, frontier: imdb.csv}
objectives:
  dpo: {beta: [0.05, 0.25]}
  discopop: {beta: 0.05}
  dlrml: {beta_kl: 0.05, beta_mix: 0.2}
"""
OURS = {("dpo", "β 0.05"): (1, 2), ("dpo", "β 0.25"): (1,), ("discopop", "β 0.05"): (1,)}
PATHS = {"β 0.05": "beta~0.05", "β 0.25": "beta~0.25"}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function that loads the study with pieces of its text replaced."""
    monkeypatch.chdir(tmp_path)

    def load(*changes: tuple[str, str]) -> Study:
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "repeat.yaml").write_text(text, encoding="utf-8")
        return load_study(tmp_path / "repeat.yaml")

    return load


@pytest.fixture
def runs() -> pd.DataFrame:
    """Runs whose paths spell their settings as the library does."""
    runs = make_runs(OURS)
    paths = [
        f"{row.objective}/{PATHS[row.label]}{'__tau~0.05' if row.objective == 'discopop' else ''}/seed~{row.seed:g}"
        if row.objective != "sft"
        else "sft"
        for row in runs.itertuples()
    ]
    return runs.assign(cell=paths)


def test_the_numbers_are_of_losses_that_exist():
    """A name that the catalogue lacks would drop a number without a word."""
    for paper in read_published().values():
        assert set(paper["names"].values()) <= set(CATALOGUE)
        for evaluation in ("mt_bench", "alpaca_eval"):
            assert set(paper[evaluation]["scores"]) <= set(CATALOGUE)
            assert {"judge", "judged", "unit"} <= set(paper[evaluation])
        assert "arXiv" in paper["source"]


def test_they_belong_to_the_settings_that_were_published(load, runs):
    """DPO at another β is another run than the paper's."""
    published = get_published(load(), "mt_bench")
    assert published.mark == "published, judge gpt-4-0613, 2024"
    assert published.place(make_cells(runs)) == {("dpo", "β 0.05"): 7.888, ("discopop", "β 0.05"): 7.916}
    said = published.describe(make_cells(runs))
    assert "arXiv:2406.08414; judge gpt-4-0613, 2024" in said
    assert "in no mean of ours; not in this study: Hinge (SLiC), IPO," in said


@pytest.mark.parametrize(
    ("changes", "evaluation"),
    [
        ([("reproduces: {paper: discopop, frontier: imdb.csv}\n", "")], "mt_bench"),
        ([("questions: fastchat", "questions: world")], "mt_bench"),
        ([("questions: fastchat", "questions: fastchat, mode: pairwise")], "mt_bench"),
        ([("baseline: reference", "baseline: sft")], "alpaca_eval"),
        ([("instructions: alpaca_eval.json, ", ""), ("baseline: reference", "prompts: 20, baseline: reference")],
         "alpaca_eval"),
    ],
)  # fmt: skip
def test_they_never_stand_on_an_axis_of_another_scale(load, changes, evaluation):
    """A win rate over the SFT model beside one over GPT-4 is a comparison of nothing."""
    assert get_published(load(*changes), evaluation) is None


def test_a_study_that_measures_nothing_published_is_told(load):
    """Else its author would wait for numbers that never appear."""
    with pytest.raises(
        StudyError, match="the study measures nothing that discopop published; add mt_bench: "
    ):
        load(
            ("questions: fastchat", "questions: world"),
            ("baseline: reference", "baseline: sft"),
            (", frontier: imdb.csv", ""),
        )


def test_mt_bench_shows_them_in_their_rows_without_an_interval(load, runs, tmp_path, monkeypatch):
    """A published score within our mean or our interval would be ours and another judge's in one."""
    capture = Capture(monkeypatch, mt_bench)
    scores, cells = make_mt_bench(runs), make_cells(runs)
    published = get_published(load(), "mt_bench")
    drawn = {}
    for name, beside in (("without", None), ("with", published)):
        path = tmp_path / f"{name}.svg"
        mt_bench.plot_mt_bench(scores, cells, TITLE, [path], "oracle", beside)
        axes = capture.figure.axes[-1]
        drawn[name] = (get_bars(axes), get_points(axes), read_texts(path))
    assert drawn["with"][0] == drawn["without"][0]
    added = [point for point in drawn["with"][1] if point not in drawn["without"][1]]
    assert sorted({x for x, _ in added}) == [7.888, 7.916]
    assert published.mark in drawn["with"][2]
    assert not [text for text in drawn["without"][2] if "published, judge" in text]


def test_win_rates_show_them_beside_the_lengths(load, runs, tmp_path, monkeypatch):
    """Their lengths are not published: no place on the axis of lengths is theirs."""
    capture = Capture(monkeypatch, win_rate_length)
    board, cells = make_leaderboard(runs, "length_controlled_winrate"), make_cells(runs)
    published = get_published(load(), "alpaca_eval")
    win_rate_length.plot_win_rate_length(
        board, cells, TITLE, [tmp_path / "rates.svg"], "oracle", "the reference outputs", 1900.0, published
    )
    ours, beside = capture.figure.axes
    rates = {y for _, y in get_points(beside)}
    assert rates == {11.23, 12.81, 13.21, 14.79}
    assert not rates & {y for _, y in get_points(ours)}
    low, high = ours.get_ylim()
    assert low < 11.23
    assert high > 14.79
    assert published.mark in read_texts(tmp_path / "rates.svg")


def test_a_length_control_of_our_own_is_not_compared_with_theirs(load, runs, tmp_path, monkeypatch):
    """Difficulties fitted to a study make another measure."""
    capture = Capture(monkeypatch, win_rate_length)
    published = get_published(load(), "alpaca_eval")
    win_rate_length.plot_win_rate_length(
        make_leaderboard(runs), make_cells(runs), TITLE, [tmp_path / "rates.svg"], published=published
    )
    assert {y for _, y in get_points(capture.figure.axes[1])} == {11.23, 13.21}


def test_a_published_frontier_has_axes_of_its_own(load, tmp_path, monkeypatch):
    """Its divergence is per token and the other way round: on our axis every point would be wrong."""
    rows = [
        ("dpo", 0.05, 0.97, 0.9),
        ("dpo", 0.05, 0.95, 1.1),
        ("lrml", 0.05, 0.9, 0.2),
        ("dpo", 5.0, 0.8, 0.1),
    ]
    table = pd.DataFrame(rows, columns=["loss", "beta", "reward", "kl_divergence"])
    table.to_csv(tmp_path / "imdb.csv", index=False)
    capture = Capture(monkeypatch, frontier)
    cells = make_table(
        [make_cell("dpo", "β 0.05", 1.0, 1.4, beta=0.05), make_cell("discopop", "β 0.05", 1.0, 1.0)]
    )
    read = read_frontier(load())
    frontier.plot_frontier(cells.assign(label=cells["label"]), TITLE, [tmp_path / "frontier.svg"], read)
    ours, beside = capture.figure.axes
    assert not ours.get_shared_x_axes().joined(ours, beside)
    assert not ours.get_shared_y_axes().joined(ours, beside)
    # Means over the runs of each setting; lrml is what the paper's code calls DiscoPOP.
    assert sorted({(round(x, 9), round(y, 9)) for x, y in get_points(beside)}) == [
        (0.1, 0.8),
        (0.2, 0.9),
        (1.0, 0.96),
    ]
    assert "published:" in " ".join(read_texts(tmp_path / "frontier.svg"))
    plt.close("all")


def test_a_file_of_another_form_is_named(load, tmp_path):
    """A KeyError does not say which file of which study is wrong."""
    (tmp_path / "imdb.csv").write_text("loss,beta,reward\ndpo,1,2\n")
    with pytest.raises(ValueError, match=r"imdb\.csv: no column kl_divergence; reproduces\.frontier has"):
        read_frontier(load())


def test_a_setting_of_two_evaluations_is_one_published_run():
    """The published formula overflows where ours does not; their number is of one run."""
    cells = make_table(
        [
            make_cell("discopop", "β 0.05", 1.0, 1.0, cell="discopop/beta~0.05__tau~0.05/seed~1"),
            make_cell("discopop", "β 0.05, published", 1.0, 1.0,
                      cell="discopop/beta~0.05__tau~0.05__evaluation~published/seed~1"),
        ]
    )  # fmt: skip
    published = Published("a paper", "a judge", "2024", {"beta": 0.05}, {"discopop": 7.9})
    assert published.place(cells) == {("discopop", "β 0.05"): 7.9}

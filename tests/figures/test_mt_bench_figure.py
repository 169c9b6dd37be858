"""The figure of MT-Bench shows the numbers of its table, and says what is missing."""

import math

import numpy as np
import pandas as pd
import pytest
from captured import Capture, find_crosses, find_overlaps, get_bars, get_points
from made_up_scores import CATEGORIES, DIVERGED, TITLES, lose_scores, make_cells, make_mt_bench, make_runs
from svg import read_sizes, read_texts, read_width

from lossgrid.figures import mt_bench
from lossgrid.figures.looks import get_look
from lossgrid.figures.mt_bench import plot_mt_bench
from lossgrid.figures.mt_bench_radar import LINES, get_rings
from lossgrid.figures.setting_rows import lay_out_rows
from lossgrid.objectives.catalogue import CATALOGUE

TITLE = "A study of losses"
FEW = {("dpo", "β 0.1"): (1, 2), ("ipo", "β 0.1"): (1,)}


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """A function that draws a table and returns the SVG file and the figure."""
    capture = Capture(monkeypatch, mt_bench)

    def draw(scores, cells=None, **options):
        path = tmp_path / "mt_bench.svg"
        plot_mt_bench(scores, make_cells(scores) if cells is None else cells, TITLE, [path], **options)
        return path, capture.figure

    return draw


@pytest.fixture
def scores() -> pd.DataFrame:
    """Twenty settings and the SFT model, two seeds of some."""
    return make_mt_bench(make_runs())


def get_axes(figure):
    radar = next(axes for axes in figure.axes if axes.name == "polar")
    return radar, figure.axes[-1]


def get_overall(scores):
    return scores[(scores["category"] == "all") & (scores["turn"] == "all")]


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_drawn_twice_it_is_the_same_to_the_byte(ending, scores, tmp_path):
    """Results could not be compared between machines."""
    paths = [tmp_path / name / f"mt_bench.{ending}" for name in "ab"]
    for path in paths:
        plot_mt_bench(scores, make_cells(scores), TITLE, [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_table_from_its_file_gives_the_same_figure(scores, tmp_path):
    """Files have no types: empty labels, whole numbers and turns must be read as what they were."""
    tables = scores, make_cells(scores)
    for number, table in enumerate(tables):
        table.to_csv(tmp_path / f"{number}.csv", index=False)
    read = [pd.read_csv(tmp_path / f"{number}.csv", float_precision="round_trip") for number in range(2)]
    paths = [tmp_path / name / "figure.svg" for name in "ab"]
    for source, path in zip((tables, read), paths, strict=True):
        plot_mt_bench(*source, TITLE, [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_it_names_every_setting_category_and_count(scores, draw):
    """A row without its setting cannot be found in the table, a mean without its n cannot be weighed."""
    texts = read_texts(draw(scores, judge="gpt-4, 2026-05")[0])
    for name in (
        *CATEGORIES,
        "DPO",
        "IPO",
        "Hinge (SLiC)",
        "dLRML",
        "SFT",
        "judged",
        "failed",
        "turn 1",
        "turn 2",
    ):
        assert name in texts, name
    assert f"{TITLE}; judge: gpt-4, 2026-05" in texts
    # 27 runs of 80 questions in two turns, of which 3 fail in each.
    assert len(get_overall(scores)) == 27
    assert f"MT-Bench, points of 1–10; {27 * 3} of {27 * 160:,} judgments failed" in texts
    # 157 judgments of a setting of one seed, 314 of two, 471 of three.
    seeds = scores.groupby(["objective", "label"], dropna=False)["cell"].nunique()
    for count in (1, 2, 3):
        assert texts.count(f"{157 * count}") == (seeds == count).sum()


def test_the_dots_are_the_means_over_seeds_with_their_intervals(draw):
    """Scores 4 and 6 with errors 0.2 and 0.4 are 5 ± 1.96·0.3: no mean over seeds can be less certain."""
    scores = make_mt_bench(make_runs(FEW))
    own = scores["objective"] == "dpo"
    every = (scores["category"] == "all") & (scores["turn"] == "all")
    for seed, (score, error) in {1: (4.0, 0.2), 2: (6.0, 0.4)}.items():
        scores.loc[own & every & (scores["seed"] == seed), ["score", "score_se"]] = score, error
    for seed, score in {1: 4.5, 2: 6.75}.items():
        scores.loc[
            own & (scores["turn"] == "1") & (scores["category"] == "all") & (scores["seed"] == seed), "score"
        ] = score
    rows = lay_out_rows(
        get_overall(scores).assign(label=lambda table: table["label"].fillna(""), diverged=False), 27
    )
    _, axes = get_axes(draw(scores)[1])
    bars = get_bars(axes)
    place = rows.places["dpo", "β 0.1"]
    assert bars[5.0, place] == pytest.approx((5 - 1.96 * 0.3, 5 + 1.96 * 0.3))
    ipo = get_overall(scores).iloc[-1]
    reach = 1.96 * ipo["score_se"]
    assert bars[ipo["score"], rows.places["ipo", "β 0.1"]] == pytest.approx(
        (ipo["score"] - reach, ipo["score"] + reach)
    )
    points = get_points(axes)
    # Both seeds, and the mean 5.625 of the first turns.
    for point in ((4.0, place), (6.0, place), (5.625, place)):
        assert pytest.approx(point) in points, point
    assert len(bars) == 3


def test_the_radar_has_the_mean_of_each_category(draw):
    """A closed line a setting: eight means and the first again."""
    scores = make_mt_bench(make_runs(FEW))
    radar, _ = get_axes(draw(scores)[1])
    lines = {line.get_label(): line.get_ydata() for line in radar.get_lines()}
    assert list(lines) == ["SFT", "DPO, β 0.1", "IPO, β 0.1"]
    table = scores[(scores["turn"] == "all") & (scores["objective"] == "dpo")].set_index(
        ["category", "seed"]
    )["score"]
    expected = [(table[name, 1] + table[name, 2]) / 2 for name in CATEGORIES]
    assert lines["DPO, β 0.1"] == pytest.approx([*expected, expected[0]])
    assert radar.get_lines()[0].get_xdata() == pytest.approx(np.linspace(0, 2 * np.pi, 9))


def test_of_many_settings_the_radar_has_the_best_of_each_loss(scores, draw):
    """Twenty closed lines are a ball of wool, and the best of a loss must not be one that diverged."""
    every = (scores["category"] == "all") & (scores["turn"] == "all")
    scores.loc[every & (scores["label"] == DIVERGED[1]), "score"] = 9.9
    scores.loc[every & (scores["objective"] == "dpo") & (scores["label"] == "β 0.25"), "score"] = 9.0
    svg, figure = draw(scores)
    names = [line.get_label().replace("\n", " ") for line in get_axes(figure)[0].get_lines()]
    assert names[:2] == ["SFT", "DPO, β 0.25"]
    assert len(names) == 7
    assert not any("published" in name for name in names)
    assert any("radar: SFT and the best setting of each loss," in text for text in read_texts(svg))


def test_of_many_losses_the_radar_has_the_best_ones(draw):
    """More than eight lines cannot be told apart; the title says which they are."""
    losses = [name for name in CATALOGUE if name != "sft"]
    scores = make_mt_bench(make_runs({(name, "β 0.1"): (1,) for name in losses}))
    svg, figure = draw(scores)
    means = get_overall(scores)[1:].set_index("objective")["score"].sort_values()
    drawn = {line.get_label() for line in get_axes(figure)[0].get_lines()}
    assert drawn == {"SFT", *(f"{TITLES.get(name, name)}, β 0.1" for name in means.index[-7:])}
    assert any(f"each of the {LINES - 1} best losses" in text for text in read_texts(svg))
    assert find_overlaps(figure) == []


def test_what_has_no_readable_judgment_is_said(scores, draw):
    """A setting that the judge could not read would else look like one that was never run."""
    broken = (scores["objective"] == "ipo") & (scores["label"] == "β 1")
    scores = lose_scores(scores, broken)
    scores = lose_scores(scores, (scores["cell"] == "dpo/β~0.05/seed~2"))
    scores = lose_scores(scores, (scores["cell"] == "hinge/β~0.05/seed~1") & (scores["category"] == "math"))
    scores.loc[(scores["objective"] == "hinge") & (scores["label"] == "β 0.25"), "score_se"] = math.nan
    svg, figure = draw(scores)
    texts = read_texts(svg)
    assert "without a readable judgment: DPO, β 0.05, seed 2; IPO, β 1" in texts
    assert "without one in a category: Hinge (SLiC), β 0.05 (math)" in texts
    assert "without an interval: Hinge (SLiC), β 0.25" in texts
    # Its row is there all the same, with 160 failed judgments.
    assert ("0" in texts, "160" in texts) == (True, True)
    radar, _ = get_axes(figure)
    hinge = next(line for line in radar.get_lines() if line.get_label() == "Hinge (SLiC), β 0.05")
    assert [bool(np.isnan(score)) for score in hinge.get_ydata()] == [
        name == "math" for name in CATEGORIES
    ] + [False]


def test_a_diverged_setting_is_crossed_out(scores, draw):
    """Its score is that of the last finite weights."""
    svg, figure = draw(scores)
    assert "β 100, published (diverged)" in read_texts(svg)
    _, axes = get_axes(figure)
    row = get_overall(scores)[lambda table: table["label"] == DIVERGED[1]]
    assert [place[0] for place in find_crosses(axes)] == [pytest.approx(row["score"].iloc[0])]


def test_an_alias_is_no_row_of_its_own(scores, draw):
    """It would count the same judgments twice."""
    cells = make_cells(make_runs())
    cells.loc[cells["label"] == "β_kl 0.25, β_mix 0.2", "alias_of"] = "dlrml/x/seed~1"
    texts = read_texts(draw(scores, cells)[0])
    assert "β_kl 0.25, β_mix 0.2" not in texts
    assert "β_kl 0.25, β_mix 0.05" in texts


def test_a_loss_has_one_colour(scores, draw):
    """The reader knows a loss by it in every figure."""
    radar, axes = get_axes(draw(scores)[1])
    assert {line.get_color() for line in radar.get_lines()} == {
        get_look(name).colour for name in set(scores["objective"])
    }
    colours = {container.lines[0].get_color() for container in axes.containers}
    assert colours == {get_look(name).colour for name in set(scores["objective"])}


def test_comparisons_are_drawn_in_percent(draw):
    """A study may compare pairs instead: the even share is a half, and the SFT model has no row."""
    scores = make_mt_bench(make_runs(FEW))[lambda table: table["objective"] != "sft"]
    shares = scores.drop(columns=["score", "score_se"]).assign(
        win_rate=0.25, win_rate_se=0.05, baseline="sft"
    )
    svg, figure = draw(shares)
    radar, axes = get_axes(figure)
    assert list(get_bars(axes).values()) == [pytest.approx((15.2, 34.8))] * 2
    assert radar.get_lines()[0].get_ydata() == pytest.approx([25.0] * 9)
    assert {"all questions, % won against SFT", "50 %: even"} <= set(read_texts(svg))


@pytest.mark.parametrize("count", [1, 20, 70])
def test_it_can_be_read_whatever_the_number_of_settings(count, draw, scores):
    """Letters over each other, or shrunk to fit, cannot be read."""
    if count != 20:
        settings = {
            ("dlrml", f"β_kl {1 + place // 7:g}, β_mix {1 + place % 7:g}"): (1, 2) for place in range(count)
        }
        scores = make_mt_bench(make_runs(settings))
    svg, figure = draw(scores)
    assert read_width(svg) <= 7.0
    assert figure.get_size_inches()[1] <= 10.5
    assert min(read_sizes(svg)) >= 6.0
    assert find_overlaps(figure) == []


@pytest.mark.parametrize(
    ("scores", "rings"),
    [
        ([], (0, 10, 2)),
        # The lowest score is off the centre, however even it is.
        ([1.0, 1.0], (0, 1, 1)),
        ([3.2, 7.1], (3, 8, 1)),
        ([1.2, 8.7], (0, 10, 2)),
        ([20.0, 70.0], (0, 80, 20)),
    ],
)
def test_the_rings_hold_all_scores(scores, rings):
    """A score at the centre or beyond the rim has no place on its line."""
    assert get_rings(scores) == rings

"""The forest shows every difference of its table where it is, and says what could not be compared."""

import math

import numpy as np
import pandas as pd
import pytest
from captured import Capture, find_crosses, find_overlaps, get_bars, get_points
from made_up_scores import DIVERGED, lose_difference, make_cells, make_comparisons, make_runs
from matplotlib.patches import Rectangle
from svg import read_sizes, read_texts, read_width

from lossgrid.figures import forest
from lossgrid.figures.forest import plot_forest
from lossgrid.figures.forest_panel import find_limits
from lossgrid.figures.looks import get_look

TITLE = "A study of losses"
METRICS = {"mt_bench": 0.25, "win_rate": 1.5, "lc_win_rate": 1.6}
SMALL = {("dpo", "β 0.1"): (1, 2), ("ipo", "β 0.1"): (1,), ("ipo", "β 1"): (1,)}


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """A function that draws a table and returns the SVG file and the figure."""
    capture = Capture(monkeypatch, forest)

    def draw(comparisons, cells):
        path = tmp_path / "differences.svg"
        plot_forest(comparisons, cells, TITLE, [path])
        return path, capture.figure

    return draw


@pytest.fixture
def runs() -> pd.DataFrame:
    """Twenty settings and the SFT model, two seeds of some."""
    return make_runs()


@pytest.fixture
def small() -> pd.DataFrame:
    """Three settings with round numbers: found, not found, and nothing to find."""
    table = make_comparisons(make_runs(SMALL), {"mt_bench": 0.25})
    table.loc[0, ["difference", "low", "high", "q", "mde", "seed_values"]] = [
        0.5,
        0.1,
        0.9,
        0.04,
        0.6,
        "1:0.3 2:0.7",
    ]
    table.loc[1, ["difference", "low", "high", "q", "mde"]] = [-0.3, -0.7, 0.1, 0.06, 0.55]
    table.loc[2, ["difference", "low", "high", "q", "mde"]] = [-0.5, -0.8, -0.2, math.nan, 0.4]
    return table.assign(clusters=[80, 79, 80], left_out=[0, 2, 0])


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_drawn_twice_it_is_the_same_to_the_byte(ending, runs, tmp_path):
    """Results could not be compared between machines."""
    paths = [tmp_path / name / f"differences.{ending}" for name in "ab"]
    for path in paths:
        plot_forest(make_comparisons(runs, METRICS), make_cells(runs), TITLE, [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_table_from_its_file_gives_the_same_figure(runs, tmp_path):
    """Files have no types: empty labels, whole numbers and turns must be read as what they were."""
    tables = make_comparisons(runs, METRICS), make_cells(runs)
    for number, table in enumerate(tables):
        table.to_csv(tmp_path / f"{number}.csv", index=False)
    read = [pd.read_csv(tmp_path / f"{number}.csv", float_precision="round_trip") for number in range(2)]
    paths = [tmp_path / name / "figure.svg" for name in "ab"]
    for source, path in zip((tables, read), paths, strict=True):
        plot_forest(*source, TITLE, [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_every_difference_is_where_the_table_says(small, draw):
    """Differences and the table's own intervals, which know how few the clusters are; the seeds beside them."""
    _, figure = draw(small, make_cells(make_runs(SMALL)))
    (axes,) = figure.axes
    bars = get_bars(axes)
    assert [place[0] for place in bars] == [0.5, -0.3, -0.5]
    intervals = ((0.1, 0.9), (-0.7, 0.1), (-0.8, -0.2))
    assert list(bars.values()) == [pytest.approx(ends) for ends in intervals]
    dpo = next(iter(bars))[1]
    assert get_points(axes) == [(0.3, dpo), (0.7, dpo)]
    names = {
        tick.get_text(): place for tick, place in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
    }
    assert [place[1] for place in bars] == [names["DPO, β 0.1"], names["β 0.1"], names["β 1"]]


def test_the_band_is_the_minimum_detectable_difference(small, draw):
    """A null result says nothing unless it is known what would have been found."""
    _, figure = draw(small, make_cells(make_runs(SMALL)))
    bands = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert [(band.get_x(), band.get_x() + band.get_width()) for band in bands] == [
        pytest.approx((-reach, reach)) for reach in (0.6, 0.55, 0.4)
    ]


def test_what_was_found_is_filled(small, draw):
    """At a false discovery rate of 5 %; a difference without a q is none."""
    _, figure = draw(small, make_cells(make_runs(SMALL)))
    fills = [container.lines[0].get_markerfacecolor() for container in figure.axes[0].containers]
    assert fills == [get_look("dpo").colour, "white", "white"]
    assert [container.lines[0].get_color() for container in figure.axes[0].containers] == [
        get_look(name).colour for name in ("dpo", "ipo", "ipo")
    ]


def test_it_names_metrics_units_baseline_settings_and_counts(small, draw):
    """A difference without its unit, its baseline and its n is no result."""
    texts = read_texts(draw(small, make_cells(make_runs(SMALL)))[0])
    for expected, times in {
        "MT-Bench": 1, "difference, points": 1, "questions": 1, "DPO, β 0.1": 1, "IPO": 1, "β 0.1": 1, "β 1": 1,
        "80": 2, "79 (2)": 1, "q ≤ 0.05 (Benjamini–Hochberg)": 1, "seed": 1,
        "below the minimum detectable difference": 1,
    }.items():  # fmt: skip
        assert texts.count(expected) == times, expected
    assert any(text.startswith("Differences from SFT, paired, with 95 % intervals") for text in texts)


def test_several_baselines_have_panels_of_their_own(runs, draw):
    """The reward is compared with SFT as well: each panel says what is subtracted."""
    baseline = "dpo/β~0.05"
    table = pd.concat(
        [
            make_comparisons(runs, {"reward": 0.05}, baseline),
            make_comparisons(runs, {"reward": 0.05}),
            make_comparisons(runs, METRICS, baseline),
        ],
        ignore_index=True,
    )
    svg, figure = draw(table, make_cells(runs))
    texts = read_texts(svg)
    headings = [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes if axes.axison]
    assert headings == [
        "reward, minus DPO, β 0.05", "reward, minus SFT", "MT-Bench, minus DPO, β 0.05",
        "win rate, minus DPO, β 0.05", "length-controlled win rate, minus DPO, β 0.05",
    ]  # fmt: skip
    assert texts.count("baseline") == 4
    assert texts.count("difference, percentage points") == 2
    # The baseline's row is the first of its loss, though the first panel has no comparison of it.
    ticks = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert ticks[:3] == ["DPO", "β 0.05", "β 0.25"]
    assert find_overlaps(figure) == []
    assert read_width(svg) <= 7.0


def test_what_lies_far_beyond_is_an_arrow_with_its_numbers(runs, draw):
    """One collapsed policy would squeeze all others into a line at 0."""
    table = make_comparisons(runs, {"win_rate": 1.5})
    far = table["label"] == DIVERGED[1]
    table.loc[far, ["difference", "low", "high", "p", "q"]] = [-47.0, -50.5, -43.5, math.nan, math.nan]
    svg, figure = draw(table, make_cells(runs))
    axes = figure.axes[0]
    assert "◂ −47 [−50.5, −43.5]" in read_texts(svg)
    assert axes.get_xlim()[0] > -30
    others = table[~far]
    assert {place[0] for place in get_bars(axes)} == set(others["difference"])
    assert axes.get_xlim()[0] < others["low"].min() < others["high"].max() < axes.get_xlim()[1]


def test_limits_hold_all_that_is_alike():
    """Clipped are outliers, never a wide spread."""
    rows = pd.DataFrame({"difference": np.linspace(-9, 9, 10), "seed_values": "1:0"})
    left, right = find_limits(rows.assign(low=rows["difference"] - 1, high=rows["difference"] + 1, mde=2.0))
    assert left < -10 < 10 < right


def test_what_could_not_be_compared_is_said(runs, draw):
    """A setting without a shared judgment would else look like one that was never run."""
    table = make_comparisons(runs, METRICS)
    own = (table["objective"] == "ipo") & (table["label"] == "β 1")
    table = lose_difference(table, own & (table["metric"] == "win_rate"))
    unsure = own & (table["metric"] == "mt_bench")
    table.loc[unsure, ["se", "low", "high", "p", "q", "mde"]] = math.nan
    svg, figure = draw(table, make_cells(runs))
    texts = read_texts(svg)
    assert "without a difference in win rate: IPO, β 1" in texts
    assert "without an interval in MT-Bench: IPO, β 1" in texts
    bars = [get_bars(axes) for axes in figure.axes]
    assert [len(panel) for panel in bars] == [20, 19, 20]
    place = (table.loc[unsure, "difference"].iloc[0], figure.axes[0].get_yticks()[7])
    assert bars[0][place] is None


def test_a_diverged_setting_is_crossed_out_and_an_alias_left_out(runs, draw):
    """The first never ranks as healthy, the second would be the same runs twice."""
    table = make_comparisons(runs, {"mt_bench": 0.25})
    cells = make_cells(runs)
    cells.loc[cells["label"] == "β_kl 0.25, β_mix 0.2", "alias_of"] = "dlrml/x/seed~1"
    svg, figure = draw(table, cells)
    texts = read_texts(svg)
    own = table.loc[table["label"] == DIVERGED[1], "difference"].iloc[0]
    assert [place[0] for place in find_crosses(figure.axes[0])] == [pytest.approx(own)]
    assert "diverged" in texts
    assert "β_kl 0.25, β_mix 0.2" not in texts


def test_a_baseline_that_diverged_is_called_so(small, draw):
    """Nothing can be concluded from a difference to its last finite weights."""
    cells = make_cells(make_runs(SMALL), diverged=("ipo", "β 1"))
    table = small[:2].assign(baseline="ipo/β~1", q=math.nan)
    texts = read_texts(draw(table, cells)[0])
    assert any(text.startswith("Differences from IPO, β 1 (diverged), paired") for text in texts)


def test_a_diverged_setting_is_never_found(small, draw):
    """Its weights are not those of its recipe."""
    cells = make_cells(make_runs(SMALL), diverged=("dpo", "β 0.1"))
    _, figure = draw(small, cells)
    assert figure.axes[0].containers[0].lines[0].get_markerfacecolor() == "white"


def test_a_study_with_nothing_to_compare_gets_a_figure_that_says_so(small, draw):
    """The workflow may ask for the figure of every study."""
    texts = read_texts(draw(small[:0], make_cells(make_runs(SMALL)))[0])
    assert texts == ["the study has nothing to compare", TITLE]


@pytest.mark.parametrize("metrics", [{"mt_bench": 0.25}, METRICS | {"summary_win_rate_sft": 2.0}])
@pytest.mark.parametrize("count", [1, 70])
def test_it_can_be_read_whatever_the_number_of_settings(count, metrics, draw):
    """Letters over each other, or shrunk to fit, cannot be read."""
    settings = {
        ("dlrml", f"β_kl {1 + place // 7:g}, β_mix {1 + place % 7:g}"): (1, 2) for place in range(count)
    }
    runs = make_runs(settings)
    svg, figure = draw(make_comparisons(runs, metrics), make_cells(runs))
    assert read_width(svg) <= 7.0
    assert figure.get_size_inches()[1] <= 11
    assert min(read_sizes(svg)) >= 6.0
    assert find_overlaps(figure) == []

"""Win rates over length: both rates where the table has them, and nothing left unsaid."""

import math

import pandas as pd
import pytest
from captured import Capture, find_crosses
from made_up_scores import DIVERGED, TITLES, make_cells, make_leaderboard, make_runs
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.patches import ConnectionPatch
from svg import read_sizes, read_texts, read_width

from lossgrid.figures import win_rate_length
from lossgrid.figures.frontier import FEW, NAMED
from lossgrid.figures.looks import get_look
from lossgrid.figures.win_rate_length import plot_win_rate_length
from lossgrid.objectives.catalogue import CATALOGUE

TITLE = "A study of losses"
SMALL = {("dpo", "β 0.1"): (1, 2), ("ipo", "β 0.1"): (1,)}


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """A function that draws a table and returns the SVG file, the axes and the figure."""
    capture = Capture(monkeypatch, win_rate_length)

    def draw(leaderboard, cells=None, **options):
        path = tmp_path / "win_rates.svg"
        plot_win_rate_length(
            leaderboard, make_cells(leaderboard) if cells is None else cells, TITLE, [path], **options
        )
        return path, capture.figure.axes[0], capture.figure

    return draw


@pytest.fixture
def leaderboard() -> pd.DataFrame:
    """Twenty settings and the SFT model, two seeds of some."""
    return make_leaderboard(make_runs())


@pytest.fixture
def pair() -> pd.DataFrame:
    """Two seeds of DPO with round numbers, one of IPO, and the SFT model."""
    table = make_leaderboard(make_runs(SMALL))
    numbers = ["avg_length", "win_rate", "standard_error", "lc_study", "lc_study_standard_error"]
    table.loc[table["cell"] == "dpo/β~0.1/seed~1", numbers] = [1000.0, 60.0, 1.0, 55.0, 0.5]
    table.loc[table["cell"] == "dpo/β~0.1/seed~2", numbers] = [2000.0, 70.0, 2.0, 57.0, 1.5]
    table.loc[table["objective"] == "ipo", numbers] = [1800.0, 52.0, 1.5, 54.0, 1.0]
    return table


def get_intervals(axes) -> list[tuple[float, float, float]]:
    """Length and ends of every interval."""
    segments = [line.get_segments()[0] for bar in axes.containers for line in bar.lines[2]]
    return [(float(one[0][0]), float(one[0][1]), float(one[1][1])) for one in segments]


def get_fills(axes) -> dict[tuple[float, float], str]:
    """The colour inside every point, by its place."""
    drawn = [points for points in axes.collections if isinstance(points, PathCollection)]
    return {
        tuple(map(float, place)): to_hex(points.get_facecolor()[0]).upper()
        for points in drawn
        for place in points.get_offsets()
    }


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_drawn_twice_it_is_the_same_to_the_byte(ending, leaderboard, tmp_path):
    """Results could not be compared between machines."""
    paths = [tmp_path / name / f"win_rates.{ending}" for name in "ab"]
    for path in paths:
        plot_win_rate_length(leaderboard, make_cells(leaderboard), TITLE, [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_table_from_its_file_gives_the_same_figure(leaderboard, tmp_path):
    """Files have no types: empty labels, whole numbers and turns must be read as what they were."""
    tables = leaderboard, make_cells(leaderboard)
    for number, table in enumerate(tables):
        table.to_csv(tmp_path / f"{number}.csv", index=False)
    read = [pd.read_csv(tmp_path / f"{number}.csv", float_precision="round_trip") for number in range(2)]
    paths = [tmp_path / name / "figure.svg" for name in "ab"]
    for source, path in zip((tables, read), paths, strict=True):
        plot_win_rate_length(*source, TITLE, [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_both_rates_are_means_over_seeds_with_their_intervals(pair, draw):
    """60 ± 1.96·1 and 70 ± 1.96·2 over 1,000 and 2,000 characters are 65 ± 1.96·1.5 over 1,500."""
    _, axes, _ = draw(pair)
    fills, intervals = get_fills(axes), get_intervals(axes)
    for (length, rate), error in {
        (1500.0, 65.0): 1.5, (1500.0, 56.0): 1.0, (1800.0, 52.0): 1.5, (1800.0, 54.0): 1.0,
    }.items():  # fmt: skip
        assert (length, rate) in fills
        assert pytest.approx((length, rate - 1.96 * error, rate + 1.96 * error)) in intervals
    assert len(intervals) == 6
    # The seeds; the two rates of DPO, of IPO, and of the SFT model, which are one place.
    assert {(1000.0, 60.0), (2000.0, 70.0)} <= set(fills)
    assert len(fills) == 7
    joined = [artist for artist in axes.get_children() if isinstance(artist, ConnectionPatch)]
    assert [(line.xy1, line.xy2) for line in joined][1] == ((1500.0, 65.0), (1500.0, 56.0))


def test_the_judged_rate_is_filled_and_the_controlled_one_hollow(pair, draw):
    """Which is which decides what a reader believes of a loss that writes more."""
    _, axes, _ = draw(pair)
    fills = get_fills(axes)
    assert (fills[1500.0, 65.0], fills[1500.0, 56.0]) == (get_look("dpo").colour, "#FFFFFF")


def test_every_interval_is_on_the_axes(pair, draw):
    """One that is cut off looks narrower than it is."""
    pair["standard_error"] = 9.0
    pair["lc_study_standard_error"] = 15.0
    _, axes, _ = draw(pair)
    low, high = axes.get_ylim()
    for _, lowest, highest in get_intervals(axes):
        assert low < lowest
        assert highest < high


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("lc_study", "length-controlled (lc_study)"),
        ("length_controlled_winrate", "length-controlled (AlpacaEval)"),
    ],
)
def test_it_says_which_length_control_it_is(column, name, draw):
    """The study's own and AlpacaEval's are different numbers."""
    texts = read_texts(draw(make_leaderboard(make_runs(SMALL), column))[0])
    assert sum(text.startswith("length-controlled (") for text in texts) == 1
    assert name in texts


def test_the_lines_are_an_even_rate_and_the_baseline_s_length(pair, draw):
    """A win rate of longer answers means something else than one of shorter."""
    svg, axes, _ = draw(pair, judge="gpt-4, 2026-05")
    lines = [tuple(map(tuple, line.get_xydata())) for line in axes.get_lines()]
    assert ((1500.0, 0.0), (1500.0, 1.0)) in lines
    assert ((0.0, 50.0), (1.0, 50.0)) in lines
    texts = read_texts(svg)
    # The SFT model's comparisons with itself are no judgments.
    failed, judged = pair["n_error"][1:].sum(), pair["n_ok"][1:].sum()
    for expected in (
        "length of SFT: 1,500", "50 %: even", "win rate against SFT, %", "mean length of an answer, characters",
        f"{TITLE}; judge: gpt-4, 2026-05", "DPO", "IPO", "SFT", "β 0.1",
        f"805 prompts a run; {failed:,} of {failed + judged:,} judgments failed; 95 % intervals",
    ):  # fmt: skip
        assert expected in texts, expected


def test_another_baseline_is_named_with_its_length(pair, draw):
    """Against a model that always wins, half is far off, and the figure says so."""
    for column in ("win_rate", "lc_study"):
        pair[column] /= 10
    svg, axes, _ = draw(pair, baseline="GPT-4", baseline_length=2049.0)
    assert {"length of GPT-4: 2,049", "win rate against GPT-4, %", "(50 % is beyond the axis)"} <= set(
        read_texts(svg)
    )
    assert axes.get_ylim()[1] < 20
    assert ((2049.0, 0.0), (2049.0, 1.0)) in [
        tuple(map(tuple, line.get_xydata())) for line in axes.get_lines()
    ]


def test_what_is_missing_is_said(leaderboard, draw):
    """A run that the judge could not read would else look like one that was never run."""
    rates = ["win_rate", "standard_error", "lc_study", "lc_study_standard_error"]
    table = leaderboard.set_index("cell")
    table.loc["ipo/β~1/seed~1", [*rates, "avg_length"]] = math.nan
    table.loc["dpo/β~0.05/seed~2", rates] = math.nan
    table.loc["ipo/β~0.05/seed~1", "avg_length"] = math.nan
    table.loc["hinge/β~0.05/seed~1", ["lc_study", "lc_study_standard_error"]] = math.nan
    table.loc["hinge/β~0.25/seed~1", "lc_study_standard_error"] = math.nan
    svg, axes, _ = draw(table.reset_index())
    texts = read_texts(svg)
    for expected in (
        "without a readable judgment: IPO, β 1", "seeds without a readable judgment: DPO, β 0.05 (1)",
        "without a length: IPO, β 0.05", "without a length-controlled rate: Hinge (SLiC), β 0.05",
        "without an interval: Hinge (SLiC), β 0.25",
    ):  # fmt: skip
        assert expected in texts, expected
    hinge = table.loc["hinge/β~0.25/seed~1"]
    assert (hinge["avg_length"], hinge["lc_study"]) in get_fills(axes)
    assert [length for length, *_ in get_intervals(axes)].count(hinge["avg_length"]) == 1


def test_a_table_without_length_control_says_so(pair, draw):
    """The hollow marks would be looked for."""
    svg, axes, _ = draw(pair.drop(columns=["lc_study", "lc_study_standard_error"]))
    assert "without a length-controlled rate: every run: not in the table" in read_texts(svg)
    assert len(get_intervals(axes)) == 3


def test_a_diverged_setting_is_crossed_out_and_never_among_the_best(leaderboard, draw):
    """Its answers are those of the last finite weights."""
    diverged = leaderboard["label"] == DIVERGED[1]
    leaderboard.loc[diverged, ["win_rate", "lc_study"]] = 99.0
    svg, axes, _ = draw(leaderboard)
    length = leaderboard.loc[diverged, "avg_length"].iloc[0]
    assert find_crosses(axes) == [(length, 99.0)]
    assert "β 100, published (diverged)" in read_texts(svg)
    more = make_leaderboard(make_runs({("dlrml", f"β_kl {n}"): (1,) for n in range(FEW + 1)}))
    more.loc[3, "lc_study"] = 99.0
    assert "β_kl 2" in read_texts(draw(more)[0])
    assert "β_kl 2" not in read_texts(draw(more, make_cells(more, ("dlrml", "β_kl 2")))[0])


def test_of_many_settings_the_best_and_the_worst_are_named(draw):
    """Seventy labels cover the points; the length-controlled rate decides, longer answers do not."""
    table = make_leaderboard(make_runs({("dlrml", f"β_kl {n}"): (1, 2) for n in range(70)}))
    texts = read_texts(draw(table)[0])
    order = table[1:].groupby("label")["lc_study"].mean().sort_values().index
    assert {text for text in texts if text.startswith("β_kl")} == {*order[:NAMED], *order[-NAMED:]}
    assert any(text.endswith("labelled: the 3 best and 3 worst") for text in texts)


def test_many_losses_have_their_titles_beside_their_points(draw):
    """Thirty points called β 0.1 say nothing."""
    losses = [name for name in CATALOGUE if name != "sft"]
    texts = read_texts(draw(make_leaderboard(make_runs({(name, "β 0.1"): (1,) for name in losses})))[0])
    titles = [TITLES.get(name, name) for name in losses]
    assert {title: texts.count(title) for title in titles} == dict.fromkeys(titles, 1)
    assert "β 0.1" not in texts


@pytest.mark.parametrize("lengths", [(0.0, 40.0, 30000.0), (900.0, 1000.0, 1100.0)])
def test_every_length_has_a_place(lengths, pair, draw):
    """A collapsed policy says nothing at all, or never stops."""
    table = pair[pair["seed"].fillna(1) == 1].assign(avg_length=lengths)
    _, axes, _ = draw(table)
    left, right = axes.get_xlim()
    assert left < min(lengths) <= max(lengths) < right
    assert (axes.get_xscale() == "symlog") == (max(lengths) > 8 * min(lengths))


@pytest.mark.parametrize("settings", [{("dpo", "β 0.1"): (1,)}, None])
def test_it_fits_a_page_and_can_be_read(settings, draw):
    """Wider than 7 inches, a journal would shrink it until nobody can read it."""
    svg, *_ = draw(make_leaderboard(make_runs(settings)))
    assert read_width(svg) <= 7.0
    assert min(read_sizes(svg)) >= 6.0

"""Every figure says what it shows, whatever the study holds."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes
from svg import read_sizes, read_texts, read_width

from lossgrid.figures.frontier import plot_frontier
from lossgrid.figures.plane import plot_plane
from lossgrid.figures.style import LEAST_SIZE, TEXT_WIDTH
from lossgrid.figures.training_curves import plot_training_curves

TITLE = "A study of losses"
FORMATS = {"pdf": b"%PDF-", "svg": b"<?xml", "png": b"\x89PNG"}


@pytest.fixture
def draw(tmp_path, logs):
    """A function that draws a figure of a table and gives its files by their format."""

    def draw(name, cells, folder="figures"):
        paths = {ending: tmp_path / folder / f"{name}.{ending}" for ending in FORMATS}
        if name == "training_curves":
            steps = [{"step": 1, "rho_median": 0.1, "accuracy": 0.5, "grad_norm": 1.0}]
            own = {cell: logs.get(cell, steps) for cell in cells["cell"]}
            plot_training_curves(cells, own, TITLE, list(paths.values()))
        else:
            {"frontier": plot_frontier, "plane": plot_plane}[name](cells, TITLE, list(paths.values()))
        return paths

    return draw


FIGURES = ["frontier", "plane", "training_curves"]


@pytest.mark.parametrize("name", FIGURES)
def test_drawn_twice_a_figure_is_the_same_to_the_byte(name, cells, draw):
    """Results could not be compared between machines, and version control would see changes in every run."""
    first, second = draw(name, cells, "first"), draw(name, cells, "second")
    for ending, start in FORMATS.items():
        content = first[ending].read_bytes()
        assert content.startswith(start)
        assert content == second[ending].read_bytes(), ending
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", FIGURES)
def test_fits_a_page_and_its_letters_can_be_read(name, cells, draw):
    """Wider than the text of a paper, a journal would shrink it until nobody can read it."""
    svg = draw(name, cells)["svg"]
    assert read_width(svg) == TEXT_WIDTH
    assert min(read_sizes(svg)) >= LEAST_SIZE


def test_the_frontier_names_every_setting_loss_and_axis(cells, draw):
    """A point without its setting cannot be found in the table, nor redone."""
    texts = read_texts(draw("frontier", cells)["svg"])
    for expected in (
        TITLE, "KL(policy ‖ reference) of a response, nats", "true reward of a response, points",
        "DPO", "IPO", "Hinge (SLiC)", "DiscoPOP (LRML)", "dLRML", "SFT = reference (512 responses a run; bars: 95 %)",
        "diverged: last finite weights", "β 5, published (diverged)", "β 5", "β 1",
        "β_kl 0.05, β_mix 0.01", "β_kl 0.05, β_mix 0.2",
    ):  # fmt: skip
        assert texts.count(expected) == 1, expected
    # Settings of DPO and DiscoPOP, and of IPO and the hinge.
    assert (texts.count("β 0.05"), texts.count("β 0.25")) == (2, 2)
    assert "β_kl 0.05, β_mix 0.05" not in texts, "an alias would be drawn over its trained cell"


def test_the_frontier_says_which_cells_have_no_scores(cells, draw):
    """A diverged cell without finite scores has no place on the axes and must not vanish."""
    texts = read_texts(draw("frontier", cells)["svg"])
    assert "without finite scores: DiscoPOP (LRML) β 9, published (diverged)" in texts


def test_the_frontier_shows_a_negative_estimate_and_a_collapse(cells, draw, monkeypatch):
    """KL estimates of weak training fall below 0, a collapsed policy's reach hundreds of nats."""
    limits = []
    keep = Axes.set_xlabel
    monkeypatch.setattr(Axes, "set_xlabel", lambda axes, *a, **k: (limits.append(axes), keep(axes, *a, **k)))
    draw("frontier", cells)
    low, high = limits[0].get_xlim()
    assert low < -0.004 - 1.96 * 0.02 < 0 < 300 < high


def test_a_frontier_joins_settings_of_one_shape_alone(cells, draw, monkeypatch):
    """A line between r = 4 and r = 80 would suggest losses in between that behave in between."""
    curves = []
    keep = Axes.plot

    def plot(axes, x, y, **style):
        curves.append((style.get("linewidth"), style["color"], list(x), list(y)))
        return keep(axes, x, y, **style)

    monkeypatch.setattr(Axes, "plot", plot)
    draw("frontier", cells)
    joined = [(colour, x) for width, colour, x, _ in curves if width == 1.2 and len(x) > 1]
    # DPO's means at β 0.05 and 1; DiscoPOP's at β 0.05 and 5, without the diverged one.
    assert joined == [("#0072B2", pytest.approx([1.05, 0.05])), ("#009E73", pytest.approx([300.0, 0.011]))]


def test_a_study_without_modulated_cells_gets_a_plane_that_says_so(single_cell, draw):
    """The workflow asks for the figure of every study; a failure here would stop the report."""
    assert read_texts(draw("plane", single_cell)["svg"]) == ["the study has no modulated cell", TITLE]


def test_the_training_curves_name_every_loss_setting_and_axis(cells, draw):
    """Which line is which must be on the figure, aliases left out."""
    texts = read_texts(draw("training_curves", cells)["svg"])
    for expected in (
        "median margin ρ, nats", "share of pairs with ρ > 0", "gradient norm before clipping",
        "DPO", "IPO", "Hinge (SLiC)", "DiscoPOP (LRML)", "dLRML", "β 1", "β 5", "β 9, published",
        "β_kl 0.05, β_mix 0.01", "β_kl 0.05, β_mix 0.2",
    ):  # fmt: skip
        assert texts.count(expected) == 1, expected
    assert texts.count("optimiser step") == 5
    (notes,) = [text for text in texts if "×: diverged" in text]
    # Two evaluations of one setting have one entry, and the lines say which is which.
    assert "published evaluation: dashed" in notes
    assert "β 5, published" not in texts
    assert "β_kl 0.05, β_mix 0.05" not in texts


def test_a_diverged_run_ends_in_a_cross_at_its_last_finite_mean(cells, draw, monkeypatch):
    """Without it a run that was stopped looks like one that was short."""
    crosses = []
    keep = Axes.scatter

    def scatter(axes, x, y, **style):
        crosses.append((x, y))
        return keep(axes, x, y, **style)

    monkeypatch.setattr(Axes, "scatter", scatter)
    draw("training_curves", cells)
    # β 5, published stops at step 7: margins 0.1 to 0.6, accuracies 0.51 to 0.57, norms 10/1 to 10/6.
    # β 9, published has margins 1.2 to 1.9 in its last window and no finite gradient norm to put a cross at.
    norm = sum(10 / step for step in range(1, 7)) / 6
    assert [step for step, _ in crosses] == [7, 7, 7, 20, 20]
    assert [height for _, height in crosses] == pytest.approx([0.35, 0.54, norm, 1.6, 0.665], abs=1e-9)


@pytest.mark.parametrize("name", FIGURES)
def test_a_single_cell_is_drawn(name, single_cell, draw):
    """The first thing that a new user builds is a study of one cell."""
    texts = read_texts(draw(name, single_cell)["svg"])
    assert any(TITLE in text for text in texts)
    assert name == "plane" or {"DPO", "β 0.1"} <= set(texts)

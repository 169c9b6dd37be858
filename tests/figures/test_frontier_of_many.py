"""The frontier can be read whether a study compares many losses or sweeps over one."""

from collections import Counter

import pytest
from captured import Capture
from made_up_cells import make_cell, make_table
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from svg import read_sizes, read_texts, read_width

from lossgrid.figures import frontier
from lossgrid.figures.frontier import FEW, NAMED, PALE, plot_frontier
from lossgrid.figures.looks import get_look
from lossgrid.figures.style import fade
from lossgrid.objectives.catalogue import CATALOGUE

BETAS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5]
MIXES = [0.01, 0.05, 0.1, 0.25, 0.5]


@pytest.fixture
def catalogue():
    """Every preference loss at one setting, along a frontier."""
    rows = [
        make_cell("dpo", "β 0.1", 0.05 * 1.15**place, 0.5 + place / 30)
        | {"objective": name, "title": objective.title, "cell": f"{name}/beta~0.1/seed~1", "beta": 0.1}
        for place, (name, objective) in enumerate(CATALOGUE.items())
        if name != "sft"
    ]
    return make_table(rows)


@pytest.fixture
def sweep():
    """A sweep of dLRML over β_kl and β_mix, without ties among the best and the worst."""
    rows = [
        make_cell(
            "dlrml", f"β_kl {beta_kl:g}, β_mix {beta_mix:g}", 0.05 / beta_kl, beta_mix - beta_kl,
            beta_kl=beta_kl, beta_mix=beta_mix,
        )
        for beta_kl in BETAS
        for beta_mix in MIXES
    ]  # fmt: skip
    return make_table([make_cell("dpo", "β 0.05", 1.0, 0.3, beta=0.05), *rows])


@pytest.fixture
def draw(tmp_path):
    def draw(cells):
        path = tmp_path / "frontier.svg"
        plot_frontier(cells, "A study", [path])
        return path

    return draw


def test_many_losses_have_their_titles_beside_their_points(catalogue, draw):
    """Thirty points called β 0.1 say nothing, and nobody finds thirty markers in a legend."""
    svg = draw(catalogue)
    said = Counter(read_texts(svg))
    assert {title: said[title] for title in catalogue["title"][1:]} == dict.fromkeys(
        catalogue["title"][1:], 1
    )
    assert said["β 0.1"] == 0
    assert read_width(svg) <= 7.0
    assert min(read_sizes(svg)) >= 6.0


def test_a_second_setting_of_one_of_many_losses_is_told_apart(catalogue, draw):
    """Two points of one name would leave open which is which."""
    more = make_cell("dpo", "β 1", 0.01, 0.6, beta=1.0)
    said = Counter(read_texts(draw(make_table([*catalogue[1:].to_dict("records"), more]))))
    assert (said["DPO, β 0.1"], said["DPO, β 1"], said["DPO"]) == (1, 1, 0)


def test_of_a_sweep_the_best_and_the_worst_are_named(sweep, draw):
    """Thirty labels with two values each cover the points."""
    assert len(sweep) > FEW
    said = Counter(read_texts(draw(sweep)))
    ordered = sweep[1:].sort_values("reward")["label"]
    named = {*ordered[:NAMED], *ordered[-NAMED:]}
    assert {label for label in sweep["label"] if said[label]} == named
    assert (said["dLRML"], said["DPO"], said[PALE]) == (1, 1, 1)


def test_a_sweep_shows_which_settings_start_in_the_wrong_direction(sweep, draw, monkeypatch):
    """A ratio β_mix/(0.05·β_kl) above 9.777 is what makes half of such a sweep fail."""
    fills, keep = {}, Axes.scatter

    def scatter(axes, x, y, **style):
        if isinstance(style["color"], list):
            fills.update({(kl, reward): fill for kl, reward, fill in zip(x, y, style["color"], strict=True)})
        return keep(axes, x, y, **style)

    monkeypatch.setattr(Axes, "scatter", scatter)
    draw(sweep)
    full = get_look("dlrml").colour
    expected = {
        (row.kl, row.reward): to_hex(fade(full) if row.beta_mix / (0.05 * row.beta_kl) > 9.777 else full)
        for row in sweep[2:].itertuples()
    }
    assert {place: to_hex(fills[place]) for place in expected} == expected
    assert len(set(expected.values())) == 2


def test_no_curve_runs_through_a_cloud_of_ratios(sweep, draw, monkeypatch):
    """A curve for each of twenty ratios is a web that hides the points."""
    curves, keep = [], Axes.plot
    monkeypatch.setattr(
        Axes,
        "plot",
        lambda axes, x, y, **style: (curves.append((list(x), style)), keep(axes, x, y, **style))[1],
    )
    draw(sweep)
    assert [x for x, style in curves if style.get("linewidth") == 1.2 and len(x) > 1] == []


def test_the_two_evaluations_are_two_curves(draw, monkeypatch):
    """One curve through both would go to and fro between runs of the same setting."""
    rows = [
        make_cell("discopop", f"β {beta:g}, {evaluation}", 0.1 / beta, beta, beta=beta, evaluation=evaluation)
        for beta in (0.05, 0.25)
        for evaluation in ("log_space", "published")
    ]
    curves, keep = [], Axes.plot
    monkeypatch.setattr(
        Axes,
        "plot",
        lambda axes, x, y, **style: (curves.append((list(x), style)), keep(axes, x, y, **style))[1],
    )
    draw(make_table(rows))
    assert [x for x, style in curves if style.get("linewidth") == 1.2 and x] == [[2.0, 0.4]] * 2


@pytest.mark.parametrize("between", [(0.19, 0.67), (0.5, 40.0)])
def test_the_kl_axis_can_be_read(between, draw, monkeypatch):
    """Powers of ten alone leave 0.1 as the only number beside runs between 0.19 and 0.67 nats."""
    captured = Capture(monkeypatch, frontier)
    rows = [make_cell("dpo", f"β {place}", kl, place, beta=1 + place) for place, kl in enumerate(between)]
    draw(make_table(rows))
    axis = captured.figure.axes[0].xaxis
    captured.figure.canvas.draw()
    low, high = axis.get_view_interval()
    shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    # The SFT model stands at 0.
    assert len({tick.label1.get_text() for tick in shown if tick.label1.get_text()} - {"0"}) >= 2
    assert len([tick for tick in shown if tick.label1.get_text()]) >= 3
    assert all(float(tick.label1.get_text()) == pytest.approx(tick.get_loc()) for tick in shown)


def test_cells_without_scores_do_not_widen_the_figure(sweep, draw):
    """A sweep of which most overflow must still fit the page."""
    sweep.loc[2:, ["kl", "reward"]] = float("nan")
    svg = draw(sweep)
    assert read_width(svg) <= 7.0
    assert any(f"{len(sweep) - 2 - FEW} more" in text for text in read_texts(svg))

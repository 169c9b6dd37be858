"""The plane says where the modulated losses learn and where they break, for few cells and for a sweep."""

import math

import pytest
from made_up_cells import make_cell, make_table
from matplotlib.axes import Axes
from svg import read_sizes, read_texts, read_width

from lossgrid.figures.plane import FEW, plot_plane

TITLE = "A study of losses"
BETAS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5]


@pytest.fixture
def draw(tmp_path):
    def draw(cells):
        path = tmp_path / "plane.svg"
        plot_plane(cells, TITLE, [path])
        return path

    return draw


@pytest.fixture
def sweep():
    """Forty-odd places in two evaluations; the published one overflows at β 5, β 0.05 has two seeds."""
    rows = []
    for evaluation in ("log_space", "published"):
        published = ", published" if evaluation == "published" else ""
        shared = {"evaluation": evaluation, "max_grad_norm": 1.0}
        for beta in [*BETAS, 2.5, 5.0]:
            broken = (
                {"status": "diverged", "steps": 8, "nonfinite_steps": 1} if published and beta == 5 else {}
            )
            for seed in (1, 2) if beta == 0.05 else (1,):
                changes = {**shared, "beta": beta, "seed": seed, **broken}
                rows.append(make_cell("discopop", f"β {beta:g}{published}", 1.0, 0.1 * seed, **changes))
        for beta_kl in BETAS:
            for beta_mix in (0.06, 0.12, 0.24, 0.48):
                changes = {**shared, "beta_kl": beta_kl, "beta_mix": beta_mix, "max_grad_norm": 20 * beta_mix}
                label = f"β_kl {beta_kl:g}, β_mix {beta_mix:g}{published}"
                rows.append(make_cell("dlrml", label, 1.0, -0.37, **changes))
    return make_table(rows)


def test_few_cells_have_each_seed_s_reward_steps_and_norm(cells, draw):
    """A mean over one good and one collapsed seed describes neither."""
    texts = read_texts(draw(cells))
    for expected in (
        TITLE, "β_kl, 1/nat", "β_mix (at τ = 0.05), 1/nat", "mean reward, points (white: SFT, 0.50)",
        "mean share of non-finite steps", "largest gradient norm (of finite ones)", "DiscoPOP", "dLRML",
        "diverged: last finite weights", "monotone, no exponential tail", "wrong sign at ρ = 0 (r > 9.777)", "r = 1",
        "r = 9.109", "1.60 ± 0.20 / 1.20 ± 0.20", "−2.00 ± 0.20", "0.61 ± 0.20", "0.60 ± 0.20 (published)",
        "2 × 0/20", "1/7 (published)", "20/20 (published)", "no finite score (published)",
        "0.25 / 0.25", "0.25 (published)", "published evaluation: the frame",
    ):  # fmt: skip
        assert expected in texts, expected
    assert not any("DPO" in text for text in texts)


def test_a_run_without_a_finite_gradient_says_so(cells, draw):
    """A missing number would be drawn as the smallest of all gradients."""
    cells.loc[cells["label"] == "β 9, published", "max_grad_norm"] = math.nan
    assert "none finite (published)" in read_texts(draw(cells))


def test_a_sweep_has_panels_for_each_evaluation_and_a_value_a_place(sweep, draw):
    """Forty labels with a word each cover the markers that they name."""
    assert len(sweep) > 2 * FEW
    svg = draw(sweep)
    texts = read_texts(svg)
    for heading in ("evaluated in log space", "published evaluation"):
        assert texts.count(heading) == 1
    assert texts.count("largest gradient norm before clipping") == 2
    # 24 places of dLRML in two evaluations, in fewer letters than 0.37 with its sign; DiscoPOP's means over seeds.
    assert texts.count("−.37") == 48
    assert (texts.count(".10"), texts.count(".15")) == (2 * 7, 2)
    assert texts.count("9.6") == 2 * len(BETAS)
    # An error of 0.1 in every cell; one interval for all leaves the places legible.
    assert texts.count("true reward, points, 95 %: ±0.20") == 2
    # Non-finite steps are named where there are some: 1 of 8.
    assert texts.count("12%") == 1
    assert "several seeds" in texts
    assert read_width(svg) <= 7.0
    assert min(read_sizes(svg)) >= 6.0


def test_a_sweep_tells_several_seeds_and_diverged_cells(sweep, draw, monkeypatch):
    """A mean is firmer than a single run, and a diverged cell's reward is that of its last finite weights."""
    drawn, keep = [], Axes.scatter

    def scatter(axes, *place, **style):
        drawn.append((place, style))
        return keep(axes, *place, **style)

    monkeypatch.setattr(Axes, "scatter", scatter)
    draw(sweep)
    thick = {place for place, style in drawn if style.get("linewidth") == 1.6 and place != ([], [])}
    crossed = [place for place, style in drawn if style.get("marker") == "x" and place != ([], [])]
    assert [*thick] == [pytest.approx((0.05, 0.05))]
    assert crossed == [pytest.approx((5.0, 5.0))] * 3


@pytest.mark.parametrize("evaluation", ["log_space", "published"])
def test_a_sweep_in_one_evaluation_needs_no_panels_for_the_other(evaluation, sweep, draw):
    """Empty panels would look like cells that failed."""
    texts = read_texts(draw(sweep[(sweep["objective"] == "sft") | (sweep["evaluation"] == evaluation)]))
    assert texts.count("largest gradient norm before clipping") == 1
    assert texts.count("−.37") == 24


def test_a_reward_just_below_zero_has_no_sign(sweep, draw):
    """−.00 would say more than two digits can."""
    sweep.loc[sweep["objective"] == "dlrml", "reward"] = -0.004
    texts = read_texts(draw(sweep))
    assert texts.count(".00") == 48
    assert "−.00" not in texts


def test_norms_of_every_size_are_written_short(sweep, draw):
    """An explosion to 1e6 must fit beside its marker."""
    dlrml = sweep["objective"] == "dlrml"
    sweep.loc[dlrml, "max_grad_norm"] = [3.21e6, 1234.5, 0.0123] * (dlrml.sum() // 3)
    texts = read_texts(draw(sweep))
    assert {"3e6", "1234", "0.012"} <= set(texts)

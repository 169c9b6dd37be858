"""The figure of the learned mix shows β_mix as it was logged, and where that is safe."""

import math

import numpy as np
import pandas as pd
import pytest
from made_up_cells import make_cell, make_table
from matplotlib.axes import Axes
from svg import read_sizes, read_texts, read_width

from lossgrid.figures.learned_mix import plot_learned_mix
from lossgrid.studies.start_warnings import BOUNDED_FROM, MONOTONE_UP_TO, RIGHT_START_UP_TO

TITLE = "A study of losses"
STEPS = 40
# What the study warns of as well: the figure and the warning must not disagree about a setting.
BOUNDS = (BOUNDED_FROM, MONOTONE_UP_TO, RIGHT_START_UP_TO)


def make_learned(beta_kl: float, beta_mix: float, seed: int = 1, **changes) -> dict:
    label = f"β_kl {beta_kl:g}, β_mix {beta_mix:g}, mix_learning_rate 0.01"
    shared = {"beta_kl": beta_kl, "beta_mix": beta_mix, "tau": 0.05, "evaluation": "log_space"}
    return make_cell("dlrml_learned", label, 1.0, 1.0, seed=seed, **(shared | changes))


@pytest.fixture
def cells() -> pd.DataFrame:
    """Two strengths, two seeds, a diverged run, and a cell of another loss."""
    return make_table(
        [
            make_cell("dpo", "β 0.05", 1.0, 1.4, beta=0.05),
            make_learned(0.05, 0.2),
            make_learned(0.05, 0.2, seed=2),
            make_learned(0.25, 0.05, status="diverged"),
        ]
    )


@pytest.fixture
def logs(cells) -> dict[str, list[dict]]:
    """β_mix falls by a tenth of itself every ten steps; margins rise, and the diverged run ends in NaN."""
    made = {
        row.cell: [
            {
                "step": step, "beta_mix": row.beta_mix * 0.99**step, "beta_mix_grad": 0.001 * step * row.seed,
                "rho_median": 0.1 * step,
            }
            for step in range(1, STEPS + 1)
        ]
        for row in cells[cells["objective"] == "dlrml_learned"].itertuples()
    }  # fmt: skip
    made[cells["cell"].iloc[-1]][-1] |= {"beta_mix_grad": math.nan, "rho_median": math.inf}
    return made


@pytest.fixture
def draw(tmp_path, logs):
    def draw(cells, folder="figures", endings=("svg",)):
        paths = [tmp_path / folder / f"learned_mix.{ending}" for ending in endings]
        plot_learned_mix(cells, logs, TITLE, paths)
        return paths

    return draw


def test_it_names_every_column_setting_and_axis(cells, draw):
    """β_mix alone says nothing of the loss: the reader needs r and the bounds."""
    svg = draw(cells)[0]
    texts = read_texts(svg)
    for expected, times in {
        TITLE: 1, "β_kl 0.05, τ 0.05": 1, "β_kl 0.25, τ 0.05": 1, "β_mix, 1/nat": 1, "r = β_mix/(τβ_kl)": 2,
        "β_mix from 0.2, mix_learning_rate 0.01": 1, "β_mix from 0.05, mix_learning_rate 0.01": 1,
        "median margin ρ, nats": 1, "dL/d log β_mix": 1, "optimiser step": 2, "diverged": 1,
        "monotone, no exponential tail: 1 ≤ r ≤ 9.109": 1, "wrong sign at ρ = 0: r > 9.777": 1,
    }.items():  # fmt: skip
        assert texts.count(expected) == times, expected
    assert not any("DPO" in text for text in texts)
    assert read_width(svg) <= 7.0
    assert min(read_sizes(svg)) >= 6.0


def test_beta_mix_is_drawn_as_logged_and_the_pushes_as_means(cells, draw, monkeypatch):
    """A smoothed β_mix would hide the steps that it took; single batches hide what pushes it."""
    curves, keep = [], Axes.plot
    monkeypatch.setattr(
        Axes, "plot", lambda axes, x, y, **style: (curves.append((x, y)), keep(axes, x, y, **style))[1]
    )
    draw(cells)
    (steps, beta_mix), (_, margin), (_, gradient) = curves[:3]
    assert list(steps) == list(range(1, STEPS + 1))
    assert list(beta_mix) == pytest.approx([0.2 * 0.99**step for step in steps], rel=1e-12)
    # Means of 0.1·33 to 0.1·40 and 0.001·33 to 0.001·40, and of the first step alone.
    assert (margin.iloc[0], margin.iloc[-1]) == (pytest.approx(0.1), pytest.approx(3.65))
    assert gradient.iloc[-1] == pytest.approx(0.0365)
    # The second seed's gradient is twice the first's.
    assert curves[5][1].iloc[-1] == pytest.approx(0.073)


def test_the_wedge_is_that_of_the_column_s_strength(cells, draw, monkeypatch):
    """At r = 1, β_mix is τβ_kl: 0.0025 in one column and 0.0125 in the other."""
    lines, keep = {}, Axes.axhline

    def axhline(axes, height, **style):
        lines.setdefault(axes, []).append(height)
        return keep(axes, height, **style)

    monkeypatch.setattr(Axes, "axhline", axhline)
    draw(cells)
    bounds = {axes: heights for axes, heights in lines.items() if axes.get_yscale() == "log"}
    assert len(bounds) == 2
    for unit, (axes, heights) in zip((0.0025, 0.0125), bounds.items(), strict=True):
        assert heights == pytest.approx([ratio * unit for ratio in BOUNDS])
        (right,) = axes.child_axes
        assert np.array(axes.get_ylim()) / right.get_ylim() == pytest.approx([unit] * 2)


def test_a_diverged_run_ends_in_a_cross(cells, draw, monkeypatch):
    """The last β_mix is known even where the last gradient is not."""
    crosses, keep = [], Axes.scatter
    monkeypatch.setattr(
        Axes, "scatter", lambda axes, x, y, **style: (crosses.append((x, y)), keep(axes, x, y, **style))[1]
    )
    draw(cells)
    margins, gradients = (np.mean([size * step for step in range(33, 40)]) for size in (0.1, 0.001))
    assert [step for step, _ in crosses] == [40, 40, 40]
    assert [height for _, height in crosses] == pytest.approx([0.05 * 0.99**40, margins, gradients])


def test_a_study_without_a_learned_mix_gets_a_figure_that_says_so(cells, draw):
    """The workflow may ask for the figure of every study."""
    texts = read_texts(draw(cells[cells["objective"] != "dlrml_learned"])[0])
    assert texts == ["the study has no cell with a learned mix", TITLE]


def test_drawn_twice_it_is_the_same_to_the_byte(cells, draw):
    """Results could not be compared between machines."""
    files = [draw(cells, folder, ("svg", "pdf", "png")) for folder in ("a", "b")]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.suffix

"""The figure of the losses' shapes shows what their formulas say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from scipy.special import expit
from svg import read_sizes, read_texts, read_width

from lossgrid.figures.looks import WRONG_ZONE
from lossgrid.figures.loss_shape_panels import find_extrema, split_into_panels
from lossgrid.figures.loss_shapes import plot_loss_shapes

TITLE = "A study of losses"
# One margin in four units of z, closely enough that the extrema lie right to 1e-3 of z.
Z = np.concatenate([np.linspace(-12, -1, 60), np.linspace(-0.99, 0.99, 397), np.linspace(1, 12, 60)])


def sample(
    objective: str, title: str, label: str, beta: float, function, evaluation: str = ""
) -> pd.DataFrame:
    """Rows of one setting; the function gives loss and slope by z."""
    loss, slope = function(Z)
    return pd.DataFrame(
        {
            "objective": objective, "title": title, "label": label, "setting": label, "evaluation": evaluation,
            "rho": Z / beta, "z": Z, "loss": loss, "slope": beta * slope,
        }
    )  # fmt: skip


def dpo(z):
    return np.logaddexp(0, -z), -expit(-z)


def ipo(z):
    """(ρ − 1/(2β))² at β = 1: a minimum at z = ½."""
    return (z - 0.5) ** 2, 2 * (z - 0.5)


def modulated(r: float):
    """(1−m)·sp(−z) + m·e^{−z} with m = σ(rz); its slope by the product rule."""

    def function(z):
        mix, softplus, power = expit(r * z), np.logaddexp(0, -z), np.exp(-z)
        slope = -(1 - mix) * expit(-z) - mix * power + r * mix * (1 - mix) * (power - softplus)
        return (1 - mix) * softplus + mix * power, slope

    return function


@pytest.fixture
def shapes() -> pd.DataFrame:
    """A monotone loss, one with an aim, and DiscoPOP at r = 20 in both evaluations and in the published one alone."""
    return pd.concat(
        [
            sample("dpo", "DPO", "β 0.1", 0.1, dpo),
            sample("ipo", "IPO", "β 1", 1.0, ipo),
            sample("discopop", "DiscoPOP (LRML)", "β 0.05", 0.05, modulated(20), "log_space"),
            sample("discopop", "DiscoPOP (LRML)", "β 0.05, published", 0.05, modulated(20), "published"),
            sample("discopop", "DiscoPOP (LRML)", "β 2.5, published", 2.5, modulated(20), "published"),
        ],
        ignore_index=True,
    )


@pytest.fixture
def drawn(monkeypatch) -> list[tuple]:
    """What is plotted: x, y and style of every call."""
    calls, keep = [], Axes.plot

    def plot(axes, *data, **style):
        calls.append((*(np.atleast_1d(values) for values in data), style))
        return keep(axes, *data, **style)

    monkeypatch.setattr(Axes, "plot", plot)
    return calls


def draw(shapes, tmp_path, endings=("svg",)):
    paths = [tmp_path / f"shapes.{ending}" for ending in endings]
    plot_loss_shapes(shapes, TITLE, paths)
    return paths


def test_it_names_every_loss_setting_and_axis(shapes, tmp_path):
    """Which line is which must be on the figure."""
    texts = read_texts(draw(shapes, tmp_path)[0])
    for expected in (
        TITLE, "DPO", "IPO", "±9.5 nats", "±0.19 nats", "β 0.1", "β 1", "β 0.05", "β 2.5, published",
        "loss of a pair", "force −dL/dρ, 1/nat", "loss rises with ρ: training lowers the margin", "minimum",
        "maximum", "start of training, ρ = 0",
    ):  # fmt: skip
        assert texts.count(expected) == 1, expected
    assert texts.count("DiscoPOP (LRML),") == 2
    assert texts.count("margin ρ, nats") == 4


def test_the_two_evaluations_are_one_line(shapes, tmp_path, drawn):
    """They are one function; the second line would hide the first and double the legend."""
    texts = read_texts(draw(shapes, tmp_path)[0])
    assert "β 0.05, published" not in texts
    assert sum(call[-1].get("label") is not None and len(call[0]) > 1 for call in drawn) == 4


def test_the_force_is_minus_the_slope_by_the_margin(shapes, tmp_path, drawn):
    """With the sign turned, a trap would look like a target. DPO at ρ = 0 pushes with β/2."""
    draw(shapes, tmp_path)
    loss, force = [call for call in drawn if len(call[0]) == len(Z)][:2]
    assert np.interp(0, loss[0], loss[1]) == pytest.approx(np.log(2), abs=1e-6)
    assert np.interp(0, force[0], force[1]) == pytest.approx(0.1 / 2, abs=1e-6)


def test_extrema_are_marked_where_they_are(shapes, tmp_path, drawn):
    """DiscoPOP's are at u = −0.1186 and +0.0720 (loss 0.7859 and 0.8783), IPO's aim at ρ = 1/(2β)."""
    draw(shapes, tmp_path)
    marks = [
        (float(x[0]), float(y[0]), "maximum" if style["color"] == "white" else "minimum")
        for x, y, style in drawn
        if style.get("marker") == "o" and np.isfinite(x).all()
    ]
    assert [kind for *_, kind in marks] == ["minimum"] * 2 + ["minimum", "minimum", "maximum", "maximum"] * 2
    # Half a sample's distance, 0.0025 in z, where the slope is close to linear; less than the width of a line.
    ipo_marks, discopop = marks[:2], marks[2:6]
    assert [rho for rho, *_ in ipo_marks] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert [0.05 * rho for rho, *_ in discopop] == pytest.approx([-0.1186, -0.1186, 0.0720, 0.0720], abs=1e-3)
    # On the curve of the loss, and at a force of 0.
    assert [height for _, height, _ in discopop] == pytest.approx([0.7859, 0, 0.8783, 0], abs=1e-3)


@pytest.fixture
def limits(monkeypatch) -> dict[str, tuple]:
    """Scale and limits of the margin's axis by the panel's heading, once it is drawn."""
    found, keep = {}, Axes.set_title

    def set_title(axes, heading, **style):
        found[heading.replace("\n", " ")] = (axes.get_xscale(), *axes.get_xlim())
        return keep(axes, heading, **style)

    monkeypatch.setattr(Axes, "set_title", set_title)
    return found


def test_margins_are_on_linear_axes_that_show_the_extrema(shapes, tmp_path, limits):
    """On a bent axis a straight loss is an S, and DiscoPOP's trap of −2.37 nats seems to lie near −8."""
    draw(shapes, tmp_path)
    assert {scale for scale, *_ in limits.values()} == {"linear"}
    # Four times the furthest extremum; 3/β where there is none.
    expected = {
        "DPO": 30,
        "IPO": 4 * 0.5,
        "DiscoPOP (LRML), ±9.5 nats": 4 * 2.372,
        "DiscoPOP (LRML), ±0.19 nats": 0.1898,
    }
    assert {name: (-low, high) for name, (_, low, high) in limits.items()} == {
        name: pytest.approx((reach, reach), rel=1e-3) for name, reach in expected.items()
    }


@pytest.mark.parametrize(("target", "reach"), [(5, 20), (10, 30), (25, 37.5), (300, 450)])
def test_a_far_target_stays_in_sight(target, reach, tmp_path, limits):
    """A target outside its panel would make IPO look like a loss without one; 30 nats suffice for the near ones."""
    beta = 1 / (2 * target)
    draw(sample("ipo", "IPO", "β", beta, ipo), tmp_path)
    assert limits["IPO"] == ("linear", pytest.approx(-reach, rel=1e-3), pytest.approx(reach, rel=1e-3))


@pytest.mark.parametrize(
    ("betas", "groups"),
    [
        ([0.05, 0.25], [[0.05, 0.25]]),
        ([0.05, 0.25, 100], [[0.05, 0.25], [100]]),
        ([0.01, 0.025, 0.05, 0.1, 0.25, 0.5], [[0.01, 0.025, 0.05, 0.1], [0.25, 0.5]]),
        ([0.025, 0.05, 0.1, 0.25, 2.5, 5], [[0.025, 0.05, 0.1, 0.25], [2.5, 5]]),
    ],
)
def test_settings_of_different_scale_have_panels_of_their_own(betas, groups):
    """Beside β 0.05, the trap of β 100 lies in the width of a line."""
    rows = [sample("discopop", "DiscoPOP (LRML)", f"β {beta:g}", beta, modulated(20)) for beta in betas]
    panels = split_into_panels(pd.concat(rows, ignore_index=True))
    assert [list(panel.settings) for panel in panels] == [
        [f"β {beta:g}" for beta in group] for group in groups
    ]
    for panel in panels:
        for setting in panel.settings.values():
            furthest = max(abs(place) for place, _ in find_extrema(setting))
            # In 1/80 of the panel's width at least, about 1.5 points.
            assert panel.reach / 80 < furthest < panel.reach


def test_a_loss_without_extrema_does_not_open_a_panel():
    """DPO from β 0.05 to 1 compares strengths: together, to 3/β of the middle one."""
    rows = [sample("dpo", "DPO", f"β {beta:g}", beta, dpo) for beta in (0.05, 0.25, 1)]
    (panel,) = split_into_panels(pd.concat(rows, ignore_index=True))
    assert panel.reach == pytest.approx(3 / 0.25)


def test_rising_stretches_are_shaded(shapes, tmp_path, drawn):
    """Where the loss rises with the margin, training does the opposite of what the pair says."""
    draw(shapes, tmp_path)
    shaded = [
        x[np.isfinite(y)] for x, y, style in drawn if to_hex(style.get("color", "k")) == WRONG_ZONE.lower()
    ]
    dpo_part, ipo_part, discopop_part = shaded[:3]
    assert len(dpo_part) == 0
    assert (ipo_part.min(), ipo_part.max()) == (pytest.approx(0.5, abs=0.01), 12)
    assert 0.05 * discopop_part.min() == pytest.approx(-0.1186, abs=0.006)
    assert 0.05 * discopop_part.max() == pytest.approx(0.0720, abs=0.006)


def test_a_flat_loss_has_no_extrema(tmp_path, drawn):
    """The hinge is exactly flat beyond its margin, and rounding gives flat slopes signs."""

    def hinge(z):
        return np.maximum(0, 1 - z), np.where(z < 1, -1.0, 1e-12 * np.sin(50 * z))

    draw(sample("hinge", "Hinge (SLiC)", "β 0.1", 0.1, hinge), tmp_path)
    assert not [call for call in drawn if call[-1].get("marker") == "o" and np.isfinite(call[0]).all()]


@pytest.mark.parametrize(("strengths", "mixes"), [(1, 1), (6, 5), (1, 12)])
def test_one_to_thirty_settings_fit_a_page(strengths, mixes, tmp_path):
    """A sweep is drawn as a panel for each β_kl; no panel has more lines than dashes tell apart."""
    betas = 0.01 * 2.0 ** np.arange(strengths)
    rows = [
        sample("dlrml", "dLRML", f"β_kl {beta:g}, β_mix {r * beta / 20:g}", beta, modulated(r), "log_space")
        for beta in betas
        for r in np.geomspace(4, 80, mixes)
    ]
    svg = draw(pd.concat(rows, ignore_index=True), tmp_path)[0]
    texts = read_texts(svg)
    assert read_width(svg) <= 7.0
    assert min(read_sizes(svg)) >= 6.0
    if strengths > 1:
        assert [f"dLRML, β_kl {beta:g}" in texts for beta in betas] == [True] * strengths
    assert sum("β_mix" in text for text in texts) == strengths * mixes


def test_drawn_twice_it_is_the_same_to_the_byte(shapes, tmp_path):
    """Results could not be compared between machines."""
    files = [draw(shapes, tmp_path / folder, ("svg", "pdf", "png")) for folder in "ab"]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.suffix

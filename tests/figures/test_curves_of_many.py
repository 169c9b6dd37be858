"""The training curves can be read whether a study compares many losses or sweeps over one."""

import pytest
from captured import Capture
from made_up_cells import make_cell, make_table
from matplotlib.axes import Axes
from svg import read_sizes, read_texts, read_width

from lossgrid.figures import training_curves
from lossgrid.figures.setting_labels import split_labels
from lossgrid.figures.training_curves import SETTINGS, plot_training_curves
from lossgrid.objectives.catalogue import CATALOGUE

BETAS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5]
MIXES = [0.05, 0.1, 0.25, 0.5]


@pytest.fixture
def sweep():
    """A sweep of dLRML over β_kl and β_mix in both evaluations."""
    rows = []
    for beta_kl in BETAS:
        for beta_mix in MIXES:
            for ending, evaluation in (("", "log_space"), (", published", "published")):
                label = f"β_kl {beta_kl:g}, β_mix {beta_mix:g}{ending}"
                shared = {"beta_kl": beta_kl, "beta_mix": beta_mix, "evaluation": evaluation}
                rows.append(make_cell("dlrml", label, 1.0, 1.0, **shared))
    return make_table(rows)


@pytest.fixture
def drawn(monkeypatch) -> list[tuple]:
    """What is plotted: heights and style of every line."""
    calls, keep = [], Axes.plot

    def plot(axes, x, y, **style):
        calls.append((list(y), style))
        return keep(axes, x, y, **style)

    monkeypatch.setattr(Axes, "plot", plot)
    return calls


@pytest.fixture
def draw(tmp_path):
    def draw(cells, factors=None, late=0):
        """Draw logs that rise evenly, those of some cells by a factor of their own; `late` steps have no margins."""
        logs = {
            cell: [
                {
                    "step": step, "rho_median": 0.1 * step * (factors or {}).get(cell, 1.0), "accuracy": 0.6,
                    "grad_norm": 1.0, "rho_min": -1.0, "rho_max": -1.0 if step <= late else 1.0,
                }
                for step in range(1, 21)
            ]
            for cell in cells["cell"]
        }  # fmt: skip
        path = tmp_path / "curves.svg"
        plot_training_curves(cells, logs, "A study", [path])
        return path

    return draw


def test_a_sweep_has_a_column_a_strength_and_short_legends(sweep, draw):
    """Forty-eight lines in one column, with as many names below, are no figure."""
    svg = draw(sweep)
    texts = read_texts(svg)
    assert [texts.count(f"dLRML, β_kl {beta:g}") for beta in BETAS] == [1] * len(BETAS)
    assert [texts.count(f"β_mix {beta:g}") for beta in MIXES] == [len(BETAS)] * len(MIXES)
    assert sum("β_mix" in text for text in texts) == len(BETAS) * len(MIXES)
    assert read_width(svg) <= 7.0
    assert min(read_sizes(svg)) >= 6.0


def test_many_losses_fill_rows_of_columns(draw):
    """Thirty columns beside each other make the figure a yard wide."""
    rows = [
        make_cell("dpo", "β 0.1", 1.0, 1.0)
        | {"objective": name, "title": objective.title, "cell": f"{name}/beta~0.1/seed~1"}
        for name, objective in CATALOGUE.items()
        if name != "sft"
    ]
    svg = draw(make_table(rows))
    texts = read_texts(svg)
    # A long title has two lines.
    assert [row["title"] for row in rows if row["title"] not in " ".join(texts)] == []
    assert texts.count("optimiser step") == len(rows)
    assert "median margin ρ, nats" in " ".join(texts), "short names at the axes need the full ones above"
    assert read_width(svg) <= 7.0
    assert min(read_sizes(svg)) >= 6.0


@pytest.mark.parametrize(("factor", "lines"), [(1.0, 1), (1.004, 1), (1.01, 2)])
def test_two_evaluations_are_one_line_where_they_agree(factor, lines, sweep, draw, drawn):
    """A line hidden by another suggests a run that is not there; one left out must not have differed visibly."""
    pair = sweep[(sweep["beta_kl"] == 0.05) & (sweep["beta_mix"] == 0.1) | (sweep["objective"] == "sft")]
    draw(pair, {pair["cell"].iloc[-1]: factor})
    margins = [(heights, style) for heights, style in drawn if heights[0] < 0.2]
    assert len(margins) == lines
    assert len({style["color"] for _, style in margins}) == 1
    assert len({str(style["linestyle"]) for _, style in margins}) == lines


def test_settings_in_two_evaluations_differ_in_colour(sweep, draw, drawn):
    """The lines tell the evaluations apart there, and can tell nothing else."""
    one = sweep[(sweep["beta_kl"] == 0.05) | (sweep["objective"] == "sft")]
    draw(one, {cell: 1.5 for cell in one["cell"] if "published" in cell})
    colours = {}
    for _, style in drawn:
        colours.setdefault(style["color"], set()).add(str(style["linestyle"]))
    assert len(colours) == len(MIXES)
    assert all(len(lines) == 2 for lines in colours.values())


@pytest.mark.parametrize("late", [0, 7, 20])
def test_a_step_stands_at_one_place_in_all_panels(late, sweep, draw, monkeypatch):
    """Accuracies begin where pairs have margins; on an axis of their own, step 8 would lie below step 1."""
    captured = Capture(monkeypatch, training_curves)
    draw(sweep, late=late)
    captured.figure.canvas.draw()
    panels = [axes for axes in captured.figure.axes if axes.axison]
    assert len(panels) == 3 * len(BETAS)
    assert len({axes.get_xlim() for axes in panels}) == 1
    low, high = panels[0].get_xlim()
    assert low <= 1
    assert high >= 20
    columns = {(round(axes.get_position().x0, 6), round(axes.get_position().x1, 6)) for axes in panels}
    assert len(columns) == len(BETAS)


def test_settings_are_split_by_all_but_the_last_value():
    """A family on two panels cannot be compared; a panel for each of seven settings compares nothing."""
    sweep = [f"β_kl {a}, β_mix {b}" for a in (1, 2) for b in range(4)]
    assert [(shared, own) for shared, _, own in split_labels(sweep, SETTINGS, SETTINGS)] == [
        (f"β_kl {a}", [f"β_mix {b}" for b in range(4)]) for a in (1, 2)
    ]
    single = [f"β_kl {a}, β_mix 1" for a in range(8)]
    assert [part for _, part, _ in split_labels(single, SETTINGS, SETTINGS)] == [single[:4], single[4:]]
    # A published evaluation belongs to its strength, not to a family of published ones.
    mixed = [*sweep, "β_kl 1, β_mix 9, published"]
    assert next(split_labels(mixed, SETTINGS, SETTINGS))[2][-1] == "β_mix 9, published"

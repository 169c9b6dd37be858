"""Captions of the figures that are drawn from training logs, and of the losses' shapes, drawn from formulas."""

import pandas as pd

from lossgrid.figures.learned_mix import OBJECTIVE
from lossgrid.figures.moving_means import WINDOW
from lossgrid.figures.plane import SAFE_RATIO, WRONG_SIGN_RATIO
from lossgrid.paper.captions.sentences import count, count_runs, get_trained, join, say_diverged, say_range

MEANS = (
    f"means over {WINDOW} steps; bands are 95 % intervals (Student's t, from the spread of these steps, each of "
    "which saw other pairs, not clustered further); steps with a value that is not finite are left out of the means"
)
ENDS = "a cross ends the line"


def describe_training_curves(cells: pd.DataFrame) -> str:
    """The caption of the training curves; cells as the figure takes them."""
    trained = get_trained(cells)
    return join(
        f"Training of {count_runs(cells)} over {say_range(trained['steps'])} steps: median margin ρ of a batch, "
        "share of its pairs that are ranked as labelled (ρ > 0), and gradient norm before clipping.",
        f"Lines are {MEANS}. The share leaves out steps at which all margins are 0. Thin lines are further seeds.",
        say_diverged(cells, ENDS),
    )


def describe_learned_mix(cells: pd.DataFrame) -> str:
    """The caption of the learned mix; cells as the figure takes them."""
    learned = cells[(cells["objective"] == "sft") | (cells["objective"] == OBJECTIVE)]
    trained = get_trained(learned)
    if trained.empty:
        return "The study has no cell with a learned mix."
    low, high = SAFE_RATIO
    return join(
        f"β_mix as it is trained, in {count_runs(learned)} over {say_range(trained['steps'])} steps, with "
        "r = β_mix/(τβ_kl) on the right axis: the value of every step, which is no estimate.",
        "Below: median margin ρ of a batch, and gradient of the loss by log β_mix, which moves β_mix down where it "
        f"is positive: {MEANS}. Thin lines are further seeds.",
        f"Green: the loss is monotone without an exponential tail ({low:.4g} ≤ r ≤ {high:.4g}); red: training starts "
        f"by lowering the margin (r > {WRONG_SIGN_RATIO:.4g}).",
        say_diverged(learned, ENDS),
    )


def describe_loss_shapes(shapes: pd.DataFrame) -> str:
    """The caption of the losses' shapes; samples as the figure takes them."""
    settings = shapes.groupby(["objective", "label"]).ngroups
    return join(
        f"The losses of the study over the margin ρ of a pair, {count(settings, 'setting')} of "
        f"{count(shapes['objective'].nunique(), 'loss')}, and below each its force −dL/dρ.",
        "Where a line is shaded its loss rises with the margin, and training lowers it; dots are minima (filled) and "
        "maxima (open). Each panel has its own axes, so that its extrema are in sight.",
        "All is computed from the formulas: there are no estimates, hence no intervals, and no runs to diverge.",
    )

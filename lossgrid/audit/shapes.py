"""The losses of a study as curves, for figures."""

import numpy as np
import pandas as pd

from lossgrid.audit.curve import sample_curve
from lossgrid.audit.extrema import find_stationary_points
from lossgrid.audit.micro_batch import measure_coupling
from lossgrid.audit.path import MarginLoss
from lossgrid.audit.study import iterate_settings
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import Study

# In units of z: what a figure of several losses shows, and the least that the tails reach.
SHOWN, OUTER = 3.0, 12.0
EVEN_POINTS, TAIL_POINTS = 121, 80


def get_shapes(study: Study) -> pd.DataFrame:
    """Sample every distinct setting of a study along the audited path, in float64.

    Args:
        study: The study.

    Returns:
        Some 400 rows a setting, settings in study order and margins ascending: ``objective``, ``title``, ``label``,
        ``setting`` (as paths spell it), ``evaluation``, ``rho`` (nats), ``z`` (β_kl·ρ, β·ρ or ρ), ``loss`` and
        ``slope`` (a nat). 121 points lie evenly over |z| ≤ 3, as many over three times the reach of the extrema with
        |z| < 1 (over |z| ≤ 1 without), and 80 on each side continue to |z| = 12 or twice the furthest extremum.
        A published evaluation is empty where it overflows in float64.
    """
    return pd.concat([sample_shape(cell) for cell, _ in iterate_settings(study)], ignore_index=True)


def sample_shape(cell) -> pd.DataFrame:
    """The rows of one setting."""
    objective = CATALOGUE[cell.objective]
    alone = MarginLoss(objective, cell.setting)
    function = MarginLoss(objective, cell.setting, measure_coupling(alone))
    curve = sample_curve(function)
    extrema = np.array([abs(point.rho) / curve.unit for point in find_stationary_points(curve)])
    rho = choose_margins(extrema) * curve.unit
    with np.errstate(invalid="ignore"):
        loss, slope = function.evaluate(rho)
    return pd.DataFrame(
        {
            "objective": cell.objective,
            "title": objective.title,
            "label": cell.label,
            "setting": cell.setting_path,
            "evaluation": cell.setting.get("evaluation", ""),
            "rho": rho,
            "z": rho / curve.unit,
            "loss": loss,
            "slope": slope,
        }
    )


def choose_margins(extrema: np.ndarray) -> np.ndarray:
    """Where to sample a loss, in units of z.

    Args:
        extrema: Distances of the extrema from 0, shape (n,).
    """
    near = 3 * extrema[extrema < 1].max() if (extrema < 1).any() else 1.0
    outer = max(OUTER, 2 * extrema.max(initial=0.0))
    tail = np.geomspace(SHOWN, outer, TAIL_POINTS + 1)[1:]
    even = [np.linspace(0, reach, (EVEN_POINTS + 1) // 2) for reach in (near, SHOWN)]
    positive = np.unique(np.concatenate([*even, tail]))
    # Where the two stretches share points they differ by rounding.
    positive = positive[np.insert(np.diff(positive) > 1e-12, 0, True)]
    return np.concatenate([-positive[:0:-1], positive])

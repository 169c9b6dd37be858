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

# In units of z: the stretch of a loss without extrema, and the least that the tails reach.
INNER, OUTER = 3.0, 12.0
INNER_POINTS, TAIL_POINTS = 241, 80


def get_shapes(study: Study) -> pd.DataFrame:
    """Sample every distinct setting of a study along the audited path, in float64.

    Args:
        study: The study.

    Returns:
        401 rows a setting, settings in study order and margins ascending: ``objective``, ``title``, ``label``,
        ``setting`` (as paths spell it), ``evaluation``, ``rho`` (nats), ``z`` (β_kl·ρ, β·ρ or ρ), ``loss`` and
        ``slope`` (a nat). 241 points lie evenly over three times the reach of the extrema (over |z| ≤ 3 where
        there are none), 80 on each side continue to |z| = 12 or four times that reach. A published evaluation is
        empty where it overflows in float64.
    """
    return pd.concat([sample_shape(cell) for cell, _ in iterate_settings(study)], ignore_index=True)


def sample_shape(cell) -> pd.DataFrame:
    """The rows of one setting."""
    objective = CATALOGUE[cell.objective]
    alone = MarginLoss(objective, cell.setting)
    function = MarginLoss(objective, cell.setting, measure_coupling(alone))
    curve = sample_curve(function)
    reach = max((abs(point.rho) for point in find_stationary_points(curve)), default=0.0)
    rho = choose_margins(3 * reach or INNER * curve.unit, curve.unit)
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


def choose_margins(inner: float, unit: float) -> np.ndarray:
    """Margins that are dense and even up to the inner bound and reach far beyond it."""
    outer = max(OUTER * unit, 4 * inner)
    # Half the points on either side of 0, so that 0 itself is one of them.
    even = np.linspace(-inner, inner, INNER_POINTS)
    tail = np.geomspace(inner, outer, TAIL_POINTS + 1)[1:]
    return np.concatenate([-tail[::-1], even, tail])

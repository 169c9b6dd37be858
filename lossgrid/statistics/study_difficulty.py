"""How hard a study's own prompts are for its runs, fitted over all of them: what AlpacaEval published for its own."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from lossgrid.statistics.length_control import LengthControlled, control_length, standardise_lengths
from lossgrid.studies.judging import PUBLISHED_C

# A difficulty is a draw from a standard normal, in logits; upstream's have a standard deviation of 1.5.
RIDGE = 1.0
# Keeps the coefficients of a run that wins every time finite.
WEAK_RIDGE = 1e-3
GRADIENT_TOLERANCE = 1e-6
MAX_ITERATIONS = 5000


def control_study(
    preferences: np.ndarray, len_baseline: np.ndarray, len_model: np.ndarray, C: float = PUBLISHED_C
) -> list[LengthControlled]:
    """The length-controlled win rate of every run over prompts whose difficulty nobody has published.

    The difficulties are fitted over all runs first (`fit_difficulty`); then every run's own coefficients as
    AlpacaEval's, without gamed rows. A run's error takes the difficulties as they are.

    Args:
        preferences: Shape (runs, prompts), from 1 (the baseline's text is better) to 2; 0 is a draw, NaN no
            judgment. Every run has one.
        len_baseline: Characters, shape (runs, prompts).
        len_model: The same.
        C: Weight of the data against the penalty.

    Returns:
        By run.

    Raises:
        ValueError: The shapes differ, or a run has no judgment.
    """
    lengths = np.array([standardise_lengths(*each) for each in zip(len_baseline, len_model, strict=True)])
    difficulty = fit_difficulty(preferences, lengths)
    rows = zip(preferences, len_baseline, len_model, strict=True)
    return [control_length(*row, difficulty, gamed=None, C=C) for row in rows]


def fit_difficulty(preferences: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    r"""Difficulties of prompts.

    .. math:: \mathrm{logit}\,p_{mi} = c_m + a_m \tanh s_{mi} + \gamma_i

    by the least cross-entropy plus :math:`\frac12\sum\gamma_i^2`, with :math:`\sum\gamma_i=0`.

    Args:
        preferences: Shape (runs, prompts), from 1 to 2; 0 is a draw, NaN no judgment.
        lengths: Standardised differences s, shape (runs, prompts).

    Returns:
        γ, in logits, shape (prompts,): the higher, the likelier a run is to win. 0 for a prompt without judgments,
        but for the mean.

    Raises:
        ValueError: The shapes differ.
        RuntimeError: The fit does not converge.
    """
    preferences = np.asarray(preferences, float)
    if preferences.shape != np.shape(lengths):
        raise ValueError(f"preferences and lengths differ in shape: {preferences.shape}, {np.shape(lengths)}")
    runs, prompts = preferences.shape
    judged = ~np.isnan(preferences)
    shares = np.where(judged, np.where(preferences == 0, 0.5, preferences - 1), 0.0)
    length = np.tanh(lengths)

    def evaluate(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        level, slope, difficulty = np.split(parameters, [runs, 2 * runs])
        logits = level[:, None] + slope[:, None] * length + difficulty
        value = (judged * (np.logaddexp(0, logits) - shares * logits)).sum()
        error = judged * (expit(logits) - shares)
        penalty = np.repeat([WEAK_RIDGE, RIDGE], [2 * runs, prompts]) * parameters
        gradient = np.concatenate([error.sum(axis=1), (error * length).sum(axis=1), error.sum(axis=0)])
        return value + 0.5 * penalty @ parameters, gradient + penalty

    fit = minimize(
        evaluate,
        np.zeros(2 * runs + prompts),
        jac=True,
        method="L-BFGS-B",
        options={
            "gtol": GRADIENT_TOLERANCE,
            "ftol": 0.0,
            "maxiter": MAX_ITERATIONS,
            "maxfun": MAX_ITERATIONS,
        },
    )
    residual = np.abs(fit.jac).max()
    # The line search also ends where rounding hides all progress, which is no failure.
    if residual > 1e3 * GRADIENT_TOLERANCE:
        raise RuntimeError(f"the difficulties did not converge: {fit.message}, gradient {residual:.1e}")
    difficulty = fit.x[2 * runs :]
    return difficulty - difficulty.mean()

"""AlpacaEval's length-controlled win rate, with an error that knows the noise of the judgments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from lossgrid.statistics.logistic_regression import fit_logistic
from lossgrid.studies.judging import PUBLISHED_C

# Upstream's 0.2 for the two models that were told to be brief and to be verbose, shared by the two.
GAMED_WEIGHT = 0.1


@dataclass(frozen=True)
class GamedRows:
    """Judgments of models that differ from the baseline in length alone; they tie the length's effect down.

    Attributes:
        length: Standardised difference of lengths, shape (m,).
        difficulty: Difficulty of the question, shape (m,).
        preference: Share of the judge's preference for the model, from 0 to 1, shape (m,).
    """

    length: np.ndarray
    difficulty: np.ndarray
    preference: np.ndarray


@dataclass(frozen=True)
class LengthControlled:
    """A length-controlled win rate.

    Attributes:
        win_rate: Percent.
        standard_error: Percentage points, over questions, with the noise of the judgments. Upstream's
            `lc_standard_error` is the spread of the predictions over questions alone, without that noise.
        weights: Coefficients of length, difficulty and model.
        pseudo_values: Percent, one a question, shape (n,); their mean is the win rate, and the usual standard error
            of that mean its standard error. Differences between runs, question by question, can be clustered. A
            question without a judgment has one too: it counts by its prediction.
    """

    win_rate: float
    standard_error: float
    weights: tuple[float, float, float]
    pseudo_values: np.ndarray


def control_length(
    preferences: Sequence[float],
    len_baseline: Sequence[float],
    len_model: Sequence[float],
    difficulty: Sequence[float],
    gamed: GamedRows | None = None,
    C: float = PUBLISHED_C,
) -> LengthControlled:
    r"""The win rate that a judge would give if the two texts of every question were of one length.

    .. math:: \mathrm{logit}\,p_i = a\tanh s_i + b\,d_i + c,\qquad
              LC = 100\,\overline{\sigma(b\,d_i + c)}

    with :math:`s_i`, the baseline's length less the run's over the standard deviation of that difference, and
    :math:`d_i`, the difficulty of the question. The coefficients minimise C times the weighted cross-entropy plus
    their L1 norm (`fit_logistic`); gamed rows have weight 0.1 and no c.

    The error is that of the influence function: what the win rate would change if question i counted a little
    more, through its own prediction and through the coefficients. Coefficients that the penalty holds at 0 stay
    there, the standard deviation of lengths and the gamed rows are taken as they are.

    Args:
        preferences: Shape (n,), from 1 (the baseline's text is better) to 2; 0 is a draw. NaN is no judgment: the
            question is left out of the fit, as upstream does, and its prediction counts like all others.
        len_baseline: Characters, shape (n,).
        len_model: Characters, shape (n,).
        difficulty: Shape (n,), of the same questions.
        gamed: Upstream's gamed rows; None for prompts that are not AlpacaEval's own.
        C: Weight of the data against the penalty. Upstream chooses it by cross-validation, which is not portable
            between versions of scikit-learn (±0.15); the default is what it chose for most published models.

    Raises:
        ValueError: There is no judgment, or the lengths of the arguments differ.

    Reference: Dubois et al. 2024, arXiv:2404.04475; `metrics/glm_winrate.py` of alpaca_eval 0.6.6.
    """
    shares, length, difficulty = _prepare(preferences, len_baseline, len_model, difficulty)
    features = np.column_stack([length, difficulty, np.ones(len(shares))])
    judged = ~np.isnan(shares)
    all_features, all_shares, weights = features[judged], shares[judged], np.ones(judged.sum())
    if gamed is not None:
        rows = np.column_stack([np.tanh(gamed.length), gamed.difficulty, np.zeros(len(gamed.length))])
        all_features = np.vstack([all_features, rows])
        all_shares = np.concatenate([all_shares, gamed.preference])
        weights = np.concatenate([weights, np.full(len(rows), GAMED_WEIGHT)])
    theta = fit_logistic(all_features, all_shares, weights, C)

    level = features * [0, 1, 1]
    predicted = _predict(theta, difficulty)
    fitted = expit(all_features @ theta)
    active = theta != 0
    curvature = (all_features.T * (weights * fitted * (1 - fitted))) @ all_features
    slope = (level.T * (predicted * (1 - predicted))).mean(axis=1)
    direction = np.zeros(3)
    direction[active] = np.linalg.lstsq(curvature[np.ix_(active, active)], slope[active])[0]
    surprise = np.where(judged, shares - expit(features @ theta), 0.0)
    influence = predicted + len(shares) * surprise * (features @ direction)
    pseudo_values = 100 * (influence - influence.mean() + predicted.mean())
    return LengthControlled(
        win_rate=predict_win_rate(theta, difficulty),
        standard_error=_get_standard_error(pseudo_values),
        weights=tuple(map(float, theta)),
        pseudo_values=pseudo_values,
    )


def predict_win_rate(weights: Sequence[float], difficulty: Sequence[float]) -> float:
    """The length-controlled win rate, in percent, of known coefficients, such as those that AlpacaEval publishes.

    Every fit goes through it; published coefficients must give the published rates (tests hold them to 1e-7), which
    tells the formula from the solver.

    Args:
        weights: Of length, difficulty and model.
        difficulty: Of all questions, shape (n,).
    """
    return float(100 * _predict(weights, difficulty).mean())


def standardise_lengths(len_baseline: np.ndarray, len_model: np.ndarray) -> np.ndarray:
    """Baseline's length less the run's over the standard deviation of that difference; 0 where all are equal."""
    difference = np.asarray(len_baseline, float) - np.asarray(len_model, float)
    spread = difference.std(ddof=1) if len(difference) > 1 else 0.0
    # Upstream divides by 0 where every answer is as much longer as every other one: nothing is known of length.
    return difference / spread if spread > 0 else np.zeros(len(difference))


def _predict(weights: Sequence[float], difficulty: Sequence[float]) -> np.ndarray:
    """The probability of a win at equal lengths, by question."""
    _, difficulty_weight, level = weights
    return expit(difficulty_weight * np.asarray(difficulty, float) + level)


def _prepare(preferences, len_baseline, len_model, difficulty) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numbers = [len(each) for each in (preferences, len_baseline, len_model, difficulty)]
    if len(set(numbers)) > 1:
        raise ValueError(f"preferences, lengths and difficulties differ in number: {numbers}")
    preferences = np.asarray(preferences, float)
    if np.isnan(preferences).all():
        raise ValueError("no judgment to fit a win rate to")
    shares = np.where(preferences == 0, 0.5, preferences - 1)
    return shares, np.tanh(standardise_lengths(len_baseline, len_model)), np.asarray(difficulty, float)


def _get_standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan

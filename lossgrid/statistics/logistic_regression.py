"""Logistic regression on shares with an L1 penalty, for a handful of coefficients."""

from itertools import product

import numpy as np
from scipy.special import expit

KKT_TOLERANCE = 1e-9
MAX_STEPS = 200
MAX_HALVINGS = 40
# Of F, in double precision over thousands of rows.
ROUNDING = 1e-14
# Of the curvature: keeps a step finite where all predictions are certain or columns are the same.
DAMPING = 1e-10


def fit_logistic(features: np.ndarray, shares: np.ndarray, weights: np.ndarray, C: float) -> np.ndarray:
    r"""The coefficients of least cross-entropy and L1 norm; there is no intercept but a feature of ones.

    .. math:: F(\theta) = C\sum_i w_i\,[\log(1+e^{x_i\theta}) - y_i\,x_i\theta] + \lVert\theta\rVert_1

    is minimised by proximal Newton steps: the quadratic model with the penalty is solved exactly, over all patterns
    of signs, and the step is halved until F falls.

    Args:
        features: Shape (n, p), p at most 5 or so.
        shares: Shape (n,), each from 0 to 1.
        weights: Shape (n,), not negative.
        C: Weight of the data against the penalty, above 0.

    Returns:
        θ, shape (p,), with exact zeros; it violates the optimality conditions by 1e-9 at most, or by what rounding
        leaves where columns are all but the same.

    Raises:
        ValueError: A share or C is out of range, or a feature is not finite.

    Reference: `LogisticRegression(penalty="l1", solver="liblinear", fit_intercept=False)` of scikit-learn has the
    same minimum.
    """
    features, shares, weights = (np.asarray(each, float) for each in (features, shares, weights))
    if not C > 0:
        raise ValueError(f"C is {C:g}; it must be above 0")
    if not (np.isfinite(features).all() and ((shares >= 0) & (shares <= 1)).all()):
        raise ValueError("features must be finite and shares from 0 to 1")
    problem = features, shares, C * weights
    theta = np.zeros(features.shape[1])
    value, gradient, hessian = _evaluate(theta, *problem)
    for _ in range(MAX_STEPS):
        residual = measure_kkt(gradient, theta)
        if residual <= KKT_TOLERANCE:
            break
        step = _minimise_model(gradient, hessian, theta) - theta
        for halvings in range(MAX_HALVINGS):
            candidate = theta + step / 2**halvings
            reached, next_gradient, next_hessian = _evaluate(candidate, *problem)
            # Close to the minimum rounding hides what a step gains in F, but not what it gains in the conditions.
            closer = measure_kkt(next_gradient, candidate) < residual
            if reached < value - ROUNDING * value or (closer and reached <= value + ROUNDING * value):
                break
        else:
            break
        theta, value, gradient, hessian = candidate, reached, next_gradient, next_hessian
    return theta


def measure_kkt(gradient: np.ndarray, theta: np.ndarray) -> float:
    """How far a point is from the minimum: the largest violation of the optimality conditions, 0 at the minimum.

    Args:
        gradient: Of the smooth part of F at the point, shape (p,).
        theta: The point, shape (p,).
    """
    inactive = np.maximum(np.abs(gradient) - 1, 0)
    return float(np.where(theta == 0, inactive, np.abs(gradient + np.sign(theta))).max())


def _evaluate(theta, features, shares, scale) -> tuple[float, np.ndarray, np.ndarray]:
    """F, and gradient and Hessian of its smooth part."""
    logits = features @ theta
    predicted = expit(logits)
    value = scale @ (np.logaddexp(0, logits) - shares * logits) + np.abs(theta).sum()
    gradient = features.T @ (scale * (predicted - shares))
    return float(value), gradient, (features.T * (scale * predicted * (1 - predicted))) @ features


def _minimise_model(gradient: np.ndarray, hessian: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The minimum of ½ d'Hd + g'd + ‖θ + d‖₁ over θ + d: among the minima of each pattern of signs that keep it."""
    hessian = hessian + DAMPING * (np.trace(hessian) + 1e-300) * np.eye(len(theta))
    linear = gradient - hessian @ theta
    best, lowest = np.zeros_like(theta), 0.0
    for signs in product((-1, 0, 1), repeat=len(theta)):
        signs = np.array(signs)
        active = signs != 0
        if not active.any():
            continue
        point = np.zeros_like(theta)
        point[active] = np.linalg.solve(hessian[np.ix_(active, active)], -(linear + signs)[active])
        if (np.sign(point) != signs).any():
            continue
        value = 0.5 * point @ hessian @ point + linear @ point + np.abs(point).sum()
        if value < lowest:
            best, lowest = point, value
    return best

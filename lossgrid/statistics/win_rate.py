"""Win rate as AlpacaEval defines it."""

from collections.abc import Sequence

import numpy as np

DRAWS = (0.0, 1.5)


def describe_win_rate(preferences: Sequence[float]) -> dict[str, float | int]:
    r"""The win rate of a run over its baseline with the counts beside it.

    .. math:: 100\,\overline{p_i - 1},\qquad SE = 100\,s/\sqrt n

    Args:
        preferences: Shape (n,), from 1 (the baseline's text is better) to 2 (the run's is); 0 and 1.5 are draws,
            NaN is no judgment and left out.

    Returns:
        In AlpacaEval's column names: `win_rate` and `standard_error` in percent (NaN for no and for fewer than two
        judgments), `n_wins`, `n_wins_base`, `n_draws` and `n_total` judgments, and `discrete_win_rate` in
        percent, which counts a preference above 1.5 as a whole win and a draw as half of one.

    Raises:
        ValueError: A preference is outside its range.

    Reference: `metrics/winrate.py` of alpaca_eval 0.6.6.
    """
    preferences = np.asarray(preferences, float)
    preferences = preferences[~np.isnan(preferences)]
    draws = np.isin(preferences, DRAWS)
    wins = np.where(draws, 0.5, preferences - 1)
    outside = preferences[(wins < 0) | (wins > 1)]
    if len(outside):
        raise ValueError(f"preference {outside[0]:g} is neither 0 nor from 1 to 2")
    n = len(wins)
    n_wins, n_draws = int((wins > 0.5).sum()), int(draws.sum())
    return {
        "win_rate": float(100 * wins.mean()) if n else np.nan,
        "standard_error": float(100 * wins.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan,
        "n_wins": n_wins,
        "n_wins_base": int((wins < 0.5).sum()),
        "n_draws": n_draws,
        "n_total": n,
        "discrete_win_rate": 100 * (n_wins + n_draws / 2) / n if n else np.nan,
    }

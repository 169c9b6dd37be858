"""Verdicts on the claims that a study declares, by rules that `docs/claims.md` states and every sentence repeats."""

from lossgrid.statistics.claims.table import COLUMNS, evaluate_claims

__all__ = ["COLUMNS", "evaluate_claims"]

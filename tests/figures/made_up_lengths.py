"""Lengths of pairs and the table of their data, made up."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lossgrid.statistics.data_card.tokens import PairTokens, describe_tokens


def make_lengths(chosen: Sequence[int], rejected: Sequence[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables of the figure, each pair with a prompt of its own."""
    n = len(chosen)
    lengths = pd.DataFrame(
        {"prompt": range(n), "prompt_tokens": 5, "chosen_tokens": chosen, "rejected_tokens": rejected}
    )
    tokens = PairTokens(lengths, np.ones(n, bool), np.ones(n, bool), np.zeros((n, 2)))
    return lengths, pd.DataFrame(list(describe_tokens(tokens)))


def make_skewed_lengths(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lengths as people and models write them: a few ten times as long as most."""
    chance = np.random.default_rng(0)
    chosen = chance.lognormal(5, 0.9, n).astype(int) + 1
    return make_lengths(chosen, (chosen * chance.lognormal(-0.15, 0.6, n)).astype(int) + 1)

"""The published IMDb runs of DiscoPOP against the overflow of the published formula."""

import pandas as pd
import torch

from lossgrid.objectives.modulated import discopop_loss


def test_published_nan_runs_are_the_overflow_of_one_margin(fixtures):
    """If this failed, overflow would not explain why the published LRML runs have no result at large β.

    Ten sampling seeds at each of nine β. The published evaluation overflows for ρ < −88.72/β: −88.7 at β=1,
    −35.5 at 2.5, −17.7 at 5. So a worst margin anywhere between −88.7 and −35.5 nats, −60 say, must give a
    non-finite loss at exactly the β whose runs have none, and a finite one in log space everywhere.
    """
    runs = pd.read_csv(fixtures / "discopop" / "imdb_results_2.csv")
    lrml = runs[runs["loss"] == "lrml"]
    share_missing = lrml["reward"].isna().groupby(lrml["beta"]).mean().to_dict()
    assert len(lrml) == 90
    worst = torch.tensor([-60.0])
    zero = torch.zeros(1)
    for beta, share in share_missing.items():
        published = discopop_loss(worst, zero, zero, zero, beta=beta, evaluation="published")
        log_space = discopop_loss(worst, zero, zero, zero, beta=beta, evaluation="log_space")
        assert share == (0.0 if torch.isfinite(published).item() else 1.0), beta
        assert torch.isfinite(log_space).item(), beta

"""Tables of cells and training logs, made up to hold what figures must cope with."""

import math

import pandas as pd
import pytest
from made_up_cells import make_cell, make_table


@pytest.fixture
def cells() -> pd.DataFrame:
    """Several seeds, a negative KL estimate, a collapse, diverged cells with and without scores, an alias."""
    return make_table(
        [
            make_cell("dpo", "β 0.05", 1.0, 1.4, beta=0.05),
            make_cell("dpo", "β 0.05", 1.1, 1.5, seed=2, beta=0.05),
            make_cell("dpo", "β 1", 0.05, 0.8, beta=1.0),
            make_cell("ipo", "β 0.25", 0.06, 0.75, beta=0.25),
            make_cell("hinge", "β 0.25", -0.004, 0.52, beta=0.25),
            make_cell("discopop", "β 0.05", 300.0, -2.0, beta=0.05),
            make_cell(
                "discopop", "β 5, published", 0.01, 0.6, beta=5.0, evaluation="published", status="diverged",
                steps=7, nonfinite_steps=1,
            ),
            make_cell("discopop", "β 5", 0.011, 0.61, beta=5.0),
            make_cell(
                "discopop", "β 9, published", math.nan, math.nan, beta=9.0, evaluation="published",
                status="diverged", nonfinite_steps=20,
            ),
            make_cell("dlrml", "β_kl 0.05, β_mix 0.01", 1.9, 1.6, beta_kl=0.05, beta_mix=0.01),
            make_cell("dlrml", "β_kl 0.05, β_mix 0.01", 12.0, 1.2, seed=2, beta_kl=0.05, beta_mix=0.01),
            make_cell("dlrml", "β_kl 0.05, β_mix 0.2", 1.1, 0.0, beta_kl=0.05, beta_mix=0.2),
            make_cell("dlrml", "β_kl 0.05, β_mix 0.05", 300.0, -2.0, beta_kl=0.05, beta_mix=0.05, alias_of="x"),
        ]
    )  # fmt: skip


@pytest.fixture
def single_cell() -> pd.DataFrame:
    """The smallest study that there is."""
    return make_table([make_cell("dpo", "β 0.1", 0.3, 1.0, beta=0.1)])


@pytest.fixture
def logs(cells) -> dict[str, list[dict]]:
    """Twenty steps a cell; the diverged ones end in NaN, one has no finite step at all."""
    made = {}
    for row in cells[(cells["objective"] != "sft") & (cells["alias_of"] == "")].itertuples():
        steps = range(1, int(row.steps) + 1)
        made[row.cell] = [
            {"step": step, "rho_median": 0.1 * step, "accuracy": 0.5 + step / 100, "grad_norm": 10.0 / step}
            for step in steps
        ]
        if row.status == "diverged":
            made[row.cell][-1] |= {"rho_median": math.inf, "grad_norm": math.nan}
        if math.isnan(row.kl):
            made[row.cell] = [{**record, "grad_norm": math.nan} for record in made[row.cell]]
    return made

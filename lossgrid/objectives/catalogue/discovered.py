"""Losses that a language model proposed beside DiscoPOP."""

from lossgrid.objectives.specification import Hyperparameter, Objective

PAPER = "Lu et al. 2024, arXiv:2406.08414"

BETA = Hyperparameter(
    "beta",
    "Scales the log-ratio margin ρ.",
    default=0.05,
    unit="1/nat",
    source="arXiv:2406.08414, Sec. 4: β of the discovery run",
)

DISCOVERED: tuple[Objective, ...] = (
    Objective(
        name="cell",
        title="CELL",
        function="discovered:cell_loss",
        formula="½·softplus(−z) + ½·exp(−z), z = βρ",
        hyperparameters=(BETA,),
        reference=f"{PAPER}, App. E.5, Eq. 26",
    ),
    Objective(
        name="padll",
        title="PADLL",
        function="discovered:padll_loss",
        formula="0.9·(1 − ½·1[ρ<0])·softplus(−βρ)",
        hyperparameters=(BETA,),
        reference=f"{PAPER}, App. E.3, Eq. 18",
    ),
    Objective(
        name="pfl",
        title="PFL",
        function="discovered:pfl_loss",
        formula="½·softplus(−z) where log π_w > log π_l, else 2·max(0, 1 − z); z = βρ",
        hyperparameters=(BETA,),
        reference=f"{PAPER}, App. E.7, Eq. 29 without its division by τ",
        convention="As the released code. The discovery run, and so the published MT-Bench and AlpacaEval "
        "scores, had no β at all: that is β = 1 here. Eq. 29 divides z by τ = 0.05, which is β/0.05 here.",
    ),
    Objective(
        name="dbaql",
        title="DBAQL",
        function="discovered:dbaql_loss",
        formula="c·softplus(−z/0.9) + (1−c)·exp(−0.9z), c = σ(Var u), z = βρ, u = z/0.05",
        hyperparameters=(BETA,),
        reference=f"{PAPER}, App. E.1, Eq. 9",
        convention="The released code multiplies (1−c) by exp(−0.9z), which can be 0·inf; here the product "
        "is one exponential. NaN for a micro-batch of one pair, as there.",
        couples_batch=True,
    ),
    Objective(
        name="aql",
        title="AQL",
        function="discovered:aql_loss",
        formula="w·softplus(−z) + (1−w)·max(0, 1 − z), w = σ(−s(u − q)), z = βρ, u = z/0.05, "
        "q = 0.5 + 0.01(σ(mean u) − 0.5)",
        hyperparameters=(
            BETA,
            Hyperparameter(
                "weight_scale",
                "s, steepness of the weight: 1 in the released code, 0.05 in the paper.",
                default=1.0,
                source="the released code",
            ),
        ),
        reference=f"{PAPER}, App. E.2, Eq. 11 to 13",
        convention="The released code has s = 1. Eq. 12 and the discovery run, and so the published MT-Bench "
        "and AlpacaEval scores, have s = 0.05. Eq. 13 averages σ(u) where both codes take σ of the average.",
        couples_batch=True,
    ),
    Objective(
        name="aqfl",
        title="AQFL",
        function="discovered:aqfl_loss",
        formula="w·softplus(−z) + (1−w)·max(0, 1 − z), w = σ(0.1·|u − q|), z = βρ, u = z/0.05, "
        "q = 0.95·std u·mean σ(−u) + 0.05·σ(mean u)",
        hyperparameters=(BETA,),
        reference=f"{PAPER}, App. E.4, its code",
        convention="Eq. 24 of the paper writes the variance of u where its code and the released one take "
        "the root. NaN for a micro-batch of one pair, as there.",
        couples_batch=True,
    ),
)

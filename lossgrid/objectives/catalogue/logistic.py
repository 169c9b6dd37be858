"""DPO and its kin: logistic losses of the scaled margin z = βρ."""

from dataclasses import replace

from lossgrid.objectives.catalogue.hyperparameters import BETA
from lossgrid.objectives.specification import Hyperparameter, Objective

LABEL_SMOOTHING = Hyperparameter(
    "label_smoothing",
    "ε, the probability that a label is wrong.",
    default=0.1,
    source="arXiv:2403.00409, Sec. 6",
    below=0.5,
)

LOGISTIC = (
    Objective(
        name="dpo",
        title="DPO",
        function="logistic:dpo_loss",
        formula="softplus(−βρ)",
        hyperparameters=(BETA,),
        reference="Rafailov et al. 2023, arXiv:2305.18290, Eq. 7",
    ),
    Objective(
        name="cdpo",
        title="Conservative DPO",
        function="logistic:cdpo_loss",
        formula="(1−ε)·softplus(−βρ) + ε·softplus(βρ), ε the label smoothing",
        hyperparameters=(BETA, LABEL_SMOOTHING),
        reference="Mitchell 2023, A note on DPO with noisy preferences and relationship to IPO",
        convention="TRL's `sigmoid` ignores `label_smoothing` since version 0.29; before, and in the DPO and "
        "DiscoPOP code, it was this loss. The robust loss of the same ε is another one.",
    ),
    Objective(
        name="robust_dpo",
        title="Robust DPO",
        function="logistic:robust_dpo_loss",
        formula="[(1−ε)·softplus(−βρ) − ε·softplus(βρ)]/(1−2ε), ε the label smoothing",
        hyperparameters=(BETA, LABEL_SMOOTHING),
        reference="Chowdhury et al. 2024, arXiv:2403.00409, rDPO",
        convention="Computed as softplus(−βρ) − βρ·ε/(1−2ε), the same function; TRL's `robust` subtracts the "
        "two logistic losses.",
    ),
    Objective(
        name="exo",
        title="EXO",
        function="logistic:exo_loss",
        formula="σ(z)·log(σ(z)/(1−ε)) + σ(−z)·log(σ(−z)/ε), z = βρ, ε the label smoothing",
        hyperparameters=(
            BETA,
            replace(LABEL_SMOOTHING, default=0.001, source="TRL's DPOConfig, after arXiv:2402.00856"),
        ),
        reference="Ji et al. 2024, arXiv:2402.00856, Eq. 16",
        convention="The form for pairs, TRL's `exo_pair`; the paper's own loss takes K responses a prompt.",
    ),
)

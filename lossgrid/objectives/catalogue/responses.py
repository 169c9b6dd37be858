"""Losses that weigh each response of a pair by its own log-ratio."""

from dataclasses import replace

from lossgrid.objectives.catalogue.hyperparameters import BETA
from lossgrid.objectives.specification import Objective

BETA_OF_RESPONSE = replace(BETA, description="Scales the log-ratio of each response.")

RESPONSES = (
    Objective(
        name="nca",
        title="NCA",
        function="responses:nca_loss",
        formula="−log σ(βr_w) − ½·log σ(−βr_w) − ½·log σ(−βr_l)",
        hyperparameters=(replace(BETA_OF_RESPONSE, default=0.01, source="arXiv:2402.05369, Sec. C"),),
        reference="Chen et al. 2024, arXiv:2402.05369",
        convention="The form for pairs, TRL's `nca_pair`; the paper's own loss takes K responses with rewards.",
    ),
    Objective(
        name="bco",
        title="BCO",
        function="responses:bco_loss",
        formula="−log σ(βr_w) − log σ(−βr_l)",
        hyperparameters=(replace(BETA_OF_RESPONSE, default=0.01, source="arXiv:2404.04656, Sec. C"),),
        reference="Jung et al. 2024, arXiv:2404.04656, with δ = 0",
        convention="As TRL's `bco_pair` in version 1.16. The paper, TRL before 0.29 and the DiscoPOP code subtract "
        "a running mean δ of the rewards, −log σ(βr_w − δ) − log σ(δ − βr_l), which makes a loss depend on all "
        "pairs before it; TRL's paper index gives DPO's formula under this name.",
    ),
    Objective(
        name="sppo_hard",
        title="SPPO (hard)",
        function="responses:sppo_hard_loss",
        formula="(r_w − 1/(2β))² + (r_l + 1/(2β))²",
        hyperparameters=(
            replace(
                BETA,
                description="Sets the log-ratios aimed at, ±1/(2β) nats.",
                default=0.001,
                source="arXiv:2405.00675, Sec. 5, 1/η",
            ),
        ),
        reference="Wu et al. 2024, arXiv:2405.00675, Eq. 4.7",
        convention="The paper estimates the probabilities of winning with a reward model and anew in each round; "
        "here, as in TRL's `sppo_hard`, they are 1 and 0.",
    ),
    Objective(
        name="apo_zero",
        title="APO-zero",
        function="responses:apo_zero_loss",
        formula="(1 − σ(βr_w)) + σ(βr_l)",
        hyperparameters=(replace(BETA_OF_RESPONSE, source="arXiv:2408.06266, Sec. 5.2"),),
        reference="D'Oosterlinck et al. 2024, arXiv:2408.06266, Eq. 7",
        convention="TRL's `apo_zero` rounds σ to 1 in float32 and so has no gradient for responses with βr > 17, "
        "among them rejected ones that are far too likely.",
    ),
    Objective(
        name="apo_down",
        title="APO-down",
        function="responses:apo_down_loss",
        formula="σ(βr_w) + (1 − σ(β(r_w − r_l)))",
        hyperparameters=(replace(BETA_OF_RESPONSE, source="arXiv:2408.06266, Sec. 5.2"),),
        reference="D'Oosterlinck et al. 2024, arXiv:2408.06266, Eq. 8",
        convention="TRL's `apo_down` rounds σ to 1 in float32 and so has no gradient for chosen responses with "
        "βr > 17.",
    ),
)

"""IPO, with log-probabilities summed or averaged over response tokens."""

from dataclasses import replace

from lossgrid.objectives.catalogue.hyperparameters import BETA
from lossgrid.objectives.specification import Objective

IPO = (
    Objective(
        name="ipo",
        title="IPO",
        function="ipo:ipo_loss",
        formula="(ρ − 1/(2β))², log-probabilities summed over tokens",
        hyperparameters=(BETA,),
        reference="Azar et al. 2023, arXiv:2310.12036, Eq. 17",
        convention="The paper, the DPO and the DiscoPOP code sum over tokens; TRL's `ipo` averages.",
    ),
    Objective(
        name="ipo_averaged",
        title="IPO (averaged)",
        function="ipo:ipo_averaged_loss",
        formula="(ρ̄ − 1/(2β))², log-probabilities averaged over tokens",
        hyperparameters=(
            replace(
                BETA,
                description="Sets the margin aimed at, 1/(2β) nats a token.",
                unit="tokens/nat",
            ),
        ),
        reference="Azar et al. 2023, arXiv:2310.12036, Eq. 17, averaged as in TRL",
        convention="TRL's `ipo` in version 1.16: TRL's authors report that the paper's experiments averaged.",
        length_normalised=True,
    ),
)

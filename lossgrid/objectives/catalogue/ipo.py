"""IPO, with log-probabilities summed or averaged over response tokens."""

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
)

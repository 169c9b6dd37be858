"""DPO and its kin: logistic losses of the scaled margin z = βρ."""

from lossgrid.objectives.catalogue.hyperparameters import BETA
from lossgrid.objectives.specification import Objective

LOGISTIC = (
    Objective(
        name="dpo",
        title="DPO",
        function="logistic:dpo_loss",
        formula="softplus(−βρ)",
        hyperparameters=(BETA,),
        reference="Rafailov et al. 2023, arXiv:2305.18290, Eq. 7",
    ),
)

"""The GPO family: any convex function of the scaled margin z = βρ."""

from lossgrid.objectives.catalogue.hyperparameters import BETA
from lossgrid.objectives.specification import Objective

GPO = (
    Objective(
        name="hinge",
        title="Hinge (SLiC)",
        function="gpo:hinge_loss",
        formula="max(0, 1 − βρ)",
        hyperparameters=(BETA,),
        reference="Zhao et al. 2023, arXiv:2305.10425",
    ),
)

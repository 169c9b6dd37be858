"""The GPO family: functions of the scaled margin z = βρ that bound the 0-1 loss."""

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
    Objective(
        name="exponential",
        title="Exponential",
        function="gpo:exponential_loss",
        formula="exp(−βρ)",
        hyperparameters=(BETA,),
        reference="Tang et al. 2024, arXiv:2402.05749, Table 1",
    ),
    Objective(
        name="truncated_quadratic",
        title="Truncated quadratic",
        function="gpo:truncated_quadratic_loss",
        formula="max(0, 1 − βρ)²",
        hyperparameters=(BETA,),
        reference="Tang et al. 2024, arXiv:2402.05749, Table 1",
    ),
    Objective(
        name="squared",
        title="Squared",
        function="gpo:squared_loss",
        formula="(βρ − 1)²",
        hyperparameters=(BETA,),
        reference="Tang et al. 2024, arXiv:2402.05749, Table 1",
        convention="It is β² times `ipo` of β/2, so that the paper counts it as IPO.",
    ),
    Objective(
        name="savage",
        title="Savage",
        function="gpo:savage_loss",
        formula="(1 + exp(βρ))⁻²",
        hyperparameters=(BETA,),
        reference="Tang et al. 2024, arXiv:2402.05749, Table 1",
        convention="Not convex: concave for βρ < −log 2, and bounded by 1.",
    ),
)

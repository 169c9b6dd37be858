"""Every loss that a study can name. Adding one is a function in a loss module and an entry here."""

from collections.abc import Hashable
from fractions import Fraction

from lossgrid.objectives.specification import Hyperparameter, Objective, Setting

BETA = Hyperparameter(
    "beta", "Strength of the KL regularisation: scales the log-ratio margin.", default=0.1, unit="1/nat"
)
TAU = Hyperparameter("tau", "Temperature of the mix; it acts only through (mix β)/τ.", default=0.05)
EVALUATION = Hyperparameter(
    "evaluation",
    "How the product of mix and exponential is computed: log_space is finite wherever the true value is, "
    "published overflows as the papers' code does.",
    default="log_space",
    choices=("log_space", "published"),
)


def beta_alone(name: str):
    """Shape of a loss whose only hyper-parameter is β."""

    def shape_of(setting: Setting) -> Hashable:
        return name, setting["beta"]

    return shape_of


def modulated(beta_kl: str, beta_mix: str):
    """Shape of a modulated loss: β_mix and τ act only through their quotient, taken exactly."""

    def shape_of(setting: Setting) -> Hashable:
        mix_slope = Fraction(repr(setting[beta_mix])) / Fraction(repr(setting["tau"]))
        return "modulated", Fraction(repr(setting[beta_kl])), mix_slope, setting["evaluation"]

    return shape_of


def mix_ratio(name: str, setting: Setting) -> float | None:
    """The ratio r = β_mix/(τβ_kl) that alone shapes a modulated loss, None for any other objective."""
    shape = CATALOGUE[name].shape_of(setting)
    return float(shape[2] / shape[1]) if shape[0] == "modulated" else None


OBJECTIVES = (
    Objective(
        name="dpo",
        title="DPO",
        function="margin:dpo_loss",
        formula="softplus(−βρ)",
        hyperparameters=(BETA,),
        reference="Rafailov et al. 2023, arXiv:2305.18290, Eq. 7",
        shape_of=beta_alone("dpo"),
    ),
    Objective(
        name="ipo",
        title="IPO",
        function="margin:ipo_loss",
        formula="(ρ − 1/(2β))², log-probabilities summed over tokens",
        hyperparameters=(BETA,),
        reference="Azar et al. 2023, arXiv:2310.12036, Eq. 17",
        shape_of=beta_alone("ipo"),
    ),
    Objective(
        name="hinge",
        title="Hinge (SLiC)",
        function="margin:hinge_loss",
        formula="max(0, 1 − βρ)",
        hyperparameters=(BETA,),
        reference="Zhao et al. 2023, arXiv:2305.10425",
        shape_of=beta_alone("hinge"),
    ),
    Objective(
        name="discopop",
        title="DiscoPOP (LRML)",
        function="modulated:discopop_loss",
        formula="(1−m)·softplus(−z) + m·exp(−z), z = βρ, m = σ(z/τ)",
        hyperparameters=(
            Hyperparameter("beta", "Scales the margin in both branches and in the mix.", 0.05, "1/nat"),
            TAU,
            EVALUATION,
        ),
        reference="Lu et al. 2024, arXiv:2406.08414, Eq. 5",
        shape_of=modulated("beta", "beta"),
    ),
    Objective(
        name="dlrml",
        title="dLRML",
        function="modulated:dlrml_loss",
        formula="(1−m)·softplus(−z) + m·exp(−z), z = β_kl·ρ, m = σ(β_mix·ρ/τ)",
        hyperparameters=(
            Hyperparameter("beta_kl", "Scales the margin in both branches.", 0.05, "1/nat"),
            Hyperparameter("beta_mix", "Scales the margin in the mix coefficient alone.", 0.20, "1/nat"),
            TAU,
            EVALUATION,
        ),
        reference="Eq. 5 of arXiv:2406.08414 with β split in two",
        shape_of=modulated("beta_kl", "beta_mix"),
    ),
)

CATALOGUE = {objective.name: objective for objective in OBJECTIVES}

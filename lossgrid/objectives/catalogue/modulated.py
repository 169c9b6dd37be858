"""The log-ratio modulated family: DiscoPOP and dLRML, with a fixed or a learned mix."""

from lossgrid.objectives.specification import Hyperparameter, LearnedParameter, Objective

TAU = Hyperparameter(
    "tau",
    "Temperature of the mix; it acts only through (mix β)/τ.",
    default=0.05,
    source="arXiv:2406.08414, Eq. 5",
)
EVALUATION = Hyperparameter(
    "evaluation",
    "How the product of mix and exponential is computed: log_space is finite wherever the true value is, "
    "published overflows as the papers' code does.",
    default="log_space",
    choices=("log_space", "published"),
)
BETA_KL = Hyperparameter(
    "beta_kl", "Scales the margin in both branches.", 0.05, "1/nat", source="β of arXiv:2406.08414"
)
BETA_MIX = Hyperparameter(
    "beta_mix",
    "Scales the margin in the mix coefficient alone.",
    0.20,
    "1/nat",
    source="the method's proposal",
)

MODULATED = (
    Objective(
        name="discopop",
        title="DiscoPOP (LRML)",
        function="modulated:discopop_loss",
        formula="(1−m)·softplus(−z) + m·exp(−z), z = βρ, m = σ(z/τ)",
        hyperparameters=(
            Hyperparameter(
                "beta",
                "Scales the margin in both branches and in the mix.",
                0.05,
                "1/nat",
                source="arXiv:2406.08414, Sec. 4",
            ),
            TAU,
            EVALUATION,
        ),
        reference="Lu et al. 2024, arXiv:2406.08414, Eq. 5",
        convention="Eq. 4 of the paper has a slip of sign. TRL's `discopop` is `evaluation: published`.",
        modulation=("beta", "beta"),
    ),
    Objective(
        name="dlrml",
        title="dLRML",
        function="modulated:dlrml_loss",
        formula="(1−m)·softplus(−z) + m·exp(−z), z = β_kl·ρ, m = σ(β_mix·ρ/τ)",
        hyperparameters=(BETA_KL, BETA_MIX, TAU, EVALUATION),
        reference="Eq. 5 of arXiv:2406.08414 with β split in two",
        modulation=("beta_kl", "beta_mix"),
    ),
    Objective(
        name="dlrml_learned",
        title="dLRML, learned mix",
        function="modulated:dlrml_loss",
        formula="the loss of dlrml, with log β_mix trained beside the policy",
        hyperparameters=(
            BETA_KL,
            Hyperparameter(
                "beta_mix", "First value of the trained β_mix.", 0.20, "1/nat", source="the method's proposal"
            ),
            TAU,
            Hyperparameter("mix_learning_rate", "Peak learning rate of log β_mix, with AdamW.", 0.01),
            EVALUATION,
        ),
        reference="Eq. 5 of arXiv:2406.08414 with β split in two",
        modulation=("beta_kl", "beta_mix"),
        learned=(LearnedParameter("beta_mix", "mix_learning_rate"),),
    ),
)

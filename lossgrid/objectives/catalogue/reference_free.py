"""Losses without a reference model: SimPO, ORPO, CPO, SLiC-HF."""

from lossgrid.objectives.specification import Hyperparameter, Objective

REFERENCE_FREE: tuple[Objective, ...] = (
    Objective(
        name="simpo",
        title="SimPO",
        function="reference_free:simpo_loss",
        formula="softplus(−(β(ℓ̄_w − ℓ̄_l) − γ)), ℓ̄ the averaged log-probability",
        hyperparameters=(
            Hyperparameter(
                "beta",
                "Scale of the implicit reward βℓ̄.",
                2.0,
                "tokens/nat",
                source="the authors' run on Llama-3-8B (README of princeton-nlp/SimPO)",
            ),
            Hyperparameter(
                "gamma",
                "Margin wanted between the two rewards, in units of the reward.",
                1.0,
                source="the authors' run on Llama-3-8B: γ/β = 0.5 at β = 2",
            ),
        ),
        reference="Meng et al. 2024, arXiv:2405.14734, Eq. 6",
        convention="γ as in the paper and in TRL's `simpo_gamma`; the authors' code takes γ/β "
        "(`gamma_beta_ratio`). TRL's `CPOTrainer` with `loss_type: simpo` adds `cpo_alpha` times the NLL per "
        "token, which is 1 unless set to 0; its defaults are β = 0.1 and γ = 0.5.",
        reference_free=True,
        length_normalised=True,
    ),
    Objective(
        name="orpo",
        title="ORPO",
        function="reference_free:orpo_loss",
        formula="−ℓ̄_w + λ·softplus(−log(o_w/o_l)), o = e^ℓ̄/(1 − e^ℓ̄), ℓ̄ the averaged log-probability",
        hyperparameters=(
            Hyperparameter(
                "odds_weight",
                "λ, weight of the odds ratio beside the likelihood.",
                0.1,
                source="TRL's ORPOConfig, which calls it beta",
            ),
        ),
        reference="Hong et al. 2024, arXiv:2403.07691, Eq. 6 and 7",
        convention="The likelihood is that of the response, averaged over its tokens, each pair alike. TRL "
        "averages it over prompt and response, each token of the micro-batch alike; the authors' code does "
        "so unless told to leave out the prompt. The odds ratio is the same everywhere.",
        reference_free=True,
        length_normalised=True,
    ),
    Objective(
        name="cpo",
        title="CPO",
        function="reference_free:cpo_loss",
        formula="softplus(−β(ℓ_w − ℓ_l)) − λℓ_w, ℓ the summed log-probability",
        hyperparameters=(
            Hyperparameter("beta", "Scale of the margin ℓ_w − ℓ_l.", 0.1, "1/nat", source="TRL's CPOConfig"),
            Hyperparameter(
                "nll_weight",
                "λ, weight of the chosen response's negative log-likelihood.",
                1.0,
                "1/nat",
                source="arXiv:2401.08417, where both terms have weight 1",
            ),
        ),
        reference="Xu et al. 2024, arXiv:2401.08417, Eq. 3 and the objective built on it",
        convention="Both terms sum over tokens, as the paper writes them. TRL sums in the first and averages "
        "the second over the tokens of the micro-batch, weighed by `cpo_alpha`: with responses of n tokens "
        "its λ is 1/n of ours.",
        reference_free=True,
    ),
    Objective(
        name="slic_hf",
        title="SLiC-HF",
        function="reference_free:slic_hf_loss",
        formula="max(0, δ − ℓ_w + ℓ_l) − λℓ_w, ℓ the summed log-probability",
        hyperparameters=(
            Hyperparameter(
                "margin", "δ, margin from which on a pair's order counts as learned.", 1.0, "nats"
            ),
            Hyperparameter("nll_weight", "λ, weight of the chosen response's negative log-likelihood.", 0.1),
        ),
        reference="Zhao et al. 2023, arXiv:2305.10425, Sec. 2",
        convention="The paper's second term keeps close to a target of the SFT data; here the chosen "
        "response stands for it. What TRL and the DiscoPOP paper call SLiC is the hinge of the log-ratio "
        "margin (`hinge`). TRL's `CPOTrainer` with `loss_type: hinge` is β times the first term at δ = 1/β, "
        "with the NLL averaged over tokens.",
        reference_free=True,
    ),
)

"""Losses of a pair that depend on the other pairs of its micro-batch: KTO and AOT."""

from dataclasses import replace

from lossgrid.objectives.catalogue.hyperparameters import BETA
from lossgrid.objectives.specification import Objective

BETA_OF_AOT = replace(BETA, default=0.01, source="arXiv:2406.05882, caption of Fig. 2")

BATCH = (
    Objective(
        name="kto",
        title="KTO (pairs)",
        function="batch:kto_loss",
        formula="½(1 − σ(β(r_w − K_l))) + ½(1 − σ(β(K_w − r_l))), K = max(0, mean of r over the micro-batch)",
        hyperparameters=(replace(BETA, description="Scales the log-ratio of each response."),),
        reference="Ethayarajh et al. 2024, arXiv:2402.01306, Sec. 4",
        convention="The DiscoPOP code returns the two values of a pair one after the other; here their mean is the "
        "pair's loss, with the same mean over the batch. As there, the K are differentiated. HALOs and TRL's "
        "KTOTrainer detach a K that they estimate from mismatched prompts and responses, and take responses without "
        "pairs; TRL's DPOTrainer had this loss as `kto_pair` and has it no longer.",
        couples_batch=True,
    ),
    Objective(
        name="aot",
        title="AOT",
        function="batch:aot_loss",
        formula="softplus(−β(m − m_ref of the same rank)), m = log π_w − log π_l",
        hyperparameters=(BETA_OF_AOT,),
        reference="Melnyk et al. 2024, arXiv:2406.05882",
        convention="TRL's `aot` returns the losses in the order of the margins and can smooth the label; here each "
        "stands at the pair whose policy margin it holds, and there is no smoothing. The mean is the same.",
        couples_batch=True,
    ),
    Objective(
        name="aot_unpaired",
        title="AOT (unpaired)",
        function="batch:aot_unpaired_loss",
        formula="softplus(−β(r_w − r_l of the same rank))",
        hyperparameters=(replace(BETA_OF_AOT, description="Scales the log-ratio of each response."),),
        reference="Melnyk et al. 2024, arXiv:2406.05882",
        convention="TRL's `aot_unpaired` returns the losses in the order of the log-ratios and can smooth the "
        "label; here each stands at the pair of its chosen response, and there is no smoothing.",
        couples_batch=True,
    ),
)

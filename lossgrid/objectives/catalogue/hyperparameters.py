"""Hyper-parameters that several losses share."""

from lossgrid.objectives.specification import Hyperparameter

BETA = Hyperparameter(
    "beta",
    "Strength of the KL regularisation: scales the log-ratio margin.",
    default=0.1,
    unit="1/nat",
    source="TRL's DPOConfig",
)

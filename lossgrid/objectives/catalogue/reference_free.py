"""Losses without a reference model: SimPO, ORPO, CPO, SLiC-HF."""

from lossgrid.objectives.specification import Objective

REFERENCE_FREE: tuple[Objective, ...] = ()
